//! What parameters about actions have in common.

use ds_domain::limit::ACTION_TEXT_FIELDS;

use crate::{Rule, parameter::Breach, query::Given};

/// Checks a text that is compared with `column` of the actions.
pub(crate) fn check_text(given: &mut Given<'_>, name: &'static str, column: &str, value: &str) {
    let mut fields = ACTION_TEXT_FIELDS.iter();
    let field = fields.find(|field| field.column == column);
    let chars_max = field.and_then(|field| field.chars_max);
    let chars = value.chars().count();
    if value.contains('\0') {
        let message = format!("{name} contains a NUL character");
        given.refuse(name, Breach::new(Rule::Nul, message));
    } else if let Some(max) = chars_max.filter(|max| chars > *max) {
        let message = format!("{name} must be at most {max} characters");
        given.refuse(
            name,
            Breach::new(Rule::TooLong, message).measured(max, chars),
        );
    }
}
