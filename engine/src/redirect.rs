//! Which redirects are followed: within one origin, and few.
//!
//! In: the first URL, the next one.
//! Out: yes, or why not.
//! Never: a redirect to another origin or with a login.

use url::Url;

/// Redirects that are followed, all within one origin.
const MAX_REDIRECTS: usize = 3;

/// Whether the redirect with this number (the first one has 1) is followed; or why not, for developers.
pub fn check_redirect(first: &Url, next: &Url, number: usize) -> Result<(), &'static str> {
    if first.origin() != next.origin() {
        Err("a redirect to another origin is not followed: write the URL where it leads as `jwksUri`")
    } else if !next.username().is_empty() || next.password().is_some() {
        Err("a redirect that names a user or a password is not followed")
    } else if number > MAX_REDIRECTS {
        Err("too many redirects")
    } else {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_redirects_within_one_origin_are_followed() {
        let url = |text: &str| Url::parse(text).unwrap();
        let check = |next: &str, number| check_redirect(&url("https://as.example/a"), &url(next), number);
        assert_eq!(check("https://as.example/b", 1), Ok(()));
        assert_eq!(check("https://as.example:443/b", 3), Ok(()));
        for (next, number, expected) in [
            ("https://as.example/b", 4, "too many"),
            ("http://as.example/b", 1, "another origin"),
            ("https://as.example:8443/b", 1, "another origin"),
            ("https://evil.example/b", 1, "another origin"),
            ("https://user@as.example/b", 1, "a user or a password"),
            ("https://:secret@as.example/b", 1, "a user or a password"),
        ] {
            assert!(check(next, number).is_err_and(|why| why.contains(expected)), "{next}");
        }
    }
}
