//! Decodes a compressed body (RFC 9110 section 8.4); servers may compress without being asked.
//!
//! In: a body of bounded length, the `Content-Encoding` that came with it.
//! Out: the content, no longer than its own bound.
//! Never: more content than the bound, even if a small body expands to more; several codings of one body.

use std::io::Read;

use brotli_decompressor::Decompressor;
use flate2::bufread::{DeflateDecoder, MultiGzDecoder, ZlibDecoder};
use headers::HeaderValue;
use oidc_spa_native::rejection::Shown;

/// Bytes that brotli reads at a time.
const BROTLI_BUFFER: usize = 4096;

/// Why a body cannot be decoded.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum CodingError {
    #[error("the content is longer than its limit")]
    TooLong,
    #[error("expected the content coding gzip, deflate, br or none; got \"{0}\"")]
    Unknown(String),
    #[error("the body is not of its content coding {0}")]
    Broken(&'static str),
}

enum Coding {
    Gzip,
    Deflate,
    Brotli,
}

/// The content of a body: at most `limit` bytes.
pub(crate) fn decoded<'v>(
    body: Vec<u8>,
    codings: impl Iterator<Item = &'v HeaderValue>,
    limit: usize,
) -> Result<Vec<u8>, CodingError> {
    Ok(match coding(codings)? {
        None => body,
        Some(Coding::Gzip) => read(MultiGzDecoder::new(body.as_slice()), "gzip", limit)?,
        Some(Coding::Deflate) if is_zlib(&body) => read(ZlibDecoder::new(body.as_slice()), "deflate", limit)?,
        Some(Coding::Deflate) => read(DeflateDecoder::new(body.as_slice()), "deflate", limit)?,
        Some(Coding::Brotli) => read(Decompressor::new(body.as_slice(), BROTLI_BUFFER), "br", limit)?,
    })
}

/// The only coding in the field.
fn coding<'v>(values: impl Iterator<Item = &'v HeaderValue>) -> Result<Option<Coding>, CodingError> {
    let texts: Vec<String> =
        values.map(|value| String::from_utf8_lossy(value.as_bytes()).to_ascii_lowercase()).collect();
    let all = texts.join(",");
    let mut named = all.split(',').map(str::trim).filter(|name| !name.is_empty() && *name != "identity");
    let first = named.next();
    match (first, named.next()) {
        (None, _) => Ok(None),
        (Some("gzip" | "x-gzip"), None) => Ok(Some(Coding::Gzip)),
        (Some("deflate"), None) => Ok(Some(Coding::Deflate)),
        (Some("br"), None) => Ok(Some(Coding::Brotli)),
        _ => Err(CodingError::Unknown(Shown(&all).to_string())),
    }
}

/// `deflate` means the format of zlib (RFC 1950); some servers leave its header out. The first two bytes show which
/// form it is.
fn is_zlib(body: &[u8]) -> bool {
    matches!(body, [method, flags, ..]
        if method & 0x0f == 8 && u16::from_be_bytes([*method, *flags]).is_multiple_of(31))
}

fn read(reader: impl Read, coding: &'static str, limit: usize) -> Result<Vec<u8>, CodingError> {
    let mut content = Vec::new();
    let most = u64::try_from(limit).unwrap_or(u64::MAX).saturating_add(1);
    reader.take(most).read_to_end(&mut content).map_err(|_| CodingError::Broken(coding))?;
    if content.len() > limit { Err(CodingError::TooLong) } else { Ok(content) }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::{DeflateEncoder, GzEncoder, ZlibEncoder};

    use super::*;

    const TEXT: &[u8] = br#"{"keys":[]}"#;

    fn undo(body: &[u8], codings: &[&'static str], limit: usize) -> Result<Vec<u8>, CodingError> {
        let values: Vec<HeaderValue> = codings.iter().map(|text| HeaderValue::from_static(text)).collect();
        decoded(body.to_vec(), values.iter(), limit)
    }

    fn gzip(text: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(text).unwrap();
        encoder.finish().unwrap()
    }

    fn zlib(text: &[u8]) -> Vec<u8> {
        let mut encoder = ZlibEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(text).unwrap();
        encoder.finish().unwrap()
    }

    fn raw_deflate(text: &[u8]) -> Vec<u8> {
        let mut encoder = DeflateEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(text).unwrap();
        encoder.finish().unwrap()
    }

    /// `{"keys":[]}`, as brotli stores what it does not compress.
    fn brotli() -> Vec<u8> {
        let mut body = vec![0x0b, (TEXT.len() as u8 - 1) >> 1, 0x80];
        body.extend_from_slice(TEXT);
        body.push(0x03);
        body
    }

    #[test]
    fn a_packed_body_is_unpacked_and_a_plain_one_stays() {
        for (body, coding) in [
            (TEXT.to_vec(), ""),
            (TEXT.to_vec(), "identity"),
            (gzip(TEXT), "gzip"),
            (gzip(TEXT), "X-GZIP"),
            (gzip(TEXT), " gzip, identity"),
            (zlib(TEXT), "deflate"),
            (raw_deflate(TEXT), "deflate"),
            (brotli(), "br"),
            ([gzip(&TEXT[..4]), gzip(&TEXT[4..])].concat(), "gzip"),
        ] {
            assert_eq!(undo(&body, &[coding], TEXT.len()).as_deref(), Ok(TEXT), "{coding}");
        }
        assert_eq!(undo(TEXT, &[], 99).as_deref(), Ok(TEXT));
    }

    #[test]
    fn a_bomb_ends_at_the_limit() {
        let spaces = vec![b' '; 4 << 20];
        for (body, coding) in
            [(gzip(&spaces), "gzip"), (zlib(&spaces), "deflate"), (raw_deflate(&spaces), "deflate")]
        {
            assert!(body.len() < 8192, "{coding}");
            assert_eq!(undo(&body, &[coding], 65_536), Err(CodingError::TooLong), "{coding}");
            assert_eq!(undo(&body, &[coding], spaces.len()).map(|content| content.len()), Ok(spaces.len()));
        }
        assert_eq!(undo(&gzip(TEXT), &["gzip"], TEXT.len() - 1), Err(CodingError::TooLong));
    }

    #[test]
    fn what_is_not_of_its_coding_is_refused() {
        let packed = gzip(TEXT);
        for (body, codings) in [
            (TEXT.to_vec(), vec!["gzip"]),
            (packed[..packed.len() - 1].to_vec(), vec!["gzip"]),
            (gzip(&packed), vec!["gzip", "gzip"]),
            (gzip(&packed), vec!["gzip, gzip"]),
            (packed.clone(), vec!["zstd"]),
            (packed.clone(), vec!["compress"]),
            (packed.clone(), vec!["gzip, br"]),
            (b"\xff\xff\xff\xff".to_vec(), vec!["br"]),
        ] {
            let refused = undo(&body, &codings, 4096);
            assert!(
                matches!(refused, Err(CodingError::Unknown(_) | CodingError::Broken(_))),
                "{codings:?}: {refused:?}"
            );
        }
    }
}
