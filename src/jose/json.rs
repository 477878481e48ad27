//! JSON with one meaning only (RFC 8259, RFC 7515 section 10.12): UTF-8, no duplicate member, bounded depth.
//!
//! In: bytes.
//! Out: `Object` and `Value`, which borrow from the text.
//! Never: the last of several equal names, a lone surrogate, a member that is not checked.

use std::borrow::Cow;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use crate::crypto::SecretSet;

/// Greatest depth of nested objects and arrays.
pub(crate) const MAX_DEPTH: usize = 64;

/// A JSON value.
#[derive(Clone, Debug, PartialEq)]
pub enum Value<'a> {
    /// `null`
    Null,
    /// `true` or `false`
    Bool(bool),
    /// A number, as the nearest double. Always finite.
    Number(f64),
    /// A string, unescaped.
    String(Cow<'a, str>),
    /// An array.
    Array(Vec<Value<'a>>),
    /// An object.
    Object(Object<'a>),
}

impl<'a> Value<'a> {
    /// The string, if it is one.
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::String(text) => Some(text),
            _ => None,
        }
    }

    /// The object, if it is one.
    pub fn as_object(&self) -> Option<&Object<'a>> {
        match self {
            Self::Object(object) => Some(object),
            _ => None,
        }
    }

    /// The array's items, if it is one.
    pub fn as_array(&self) -> Option<&[Value<'a>]> {
        match self {
            Self::Array(items) => Some(items),
            _ => None,
        }
    }

    /// The number, if it is one.
    pub fn as_number(&self) -> Option<f64> {
        match self {
            Self::Number(number) => Some(*number),
            _ => None,
        }
    }

    /// Its type, as a message names it.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool(_) => "a boolean",
            Self::Number(_) => "a number",
            Self::String(_) => "a string",
            Self::Array(_) => "an array",
            Self::Object(_) => "an object",
        }
    }
}

/// A JSON object whose member names are unique.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Object<'a>(Vec<(Cow<'a, str>, Value<'a>)>);

impl<'a> Object<'a> {
    /// Reads a JSON text that is an object.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, JsonError> {
        match parse(bytes)? {
            Value::Object(object) => Ok(object),
            other => Err(JsonError::NotAnObject(other.kind())),
        }
    }

    /// The member of this name.
    pub fn get(&self, name: &str) -> Option<&Value<'a>> {
        self.0.iter().find(|(key, _)| key == name).map(|(_, value)| value)
    }

    /// Whether there is a member of this name, with any value.
    pub fn has(&self, name: &str) -> bool {
        self.get(name).is_some()
    }

    /// The members, in the order of the text.
    pub fn members(&self) -> impl Iterator<Item = (&str, &Value<'a>)> {
        self.0.iter().map(|(key, value)| (key.as_ref(), value))
    }

    /// The names of the members, in the order of the text.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|(key, _)| key.as_ref())
    }
}

/// Why a text was not read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum JsonError {
    /// The text is not JSON as this library reads it.
    #[error("not valid JSON: {0}")]
    Invalid(String),
    /// The text is JSON, but something else than an object.
    #[error("expected a JSON object, got {0}")]
    NotAnObject(&'static str),
}

/// Reads a JSON text.
pub fn parse(bytes: &[u8]) -> Result<Value<'_>, JsonError> {
    let invalid = |error: serde_json::Error| JsonError::Invalid(without_input(&error));
    let text = std::str::from_utf8(bytes).map_err(|_| JsonError::Invalid("not UTF-8".into()))?;
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let value = Strict { depth: MAX_DEPTH }.deserialize(&mut deserializer).map_err(invalid)?;
    deserializer.end().map_err(invalid)?;
    Ok(value)
}

/// The items of an array that is a member of an object, each as its own JSON text. So an error in one item does not
/// affect the others. `None` if there is no such array.
pub fn texts_of_items<'a>(bytes: &'a [u8], member: &'static str) -> Result<Option<Vec<&'a [u8]>>, JsonError> {
    let invalid = |error: serde_json::Error| JsonError::Invalid(without_input(&error));
    let text = std::str::from_utf8(bytes).map_err(|_| JsonError::Invalid("not UTF-8".into()))?;
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let value = deserializer.deserialize_map(TextOf { member }).map_err(invalid)?;
    deserializer.end().map_err(invalid)?;
    let items = value.and_then(|value| serde_json::from_str::<Vec<&RawValue>>(value.get()).ok());
    Ok(items.map(|items| items.into_iter().map(|item| item.get().as_bytes()).collect()))
}

/// Finds the text of one member.
struct TextOf {
    member: &'static str,
}

impl<'de> Visitor<'de> for TextOf {
    type Value = Option<&'de RawValue>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut names = SecretSet::default();
        let mut found = None;
        while let Some(name) = map.next_key_seed(Name)? {
            if name == self.member {
                found = Some(map.next_value()?);
            } else {
                map.next_value::<IgnoredAny>()?;
            }
            if !names.insert(name) {
                return Err(A::Error::custom("duplicate member"));
            }
        }
        Ok(found)
    }
}

/// Line, column and class of an error. The parser's own sentence may quote the input, which may be secret.
fn without_input(error: &serde_json::Error) -> String {
    let class = match error.classify() {
        serde_json::error::Category::Data => "a duplicate member, or nested too deep",
        serde_json::error::Category::Eof => "the text ends early",
        serde_json::error::Category::Io | serde_json::error::Category::Syntax => "syntax",
    };
    format!("{class} (line {}, column {})", error.line(), error.column())
}

#[derive(Clone, Copy)]
struct Strict {
    depth: usize,
}

