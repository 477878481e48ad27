//! A reader of `WWW-Authenticate` values by RFC 9110 sections 11.2, 11.3 and 11.6.1, of its own and strict: it shares
//! nothing with the writer under test.

/// One challenge, as a client reads it.
#[derive(Debug, PartialEq, Eq)]
pub struct SentChallenge {
    pub scheme: String,
    pub parameters: Vec<(String, String)>,
}

impl SentChallenge {
    pub fn get(&self, name: &str) -> Option<&str> {
        self.parameters.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }
}

/// Reads `1#challenge`, where each has no parameter or a list of them. A token68 is none that this server sends.
pub fn parse_challenges(text: &str) -> Result<Vec<SentChallenge>, String> {
    let mut rest = text;
    let mut challenges: Vec<SentChallenge> = Vec::new();
    loop {
        let name = take_token(&mut rest)?;
        match (rest.chars().next(), challenges.last_mut()) {
            (Some('='), Some(challenge)) => {
                rest = &rest[1..];
                challenge.parameters.push((name, take_value(&mut rest)?));
            }
            (Some('='), None) => return Err("a parameter before any scheme".into()),
            (Some(' '), _) => {
                rest = rest.trim_start_matches(' ');
                let parameter = take_token(&mut rest)?;
                rest = rest.strip_prefix('=').ok_or("a scheme with a token68")?;
                let value = take_value(&mut rest)?;
                challenges.push(SentChallenge { scheme: name, parameters: vec![(parameter, value)] });
            }
            (Some(',') | None, _) => challenges.push(SentChallenge { scheme: name, parameters: vec![] }),
            (Some(other), _) => return Err(format!("unexpected {other:?} after {name}")),
        }
        if rest.is_empty() {
            return Ok(challenges);
        }
        rest = rest.strip_prefix(',').ok_or("no comma between two elements")?.trim_start_matches([' ', '\t']);
    }
}

fn take_token(rest: &mut &str) -> Result<String, String> {
    let is_tchar = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c);
    let end = rest.find(|c| !is_tchar(c)).unwrap_or(rest.len());
    if end == 0 {
        return Err(format!("no token at {rest:?}"));
    }
    let (token, after) = rest.split_at(end);
    *rest = after;
    Ok(token.to_owned())
}

fn take_value(rest: &mut &str) -> Result<String, String> {
    let Some(quoted) = rest.strip_prefix('"') else { return take_token(rest) };
    let mut value = String::new();
    let mut chars = quoted.char_indices();
    while let Some((i, c)) = chars.next() {
        match c {
            '"' => {
                *rest = &quoted[i + 1..];
                return Ok(value);
            }
            '\\' => value.push(chars.next().ok_or("a backslash at the end")?.1),
            '\t' | ' '..='~' => value.push(c),
            other => return Err(format!("{other:?} in a quoted string")),
        }
    }
    Err("a quoted string without end".into())
}

#[test]
fn the_reader_reads_the_figures_of_the_rfcs_and_refuses_what_is_none() {
    let read = |text| parse_challenges(text).unwrap();
    let challenge = |scheme: &str, parameters: &[(&str, &str)]| SentChallenge {
        scheme: scheme.into(),
        parameters: parameters.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect(),
    };
    // RFC 9449 section 7.2, RFC 6750 section 3, RFC 9110 section 11.6.1.
    assert_eq!(
        read(r#"Bearer, DPoP algs="ES256 PS256""#),
        [challenge("Bearer", &[]), challenge("DPoP", &[("algs", "ES256 PS256")])]
    );
    assert_eq!(
        read(
            r#"Bearer realm="example", error="invalid_token", error_description="The access token expired""#
        ),
        [challenge(
            "Bearer",
            &[
                ("realm", "example"),
                ("error", "invalid_token"),
                ("error_description", "The access token expired")
            ]
        )]
    );
    assert_eq!(
        read(r#"Basic realm="simple", Newauth realm="apps", type=1, title="Login to \"apps\"""#),
        [
            challenge("Basic", &[("realm", "simple")]),
            challenge("Newauth", &[("realm", "apps"), ("type", "1"), ("title", "Login to \"apps\"")])
        ]
    );
    for bad in [
        "",
        ",",
        "Bearer,",
        "Bearer realm=\"x",
        "Bearer realm=",
        "Bearer realm=\"x\" error=\"y\"",
        "realm=\"x\"",
        "Bearer realm=\"x\r\ny\"",
        "Bearer realm=\"x\"\r\nX: y",
        "Bearer realm=\"\u{e9}\"",
        "Bear\"er",
    ] {
        assert!(parse_challenges(bad).is_err(), "{bad:?}");
    }
}
