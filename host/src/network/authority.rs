//! Whether a certificate is one of an authority (RFC 5280 sections 4.2.1.3 and 4.2.1.9).
//!
//! In: a certificate in DER that the application gave.
//! Out: yes or no.
//! Never: a signature, a name, a time: these are checked when a server shows a certificate.

use x509_cert::certificate::{CertificateInner, Raw};
use x509_cert::der::Decode as _;
use x509_cert::ext::pkix::{BasicConstraints, KeyUsage};

/// Whether the certificate may sign others. The extensions of an anchor are not checked when a path to it is built. So
/// if a server's certificate were an anchor, this server could sign certificates for any name.
///
/// The rule is that of OpenSSL, and so of Node.js: `basicConstraints` must say so, and `keyUsage` must not deny it.
/// Without `basicConstraints`, `keyUsage` must say so. A certificate without extensions must be self-signed. A
/// certificate that cannot be read is not an authority's.
pub(crate) fn is_authority(certificate: &[u8]) -> bool {
    let Ok(certificate) = CertificateInner::<Raw>::from_der(certificate) else { return false };
    let body = certificate.tbs_certificate();
    let (Ok(constraints), Ok(usage)) =
        (body.get_extension::<BasicConstraints>(), body.get_extension::<KeyUsage>())
    else {
        return false;
    };
    match (constraints, usage) {
        (Some((_, constraints)), usage) => {
            constraints.ca && usage.is_none_or(|(_, usage)| usage.key_cert_sign())
        }
        (None, Some((_, usage))) => usage.key_cert_sign(),
        (None, None) => body.extensions().is_none() && body.issuer() == body.subject(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOOLEAN: u8 = 0x01;
    const BIT_STRING: u8 = 0x03;
    const OCTET_STRING: u8 = 0x04;
    const OBJECT_IDENTIFIER: u8 = 0x06;
    const UTF8_STRING: u8 = 0x0c;
    const UTC_TIME: u8 = 0x17;
    const SEQUENCE: u8 = 0x30;
    const SET: u8 = 0x31;
    /// `[3]` of a `TBSCertificate`.
    const EXTENSIONS: u8 = 0xa3;
    const KEY_USAGE: &[u8] = &[0x55, 0x1d, 0x0f];
    const BASIC_CONSTRAINTS: &[u8] = &[0x55, 0x1d, 0x13];
    const COMMON_NAME: &[u8] = &[0x55, 0x04, 0x03];
    const ED25519: &[u8] = &[0x2b, 0x65, 0x70];
    /// keyCertSign, the sixth bit.
    const CERTIFICATE_SIGNING: u8 = 0x04;

    /// A value of DER of this tag.
    fn der(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
        let value = parts.concat();
        let length = value.len();
        let head = match u8::try_from(length) {
            Ok(short @ ..=0x7f) => vec![tag, short],
            Ok(long) => vec![tag, 0x81, long],
            _ => vec![tag, 0x82, (length >> 8) as u8, length as u8],
        };
        [head, value].concat()
    }

    fn certificate(extensions: Option<&[Vec<u8>]>, subject: &[u8]) -> Vec<u8> {
        let [version, integer] = [der(0xa0, &[&[2, 1, 2]]), der(2, &[&[1]])];
        let name = |text: &[u8]| {
            let pair = der(SEQUENCE, &[&der(OBJECT_IDENTIFIER, &[COMMON_NAME]), &der(UTF8_STRING, &[text])]);
            der(SEQUENCE, &[&der(SET, &[&pair])])
        };
        let time = |text: &[u8]| der(UTC_TIME, &[text]);
        let times = der(SEQUENCE, &[&time(b"261126000000Z"), &time(b"361126000000Z")]);
        let algorithm = der(SEQUENCE, &[&der(OBJECT_IDENTIFIER, &[ED25519])]);
        let bits = der(BIT_STRING, &[&[0; 33]]);
        let key = der(SEQUENCE, &[&algorithm, &bits]);
        let extensions = extensions.map(|all| der(EXTENSIONS, &[&der(SEQUENCE, &[&all.concat()])]));
        let version = if extensions.is_some() { version } else { Vec::new() };
        let body = [version, integer, algorithm.clone(), name(b"issuer"), times, name(subject), key].concat();
        let body = der(SEQUENCE, &[&body, &extensions.unwrap_or_default()]);
        der(SEQUENCE, &[&body, &algorithm, &bits])
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