impl Strict {
    fn deeper<E: serde::de::Error>(self) -> Result<Self, E> {
        match self.depth.checked_sub(1) {
            Some(depth) => Ok(Self { depth }),
            None => Err(E::custom("nested too deep")),
        }
    }
}

impl<'de> DeserializeSeed<'de> for Strict {
    type Value = Value<'de>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value<'de>, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Strict {
    type Value = Value<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Value<'de>, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value<'de>, E> {
        Ok(Value::Bool(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value<'de>, E> {
        Ok(Value::Number(value as f64))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value<'de>, E> {
        Ok(Value::Number(value as f64))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value<'de>, E> {
        Ok(Value::Number(value))
    }

    fn visit_borrowed_str<E>(self, value: &'de str) -> Result<Value<'de>, E> {
        Ok(Value::String(Cow::Borrowed(value)))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value<'de>, E> {
        Ok(Value::String(Cow::Owned(value.to_owned())))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Value<'de>, A::Error> {
        let inner = self.deeper()?;
        let mut items = Vec::new();
        while let Some(item) = seq.next_element_seed(inner)? {
            items.push(item);
        }
        Ok(Value::Array(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value<'de>, A::Error> {
        let inner = self.deeper()?;
        let mut members: Vec<(Cow<'de, str>, Value<'de>)> = Vec::new();
        let mut seen = SeenNames::default();
        while let Some(name) = map.next_key_seed(Name)? {
            if seen.has(&members, &name) {
                return Err(A::Error::custom("duplicate member"));
            }
            let value = map.next_value_seed(inner)?;
            seen.add(&name);
            members.push((name, value));
        }
        Ok(Value::Object(Object(members)))
    }
}

/// Finds a duplicate name. In a small object it compares the names. In a large one it uses a hash with a secret, so
/// that an attacker cannot choose names that make it slow.
#[derive(Default)]
struct SeenNames {
    names: SecretSet<String>,
    count: usize,
}

impl SeenNames {
    const SMALL: usize = 32;

    fn has(&mut self, members: &[(Cow<'_, str>, Value<'_>)], name: &str) -> bool {
        if self.count < Self::SMALL {
            return members.iter().any(|(seen, _)| seen == name);
        }
        if self.names.is_empty() {
            self.names = members.iter().map(|(seen, _)| seen.clone().into_owned()).collect();
        }
        self.names.contains(name)
    }

    fn add(&mut self, name: &str) {
        self.count += 1;
        if !self.names.is_empty() {
            self.names.insert(name.to_owned());
        }
    }
}

/// A member's name, borrowed from the text where it holds no escape.
struct Name;

impl<'de> DeserializeSeed<'de> for Name {
    type Value = Cow<'de, str>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Cow<'de, str>, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl<'de> Visitor<'de> for Name {
    type Value = Cow<'de, str>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a member name")
    }

    fn visit_borrowed_str<E>(self, value: &'de str) -> Result<Cow<'de, str>, E> {
        Ok(Cow::Borrowed(value))
    }

    fn visit_str<E>(self, value: &str) -> Result<Cow<'de, str>, E> {
        Ok(Cow::Owned(value.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(text: &str) {
        assert!(parse(text.as_bytes()).is_err(), "{text}");
    }

    #[test]
    fn d14_d18_d19_duplicate_members_are_refused_at_every_level() {
        refused(r#"{"exp":1,"exp":2}"#);
        refused(r#"{"exp":1,"\u0065xp":2}"#);
        refused(r#"{"address":{"a":1,"a":2}}"#);
        assert!(parse(br#"{"exp":1,"Exp":2,"address":{"exp":1}}"#).is_ok());
    }

    #[test]
    fn d42_duplicates_are_found_in_large_objects() {
        let members: Vec<String> = (0..500).map(|i| format!("\"m{i}\":0")).collect();
        let text = format!("{{{}}}", members.join(","));
        assert!(parse(text.as_bytes()).is_ok());
        for i in [0, 31, 32, 33, 499] {
            refused(&format!("{{{},\"m{i}\":1}}", members.join(",")));
        }
    }

    #[test]
    fn d40_depth_64_is_read_and_65_is_not() {
        let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        assert!(parse(nested(64).as_bytes()).is_ok());
        refused(&nested(65));
        refused(&nested(100_000));
    }

    #[test]
    fn d08_lone_surrogates_and_bad_utf8_are_refused_wherever_they_stand() {
        refused(r#"{"x":"\ud800"}"#);
        refused(r#"{"\udc00":1}"#);
        refused(r#"{"x":["\ud800\u0041"]}"#);
        assert!(parse(b"{\"x\":\"\xc0\x80\"}").is_err());
        assert!(parse(b"{\"x\":\"\xed\xa0\x80\"}").is_err());
        assert!(parse(br#"{"x":"\ud83d\ude00"}"#).is_ok());
    }

    #[test]
    fn d05_d11_d12_d13_lenient_json_is_refused() {
        refused("\u{feff}{}");
        refused("{\"x\":\"\n\"}");
        refused("{} {}");
        refused("{}x");
        refused("{'x':1}");
        refused("{\"x\":1,}");
        refused("{\"x\":NaN}");
        refused("{\"x\":0x1}");
        refused("{\"x\":01}");
        refused("{\"x\":+1}");
        refused("{/**/}");
        refused("{\"x\":1e999}");
        refused("");
        assert!(parse(b" {\"x\" : 1 } \n").is_ok());
    }

    #[test]
    fn an_error_does_not_quote_the_text() {
        let error = parse(br#"{"a":secret}"#).map(|_| ()).map_err(|error| error.to_string());
        assert_eq!(error, Err("not valid JSON: syntax (line 1, column 6)".into()));
    }
}
