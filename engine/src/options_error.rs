//! The error for wrong options: which option, what was expected, what was found, and what to do.
//!
//! In: the parts of an error, from the code that reads an option.
//! Out: `OptionsError`. Only this file writes its sentence.
//! Never: text of the application that is not escaped and cut, a decision about the values of an option.

use std::borrow::Cow;
use std::error::Error;
use std::fmt;

use oidc_spa_native::jose::json::Value;
use oidc_spa_native::rejection::Shown;

/// Options that make no sense.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OptionsError {
    /// The option, such as `issuers[0].issuerUri`.
    path: String,
    /// The file or variable that the option names, if its content is wrong.
    content_of: Option<String>,
    problem: Problem,
    hint: Option<&'static str>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Problem {
    /// No option has this name.
    Unknown { known: String, meant: Option<String> },
    /// The option does not take this value. The value is left out if it may be a secret.
    Unexpected { expected: Cow<'static, str>, found: Option<Found> },
    /// The option does not take this element of its list.
    Element { expected: Cow<'static, str>, found: Found },
    /// The reader of the value says why it cannot be used.
    Invalid { why: String, found: Option<Found> },
    /// It cannot be used together with other options.
    Conflict { rule: &'static str, found: Option<Found> },
    /// It is a time that is longer than that of another option.
    Longer { value: u64, than: &'static str, bound: u64 },
    /// Another issuer has one of this issuer's names; `None` if it is the same name.
    NameTaken { name: String, by: Option<String> },
}

/// The value that was found, as a sentence shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found(Cow<'static, str>);

impl Found {
    /// For an option that is not written.
    pub const NOTHING: Self = Self(Cow::Borrowed("nothing"));

    /// A value: a text in quotes, a number or a boolean as it is, any other value by its type.
    pub fn value(value: &Value<'_>) -> Self {
        match value {
            Value::String(text) => Self::text(text),
            Value::Number(number) => Self(number.to_string().into()),
            Value::Bool(value) => Self(value.to_string().into()),
            Value::Array(items) if items.is_empty() => Self::kind("an empty list"),
            other => Self::kind(other.kind()),
        }
    }

    /// A text, in quotes.
    pub fn text(text: &str) -> Self {
        Self(quoted(text).into())
    }

    /// A URL, without the part that may be a password.
    pub fn url(text: &str) -> Self {
        match text.rsplit_once('@') {
            Some((_, rest)) => Self(format!("a URL that ends with {}", quoted(&format!("@{rest}"))).into()),
            None => Self::text(text),
        }
    }

    /// A list of names.
    pub fn names(names: &[String]) -> Self {
        match names {
            [] => Self::kind("none"),
            names => Self(Shown(&names.join(", ")).to_string().into()),
        }
    }

    /// A number with its unit.
    pub fn count(number: usize) -> Self {
        Self(number.to_string().into())
    }

    /// A description that does not repeat the value.
    pub const fn kind(kind: &'static str) -> Self {
        Self(Cow::Borrowed(kind))
    }
}

/// A text in quotes, escaped and cut.
fn quoted(text: &str) -> String {
    match text.char_indices().nth(Shown::MAX_CHARS) {
        Some((end, _)) => format!("{:?}", format!("{}…", text.get(..end).unwrap_or_default())),
        None => format!("{text:?}"),
    }
}

impl OptionsError {
    const fn new(path: String, problem: Problem) -> Self {
        Self { path, content_of: None, problem, hint: None }
    }

    /// No option has this name. The names are `known`, and one of them may be meant.
    pub fn unknown(path: impl Into<String>, known: &[&str], meant: Option<&str>) -> Self {
        let (known, meant) = (known.join(", "), meant.map(str::to_owned));
        Self::new(path.into(), Problem::Unknown { known, meant })
    }

    /// The option takes only `expected`, which is a noun.
    pub fn expected(path: impl Into<String>, expected: impl Into<Cow<'static, str>>) -> Self {
        Self::new(path.into(), Problem::Unexpected { expected: expected.into(), found: None })
    }

    /// The option does not take this element of its list; `expected` is a noun for the list that it takes.
    pub fn element(path: impl Into<String>, expected: impl Into<Cow<'static, str>>, found: Found) -> Self {
        Self::new(path.into(), Problem::Element { expected: expected.into(), found })
    }

    /// The reader of the value refuses it.
    pub fn invalid(path: impl Into<String>, error: &dyn Error) -> Self {
        Self::new(path.into(), Problem::Invalid { why: error.to_string(), found: None })
    }

    /// The option cannot be used together with others: `rule` is the rest of the sentence, without a subject.
    pub fn conflict(path: impl Into<String>, rule: &'static str) -> Self {
        Self::new(path.into(), Problem::Conflict { rule, found: None })
    }

    /// The option's value is longer than that of another.
    pub fn longer(path: impl Into<String>, value: u64, than: &'static str, bound: u64) -> Self {
        Self::new(path.into(), Problem::Longer { value, than, bound })
    }

    /// Another issuer has a name of this issuer, or exactly this name.
    pub fn name_taken(path: impl Into<String>, name: &str, by: Option<&str>) -> Self {
        let (name, by) = (name.to_owned(), by.map(str::to_owned));
        Self::new(path.into(), Problem::NameTaken { name, by })
    }

    /// Says what was found.
    pub fn found(mut self, came: Found) -> Self {
        if let Problem::Unexpected { found, .. }
        | Problem::Invalid { found, .. }
        | Problem::Conflict { found, .. } = &mut self.problem
        {
            *found = Some(came);
        }
        self
    }

    /// Says what to do.
    pub const fn hint(mut self, hint: &'static str) -> Self {
        self.hint = Some(hint);
        self
    }

    /// The content of the file or variable with this name is wrong.
    pub fn in_content_of(mut self, name: &str) -> Self {
        self.content_of = Some(name.to_owned());
        self
    }

    /// The same error for an option inside another one.
    pub fn within(mut self, path: &str) -> Self {
        self.path.insert_str(0, path);
        self
    }
}

impl fmt::Display for OptionsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = Shown(&self.path);
        if let Problem::Unknown { known, meant } = &self.problem {
            write!(f, "unknown option \"{path}\"")?;
            // All names beside the one that is meant would hide it.
            return match meant {
                Some(meant) => write!(f, "; did you mean \"{meant}\"?"),
                None => write!(f, ". There are {known}"),
            };
        }
        write!(f, "{path}: ")?;
        if let Some(name) = &self.content_of {
            write!(f, "{}: ", Shown(name))?;
        }
        write!(f, "{}", self.problem)?;
        self.hint.map_or(Ok(()), |hint| write!(f, "; {hint}"))
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let found = match self {
            Self::Unknown { known, .. } => return write!(f, "There are {known}"),
            Self::Element { expected, found } => {
                return write!(f, "is {}; the option takes {expected}", found.0);
            }
            Self::Longer { value, than, bound } => {
                return write!(f, "{value} is longer than {than}, {bound}");
            }
            Self::NameTaken { name, by: None } => return write!(f, "{} stands twice", Shown(name)),
            Self::NameTaken { name, by: Some(other) } => {
                return write!(f, "{} has a name in common with {}", Shown(name), Shown(other));
            }
            Self::Unexpected { expected, found } => {
                write!(f, "expected {expected}")?;
                found
            }
            Self::Invalid { why, found } => {
                f.write_str(why)?;
                found
            }
            Self::Conflict { rule, found } => {
                f.write_str(rule)?;
                found
            }
        };
        found.as_ref().map_or(Ok(()), |found| write!(f, "; got {}", found.0))
    }
}

impl Error for OptionsError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_of_the_application_is_escaped_and_cut() {
        let long = "x".repeat(100_000);
        let hostile = "a\r\nb\u{202e}\"";
        for error in [
            OptionsError::unknown(&long, &["a"], None),
            OptionsError::expected(&long, "a").found(Found::text(&long)),
            OptionsError::expected("a", "b").found(Found::url(&format!("https://user:secret@{long}"))),
            OptionsError::element("a[0]", "b", Found::text(&long)),
            OptionsError::name_taken("a", &long, Some(&long)),
            OptionsError::expected("a", "b").in_content_of(&long),
            OptionsError::expected(hostile, "a").found(Found::text(hostile)).in_content_of(hostile),
        ] {
            let text = error.to_string();
            assert!(text.chars().count() < 1_000, "{}", text.len());
            assert!(!text.contains(['\r', '\n', '\u{202e}']) && !text.contains("secret"), "{text}");
        }
    }

    #[test]
    fn parts_stand_in_one_order() {
        let error = OptionsError::expected("sets", "a list").found(Found::NOTHING).hint("write one");
        assert_eq!(error.within("keys.").to_string(), "keys.sets: expected a list; got nothing; write one");
        let error = OptionsError::longer("a", 2, "b", 1).hint("c");
        assert_eq!(error.to_string(), "a: 2 is longer than b, 1; c");
        assert_eq!(
            OptionsError::unknown("issuer", &["issuerUri", "b"], Some("issuerUri")).to_string(),
            "unknown option \"issuer\"; did you mean \"issuerUri\"?"
        );
        assert_eq!(
            OptionsError::unknown("x", &["issuerUri", "b"], None).to_string(),
            "unknown option \"x\". There are issuerUri, b"
        );
    }
}
