//! The bounds of labels, and of searches by them.

/// Longest text of a mandatory label.
pub const LABEL_CHARS_MAX: usize = 255;

/// Most keys of custom labels.
pub const CUSTOM_LABELS_MAX: usize = 10;

/// Longest key of a custom label; it is made of ASCII letters, digits, `.`, `_` and `-`.
pub const CUSTOM_LABEL_KEY_CHARS_MAX: usize = 63;

/// Most values of one custom label.
pub const CUSTOM_LABEL_VALUES_MAX: usize = 5;

/// Longest value of a custom label; it is made of printable characters.
pub const CUSTOM_LABEL_VALUE_CHARS_MAX: usize = 100;

/// Most workflows that a search gives.
pub const SEARCH_RESULTS_MAX: u8 = 100;

/// Workflows that a search gives when the client does not say.
pub const SEARCH_RESULTS_DEFAULT: u8 = 10;
