//! White space around the values of header fields and their elements (RFC 9110 sections 5.5 and 5.6.3).
//!
//! In: a value. Out: the value without it. Never: another white space than space and tab, such as U+00A0, which is part
//! of a value.

const fn is_optional_white_space(c: char) -> bool {
    matches!(c, ' ' | '\t')
}

/// A value without the white space around it.
pub(crate) fn trim(value: &str) -> &str {
    value.trim_matches(is_optional_white_space)
}

/// A value without the white space behind it.
pub(crate) fn trim_end(value: &str) -> &str {
    value.trim_end_matches(is_optional_white_space)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn space_and_tab_are_white_space_and_nothing_else_is() {
        assert_eq!(trim(" \t a b\t "), "a b");
        assert_eq!(trim_end(" a \t"), " a");
        for other in ["\u{a0}", "\u{85}", "\u{b}", "\u{c}", "\r", "\n", "\u{feff}", "\u{2003}", "\0"] {
            let around = format!("{other}a{other}");
            assert_eq!(trim(&around), around, "{other:?}");
        }
    }
}
