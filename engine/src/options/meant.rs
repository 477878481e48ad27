//! Guesses which option a program meant by an unknown name.
//!
//! In: the name, and the names that there are.
//! Out: one of these, or nothing.
//! Never: an option that is set by a guess.

/// The names of the options in other libraries, in small letters without punctuation.
const ALIASES: [(&str, &str); 39] = [
    ("issuer", "issuerUri"),
    ("iss", "issuerUri"),
    ("allowediss", "issuerUri"),
    ("issuerbaseurl", "issuerUri"),
    ("authserverurl", "issuerUri"),
    ("authority", "issuerUri"),
    ("domain", "issuerUri"),
    ("audience", "expectedAudience"),
    ("aud", "expectedAudience"),
    ("audiences", "expectedAudience"),
    ("allowedaud", "expectedAudience"),
    ("clientid", "expectedClients"),
    ("algorithm", "algorithms"),
    ("signingalgorithm", "algorithms"),
    ("tokensigningalg", "algorithms"),
    ("clocktolerance", "leewaySeconds"),
    ("clockskew", "leewaySeconds"),
    ("leeway", "leewaySeconds"),
    ("graceseconds", "leewaySeconds"),
    ("maxage", "maxTokenAgeSeconds"),
    ("maxtokenage", "maxTokenAgeSeconds"),
    ("clocktimestamp", "clock"),
    ("currentdate", "clock"),
    ("jwks", "keys"),
    ("key", "keys"),
    ("publickey", "keys"),
    ("secret", "keys"),
    ("secretorkey", "keys"),
    ("jwksurl", "jwksUri"),
    ("jwkseturi", "jwksUri"),
    ("cachemaxage", "keysAgeSeconds"),
    ("cachettl", "keysAgeSeconds"),
    ("cooldownduration", "keysCooldownSeconds"),
    ("timeoutduration", "keysTimeoutMs"),
    ("schema", "claims"),
    ("baseurl", "publicBaseUrl"),
    ("redis", "replayStore"),
    ("timeout", "timeoutMs"),
    ("url", "redis"),
];

/// The longest name that is compared letter by letter.
const MAX_LETTERS: usize = 40;

/// The known name that was meant, most likely.
pub(super) fn meant<'n>(name: &str, known: &[&'n str]) -> Option<&'n str> {
    let letters = letters_of(name);
    let alias = ALIASES.iter().find(|(alias, _)| *alias == letters).map(|(_, option)| *option);
    let aliased = known.iter().find(|known| Some(**known) == alias);
    aliased.or_else(|| known.iter().find(|known| is_near(&letters, &letters_of(known)))).copied()
}

fn letters_of(name: &str) -> String {
    name.chars().filter(|c| c.is_alphanumeric()).take(MAX_LETTERS + 1).collect::<String>().to_lowercase()
}

/// Whether the names differ by one or two letters.
fn is_near(a: &str, b: &str) -> bool {
    let most = if b.len() > 4 { 2 } else { 1 };
    a.len() <= MAX_LETTERS && a.len().abs_diff(b.len()) <= most && distance(a, b) <= most
}

/// Letters to be put in, taken away or changed (Levenshtein).
fn distance(a: &str, b: &str) -> usize {
    let mut row: Vec<usize> = (0..=b.chars().count()).collect();
    for (i, letter) in a.chars().enumerate() {
        let mut before = i;
        let mut last = i + 1;
        for (cell, other) in row.iter_mut().skip(1).zip(b.chars()) {
            let here = (before + usize::from(letter != other)).min(*cell + 1).min(last + 1);
            before = std::mem::replace(cell, here);
            last = here;
        }
        if let Some(first) = row.first_mut() {
            *first = i + 1;
        }
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_others_call_it_and_what_is_misspelt_is_guessed_and_nothing_else() {
        let known = [
            "issuerUri",
            "expectedAudience",
            "expectedClients",
            "algorithms",
            "leewaySeconds",
            "maxTokenAgeSeconds",
            "jwksUri",
            "dpop",
            "keys",
            "clock",
        ];
        for (name, expected) in [
            ("issuer", Some("issuerUri")),
            ("issuerURL", Some("issuerUri")),
            ("issuer_uri", Some("issuerUri")),
            ("audience", Some("expectedAudience")),
            ("expectedAudiance", Some("expectedAudience")),
            ("clockTolerance", Some("leewaySeconds")),
            ("algorithm", Some("algorithms")),
            ("Algorithms", Some("algorithms")),
            ("jwksUrl", Some("jwksUri")),
            ("jwks_uri", Some("jwksUri")),
            ("jwk-set-uri", Some("jwksUri")),
            ("maxAge", Some("maxTokenAgeSeconds")),
            ("maxTokenAge", Some("maxTokenAgeSeconds")),
            ("clientId", Some("expectedClients")),
            ("clockTimestamp", Some("clock")),
            ("dop", Some("dpop")),
            ("DPOP", Some("dpop")),
            ("jwks", Some("keys")),
            // A name of another object of the options.
            ("timeout", None),
            ("issuerU", Some("issuerUri")),
            ("x", None),
            ("", None),
        ] {
            assert_eq!(meant(name, &known), expected, "{name}");
        }
        assert_eq!(meant(&"k".repeat(100_000), &known), None);
    }

    #[test]
    fn letters_are_counted() {
        assert_eq!([distance("", "abc"), distance("abc", "abc"), distance("abcd", "bcx")], [3, 0, 2]);
    }
}
