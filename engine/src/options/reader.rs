//! Reads the members of one object of the options, and names them in messages.
//!
//! In: a JSON object and its place in the options.
//! Out: typed values, or an error that says what was given and what is allowed.
//! Never: the meaning of an option.

use std::borrow::Cow;

use oidc_spa_native::jose::algorithm::{Algorithm, AlgorithmSet};
use oidc_spa_native::jose::json::{Object, Value};
use oidc_spa_native::time::Leeway;

use super::meant::meant;
use crate::options_error::{Found, OptionsError};

/// One object of the options, and its place in them.
pub(super) struct Reader<'o> {
    pub object: &'o Object<'o>,
    pub path: &'o str,
}

impl<'o> Reader<'o> {
    /// The place of a member in the options.
    pub fn path_of(&self, name: &str) -> String {
        format!("{}{name}", self.path)
    }

    pub fn check_names(&self, known: &[&str]) -> Result<(), OptionsError> {
        let Some(name) = self.object.names().find(|name| !known.contains(name)) else { return Ok(()) };
        let mut public = known.to_vec();
        if self.path.is_empty() {
            public.extend(["claims", "clock", "onRejected", "onWarning", "respond", "rejection"]);
        }
        Err(OptionsError::unknown(self.path_of(name), &public, meant(name, &public)))
    }

    pub fn unexpected(&self, name: &str, expected: impl Into<Cow<'static, str>>) -> OptionsError {
        let found = self.object.get(name).map_or(Found::NOTHING, Found::value);
        OptionsError::expected(self.path_of(name), expected).found(found)
    }

    /// As [`Self::unexpected`]; of a list, it names the first element that is not `good`.
    pub fn unexpected_in(
        &self,
        name: &str,
        expected: impl Into<Cow<'static, str>>,
        good: impl Fn(&Value<'_>) -> bool,
    ) -> OptionsError {
        let items = self.object.get(name).and_then(Value::as_array).unwrap_or_default();
        match items.iter().enumerate().find(|(_, item)| !good(item)) {
            Some((i, item)) => {
                OptionsError::element(self.path_of(&format!("{name}[{i}]")), expected, Found::value(item))
            }
            None => self.unexpected(name, expected),
        }
    }

    /// A member that does not go together with others.
    pub fn conflict(&self, name: &str, rule: &'static str) -> OptionsError {
        OptionsError::conflict(self.path_of(name), rule)
    }

    /// One of these texts.
    pub fn one_of(&self, name: &str, allowed: &[&'static str]) -> Result<Option<&'static str>, OptionsError> {
        let Some(value) = self.object.get(name) else { return Ok(None) };
        let text = value.as_str();
        match allowed.iter().find(|allowed| text == Some(**allowed)) {
            Some(found) => Ok(Some(found)),
            None => {
                let quoted: Vec<String> = allowed.iter().map(|text| format!("\"{text}\"")).collect();
                Err(self.unexpected(
                    name,
                    match quoted.split_last() {
                        Some((last, others)) if !others.is_empty() => {
                            format!("{} or {last}", others.join(", "))
                        }
                        _ => quoted.concat(),
                    },
                ))
            }
        }
    }

    pub fn string(&self, name: &str) -> Result<Option<&'o str>, OptionsError> {
        match self.object.get(name) {
            None => Ok(None),
            Some(value) => value.as_str().map(Some).ok_or_else(|| self.unexpected(name, "a string")),
        }
    }

    pub fn boolean(&self, name: &str, default: bool) -> Result<bool, OptionsError> {
        match self.object.get(name) {
            None => Ok(default),
            Some(Value::Bool(value)) => Ok(*value),
            Some(_) => Err(self.unexpected(name, "`true` or `false`")),
        }
    }

    pub fn object(&self, name: &str) -> Result<Option<&'o Object<'o>>, OptionsError> {
        match self.object.get(name) {
            None => Ok(None),
            Some(value) => value.as_object().map(Some).ok_or_else(|| self.unexpected(name, "an object")),
        }
    }

    pub fn integer(&self, name: &str, default: u64, least: u64, most: u64) -> Result<u64, OptionsError> {
        let Some(value) = self.object.get(name) else { return Ok(default) };
        let number =
            value.as_number().filter(|n| n.fract() == 0.0 && (least as f64..=most as f64).contains(n));
        match number {
            Some(number) => Ok(number as u64),
            None => Err(self.unexpected(name, format!("a whole number from {least} to {most}"))),
        }
    }

    pub fn size(&self, name: &str, default: u64, most: u64) -> Result<usize, OptionsError> {
        Ok(self.integer(name, default, 1024, most)? as usize)
    }

    pub fn leeway(&self, name: &str, default: u64, most: u16) -> Result<Leeway, OptionsError> {
        let secs = self.integer(name, default, 0, u64::from(most))?;
        Ok(Leeway::from_secs(secs as u16).unwrap_or(Leeway::NONE))
    }

    pub fn algorithms(&self, name: &str) -> Result<AlgorithmSet, OptionsError> {
        let Some(value) = self.object.get(name) else { return Ok(AlgorithmSet::all()) };
        let names = Algorithm::known().map(Algorithm::name).collect::<Vec<_>>().join(", ");
        let listed: Option<Vec<Algorithm>> = value
            .as_array()
            .and_then(|items| items.iter().map(|item| Algorithm::from_name(item.as_str()?)).collect());
        let set = listed.and_then(|algorithms| AlgorithmSet::of(&algorithms));
        set.ok_or_else(|| {
            let is_known = |item: &Value<'_>| item.as_str().and_then(Algorithm::from_name).is_some();
            self.unexpected_in(name, format!("a list of one or more of {names}"), is_known)
        })
    }
}
