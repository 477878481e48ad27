//! Second spellings of base64url, which a strict reader does not know.

/// The same bytes with other unused bits (RFC 4648 section 3.5): up to 15 of them.
pub fn trailing_bit_twins(part: &str) -> Vec<String> {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let unused = match part.len() % 4 {
        2 => 4,
        3 => 2,
        _ => return Vec::new(),
    };
    let (head, last) = part.split_at(part.len() - 1);
    let value = ALPHABET.iter().position(|c| *c == last.as_bytes()[0]).unwrap();
    (1..1 << unused).map(|bits| format!("{head}{}", char::from(ALPHABET[value ^ bits]))).collect()
}

#[test]
fn a_twin_is_the_same_bytes_to_a_lenient_reader() {
    use base64::Engine;
    use base64::alphabet::URL_SAFE;
    use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
    let config = GeneralPurposeConfig::new()
        .with_decode_allow_trailing_bits(true)
        .with_decode_padding_mode(DecodePaddingMode::RequireNone);
    let lenient = GeneralPurpose::new(&URL_SAFE, config);
    for (text, twins) in [("AQ", 15), ("AQI", 3), ("AQID", 0), ("-_8", 3)] {
        let found = trailing_bit_twins(text);
        assert_eq!(found.len(), twins, "{text}");
        for twin in found {
            assert_ne!(twin, text);
            assert_eq!(lenient.decode(&twin).unwrap(), lenient.decode(text).unwrap());
        }
    }
}
