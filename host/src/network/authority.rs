//! Whether a certificate is one of an authority (RFC 5280 sections 4.2.1.3 and 4.2.1.9).
//!
//! In: a certificate in DER that the application gave.
//! Out: yes or no.
//! Never: a signature, a name, a time: those are looked at when a server shows a certificate.

const BOOLEAN: u8 = 0x01;
const BIT_STRING: u8 = 0x03;
const OCTET_STRING: u8 = 0x04;
const OBJECT_IDENTIFIER: u8 = 0x06;
const SEQUENCE: u8 = 0x30;
/// `[3]` of a `TBSCertificate`: its extensions.
const EXTENSIONS: u8 = 0xa3;

/// id-ce-keyUsage.
const KEY_USAGE: &[u8] = &[0x55, 0x1d, 0x0f];
/// id-ce-basicConstraints.
const BASIC_CONSTRAINTS: &[u8] = &[0x55, 0x1d, 0x13];

/// keyCertSign, the sixth bit.
const CERTIFICATE_SIGNING: u8 = 0x04;

/// Whether the certificate may sign others. An anchor's own extensions are not looked at when a path is built to it, so
/// that a server's certificate among the anchors would let this server sign for any name.
///
/// As OpenSSL decides it, and so Node.js: `basicConstraints` say so, and `keyUsage` does not deny it. Where the former are
/// lacking, the latter must say so; a certificate without extensions must have signed itself.
pub(super) fn is_authority(certificate: &[u8]) -> bool {
    read(certificate).is_some_and(|told| match told {
        Told { basic_constraints: Some(is_authority), key_usage, .. } => {
            is_authority && key_usage.unwrap_or(true)
        }
        Told { key_usage: Some(may_sign), .. } => may_sign,
        Told { has_extensions, is_self_issued, .. } => !has_extensions && is_self_issued,
    })
}

/// What a certificate tells of itself.
#[derive(Default)]
struct Told {
    basic_constraints: Option<bool>,
    key_usage: Option<bool>,
    has_extensions: bool,
    is_self_issued: bool,
}

fn read(certificate: &[u8]) -> Option<Told> {
    let mut certificate = Der(Der(certificate).of(SEQUENCE)?);
    let mut body = Der(certificate.of(SEQUENCE)?);
    // Its version is left out where it is the first.
    if body.0.first() == Some(&0xa0) {
        body.next()?;
    }
    let [_serial, _algorithm, issuer, _validity, subject, _key] =
        [body.next()?, body.next()?, body.next()?, body.next()?, body.next()?, body.next()?];
    let mut told = Told { is_self_issued: issuer == subject, ..Told::default() };
    while let Some((tag, value)) = body.next() {
        if tag != EXTENSIONS {
            continue;
        }
        told.has_extensions = true;
        let mut extensions = Der(Der(value).of(SEQUENCE)?);
        while !extensions.0.is_empty() {
            let mut extension = Der(extensions.of(SEQUENCE)?);
            let name = extension.of(OBJECT_IDENTIFIER)?;
            // Whether it is critical is left out where it is not.
            if extension.0.first() == Some(&BOOLEAN) {
                extension.next()?;
            }
            let value = extension.of(OCTET_STRING)?;
            match name {
                BASIC_CONSTRAINTS => told.basic_constraints = Some(names_authority(value)?),
                KEY_USAGE => told.key_usage = Some(allows_signing(value)?),
                _ => {}
            }
        }
    }
    Some(told)
}

/// `cA` of `BasicConstraints`, which is left out where it is false.
fn names_authority(value: &[u8]) -> Option<bool> {
    let first = Der(Der(value).of(SEQUENCE)?).next();
    Some(first.is_some_and(|(tag, value)| tag == BOOLEAN && value.first().is_some_and(|byte| *byte != 0)))
}

/// The bits stand behind the number of those that are not used.
fn allows_signing(value: &[u8]) -> Option<bool> {
    let bits = Der(value).of(BIT_STRING)?;
    Some(bits.get(1).is_some_and(|byte| byte & CERTIFICATE_SIGNING != 0))
}

/// Values of DER, one behind the other.
struct Der<'d>(&'d [u8]);

