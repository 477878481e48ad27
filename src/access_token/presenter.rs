//! The client and user that an access token names: their shares of the replay memory are counted.
//!
//! In: verified claims.
//! Out: `Presenter`, 64 bits of a digest each, which differ for different clients and users.
//! Never: a name in plain text, a rule about which requests are granted.

use crate::crypto::sha256;
use crate::jose::json::{Object, Value};

use super::recipient::CLIENT_CLAIMS;

/// The client and the user of a token. Those of different issuers are different.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Presenter {
    /// The client, with its issuer. All tokens of an issuer that name no client count as one client.
    pub client: u64,
    /// The user, with its issuer; `None` if the token names no user.
    pub subject: Option<u64>,
}

impl Presenter {
    pub(super) fn read(claims: &Object<'_>) -> Self {
        let text = |name: &str| claims.get(name).and_then(Value::as_str);
        let issuer = text("iss").unwrap_or_default();
        let client = CLIENT_CLAIMS.into_iter().find_map(text).unwrap_or_default();
        let subject = text("sub").map(|subject| digest(["subject", issuer, subject]));
        Self { client: digest(["client", issuer, client]), subject }
    }
}

/// Lengths are part of the digest, so that no two lists of parts share one.
fn digest(parts: [&str; 3]) -> u64 {
    let length: usize = parts.iter().map(|part| part.len() + 8).sum();
    let mut text = Vec::with_capacity(length);
    for part in parts {
        text.extend_from_slice(&(part.len() as u64).to_be_bytes());
        text.extend_from_slice(part.as_bytes());
    }
    sha256(&text).into_iter().take(8).fold(0, |bits, byte| bits << 8 | u64::from(byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(claims: &str) -> Presenter {
        Presenter::read(&Object::parse(claims.as_bytes()).unwrap())
    }

    #[test]
    fn clients_and_users_are_told_apart_with_their_issuers() {
        let base = read(r#"{"iss":"https://a","client_id":"c","sub":"u"}"#);
        assert_eq!(read(r#"{"iss":"https://a","client_id":"c","sub":"u","jti":"1"}"#), base);
        let other_issuer = read(r#"{"iss":"https://b","client_id":"c","sub":"u"}"#);
        assert!(other_issuer.client != base.client && other_issuer.subject != base.subject);
        let other_user = read(r#"{"iss":"https://a","client_id":"c","sub":"v"}"#);
        assert!(other_user.client == base.client && other_user.subject != base.subject);
        let other_client = read(r#"{"iss":"https://a","client_id":"d","sub":"u"}"#);
        assert!(other_client.client != base.client && other_client.subject == base.subject);
        assert_ne!(read(r#"{"iss":"https://ac","client_id":"","sub":"u"}"#).client, base.client);
        // A machine's token names its client as its user. It counts for both.
        let machine = read(r#"{"iss":"https://a","client_id":"c","sub":"c"}"#);
        assert_ne!(machine.subject, Some(machine.client));
    }

    /// Two that share a digest share their part of the replay memory too.
    #[test]
    fn a_thousand_clients_are_a_thousand() {
        let client = |n: u32| read(&format!(r#"{{"iss":"https://a","client_id":"{n}"}}"#)).client;
        assert_eq!((0..1000).map(client).collect::<std::collections::HashSet<_>>().len(), 1000);
    }

    #[test]
    fn a_client_is_named_in_one_of_four_ways() {
        let base = read(r#"{"iss":"https://a","client_id":"c"}"#);
        assert_eq!(base.subject, None);
        for name in ["azp", "cid", "appid"] {
            assert_eq!(read(&format!(r#"{{"iss":"https://a","{name}":"c"}}"#)), base, "{name}");
        }
        assert_eq!(read(r#"{"iss":"https://a","client_id":"c","azp":"d"}"#), base);
        let unnamed = read(r#"{"iss":"https://a"}"#);
        assert_ne!(unnamed.client, base.client);
        assert_eq!(read(r#"{"iss":"https://a","azp":["c"]}"#).client, unnamed.client);
    }
}
