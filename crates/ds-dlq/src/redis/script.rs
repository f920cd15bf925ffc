//! The scripts: whatever changes more than one key happens in one of them, so that no crash comes
//! between the changes.

use std::sync::OnceLock;

/// A script by what it does.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Script {
    Put,
    Take,
    Settle,
    Defer,
    Bury,
    Release,
    Revive,
    Status,
    Sweep,
    Leave,
}

const SCRIPTS: usize = 10;

macro_rules! text {
    ($file:literal) => {
        concat!(
            include_str!("scripts/common.lua"),
            include_str!(concat!("scripts/", $file, ".lua"))
        )
    };
}

impl Script {
    /// What is run.
    pub(super) fn text(self) -> &'static str {
        match self {
            Self::Put => text!("put"),
            Self::Take => text!("take"),
            Self::Settle => text!("settle"),
            Self::Defer => text!("defer"),
            Self::Bury => text!("bury"),
            Self::Release => text!("release"),
            Self::Revive => text!("revive"),
            Self::Status => text!("status"),
            Self::Sweep => text!("sweep"),
            Self::Leave => text!("leave"),
        }
    }
}

/// The names under which the server knows the scripts. A name is a digest of the text, so that it
/// stays the same whatever happens to the server.
#[derive(Debug, Default)]
pub(super) struct Names([OnceLock<String>; SCRIPTS]);

impl Names {
    pub(super) fn get(&self, script: Script) -> Option<&str> {
        self.slot(script).get().map(String::as_str)
    }

    pub(super) fn set(&self, script: Script, name: String) {
        // The first name is as good as any other.
        let _ = self.slot(script).set(name);
    }

    fn slot(&self, script: Script) -> &OnceLock<String> {
        &self.0[script as usize]
    }
}