impl<'d> Der<'d> {
    /// The next value, with its tag.
    fn next(&mut self) -> Option<(u8, &'d [u8])> {
        let (tag, rest) = self.0.split_first()?;
        let (first, rest) = rest.split_first()?;
        let (length, rest) = match first {
            short @ ..=0x7f => (usize::from(*short), rest),
            long @ 0x81..=0x84 => {
                let (digits, rest) = rest.split_at_checked(usize::from(long & 0x7f))?;
                (digits.iter().fold(0, |length, digit| (length << 8) | usize::from(*digit)), rest)
            }
            _ => return None,
        };
        let (value, rest) = rest.split_at_checked(length)?;
        self.0 = rest;
        Some((*tag, value))
    }

    /// The next value, if its tag is this one.
    fn of(&mut self, tag: u8) -> Option<&'d [u8]> {
        self.next().filter(|(found, _)| *found == tag).map(|(_, value)| value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A value of DER of this tag.
    fn der(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
        let value = parts.concat();
        let length = value.len();
        let head = match u8::try_from(length) {
            Ok(short @ ..=0x7f) => vec![tag, short],
            _ => vec![tag, 0x82, (length >> 8) as u8, length as u8],
        };
        [head, value].concat()
    }

    fn certificate(extensions: Option<&[Vec<u8>]>, subject: &[u8]) -> Vec<u8> {
        let [version, integer, empty] = [der(0xa0, &[&[2, 1, 2]]), der(2, &[&[1]]), der(SEQUENCE, &[])];
        let (issuer, subject) = (der(SEQUENCE, &[b"issuer"]), der(SEQUENCE, &[subject]));
        let extensions = extensions.map(|all| der(EXTENSIONS, &[&der(SEQUENCE, &[&all.concat()])]));
        let version = if extensions.is_some() { version } else { Vec::new() };
        let body = [version, integer, empty.clone(), issuer, empty.clone(), subject, empty.clone()].concat();
        let body = der(SEQUENCE, &[&body, &extensions.unwrap_or_default()]);
        der(SEQUENCE, &[&body, &empty])
    }

    fn extension(name: &[u8], is_critical: bool, value: &[u8]) -> Vec<u8> {
        let critical = if is_critical { der(BOOLEAN, &[&[0xff]]) } else { Vec::new() };
        der(SEQUENCE, &[&der(OBJECT_IDENTIFIER, &[name]), &critical, &der(OCTET_STRING, &[value])])
    }

    #[test]
    fn an_authority_says_that_it_is_one() {
        let basic =
            |value: &[u8], is_critical| extension(BASIC_CONSTRAINTS, is_critical, &der(SEQUENCE, &[value]));
        let usage = |bits: u8| extension(KEY_USAGE, true, &der(BIT_STRING, &[&[1, bits]]));
        let (yes, no) = (&[BOOLEAN, 1, 0xff][..], &[][..]);
        let other = || extension(&[0x55, 0x1d, 0x11], false, &der(SEQUENCE, &[&vec![7; 300]]));
        for (extensions, expected) in [
            (vec![basic(yes, true)], true),
            (vec![other(), basic(yes, false), usage(CERTIFICATE_SIGNING)], true),
            (vec![basic(&[BOOLEAN, 1, 0xff, 2, 1, 0], true)], true),
            (vec![usage(CERTIFICATE_SIGNING)], true),
            (vec![basic(yes, true), usage(0x80)], false),
            (vec![basic(no, true)], false),
            (vec![basic(&[BOOLEAN, 1, 0], true), usage(CERTIFICATE_SIGNING)], false),
            (vec![usage(0x80)], false),
            (vec![other()], false),
            (vec![], false),
        ] {
            assert_eq!(is_authority(&certificate(Some(&extensions), b"issuer")), expected, "{extensions:?}");
        }
        assert!(is_authority(&certificate(None, b"issuer")), "of the first version, and its own issuer");
        assert!(!is_authority(&certificate(None, b"another")));
    }

    #[test]
    fn what_is_cut_or_changed_is_none_and_does_no_harm() {
        let basic = extension(BASIC_CONSTRAINTS, true, &der(SEQUENCE, &[&[BOOLEAN, 1, 0xff]]));
        let whole = certificate(Some(&[basic]), b"issuer");
        assert!(is_authority(&whole));
        for length in 0..whole.len() {
            assert!(!is_authority(&whole[..length]), "{length}");
        }
        for at in 0..whole.len() {
            for byte in [0, 0x7f, 0x80, 0x84, 0x85, 0xff] {
                let mut changed = whole.clone();
                changed[at] = byte;
                let _any_answer_will_do = is_authority(&changed);
            }
        }
    }
}
