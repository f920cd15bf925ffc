//! What is found in the texts of a workflow, which are kept as they are.

use super::draft::Draft;
use crate::{
    Limits, SecretMode, Violations,
    screen::{Screen, Screening},
};

/// Looks for secrets and markup. Secrets are reported as warnings, one for each text that has any;
/// markup and SQL, which workflows are full of, are only counted.
pub(super) fn report(draft: &Draft, limits: &Limits, warnings: &mut Violations) -> Screening {
    // The mode that looks and takes nothing out.
    let mut limits = *limits;
    if limits.secrets != SecretMode::Off {
        limits.secrets = SecretMode::Reject;
    }
    let mut screen = Screen::new(&limits);
    for (name, text) in draft.texts() {
        screen.look(name, text);
    }
    let mut secrets = Violations::default();
    let screening = screen.finish(&mut secrets);
    for secret in &secrets {
        if !warnings
            .iter()
            .any(|it| it.rule == secret.rule && it.pointer == secret.pointer)
        {
            warnings.add(secret.clone());
        }
    }
    screening
}
