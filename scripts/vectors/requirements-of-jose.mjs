// What RFC 8725 and the standards of JOSE ask for.

import { may, must, row, should } from "./requirement.mjs";

export const JOSE = [
    row("B5.1", "RFC 8725 section 3.1", must, "Algorithms are those of a list; a key is for one alone."),
    row("B5.3", "RFC 8725 section 3.3", must, "Signed and encrypted tokens are told apart."),
    row("B5.4", "RFC 8725 section 3.4", must, "Points lie on their curve."),
    row(
        "B5.5",
        "RFC 8725 section 3.5",
        must,
        "No key is a password.",
        [],
        "held: symmetric algorithms are refused"
    ),
    row("B5.7", "RFC 8725 section 3.7", must, "JSON is UTF-8."),
    row("B5.8", "RFC 8725 section 3.8", must, "Keys are those of the issuer in `iss`."),
    row("B5.9", "RFC 8725 section 3.9", must, "A token for others is refused."),
    row(
        "B5.10",
        "RFC 8725 section 3.10",
        must,
        "`kid` leads nowhere; `jku`, `x5u` and `jwk` are not followed.",
        ["H40"]
    ),
    row("B5.11", "RFC 8725 section 3.11", should, "`typ` is compared, without `application/`."),
    row("B5.12", "RFC 8725 section 3.12", must, "Rules for one kind of JWT refuse every other kind."),
    row(
        "B5.13",
        "RFC 8725 section 3.14",
        must,
        "Characters of no alphabet, and work without bounds, are refused.",
        ["B12"]
    ),
    row("B6.1", "RFC 7515 section 2", must, "Three parts in base64url, in their one spelling."),
    row("B6.2", "RFC 7515 section 4", must, "Members are unique."),
    row("B6.3", "RFC 7515 section 4.1.1", must, "`alg` is understood and fits the key."),
    row("B6.4", "RFC 7515 section 4.1.11", must, "`crit` that is malformed or not understood is refused."),
    row(
        "B6.5",
        "RFC 7515 section 5.2",
        must,
        "Every part is decoded, the header is an object, the signature is good."
    ),
    row("B6.6", "RFC 7515 section 5.3", must, "Texts are compared after their escapes, and by nothing else."),
    row("B6.8", "RFC 7797 section 7", must, "JWTs have no unencoded payload."),
    row("B6.9", "RFC 7516 section 9", must, "Five parts are no signed token."),
    row(
        "B6.10",
        "RFC 7517 section 4",
        must,
        "Members of a key are unique, `kty` is to the letter, unknown ones are passed over."
    ),
    row("B6.11", "RFC 7517 section 4.3", must, "`use` and `key_ops` agree and permit to verify."),
    row(
        "B6.12",
        "RFC 7517 section 4.4",
        must,
        "A key's `alg` is the token's; one `kid` may be of two types."
    ),
    row("B6.13", "RFC 7517 section 5", should, "A key that cannot be used costs itself alone."),
    row("B6.14", "RFC 7517 section 9", must, "Private and symmetric keys of a set are not used."),
    row(
        "B6.15",
        "RFC 7518 section 3",
        must,
        "RSA from 2048 bits, salts of the hash's length, signatures of their curve's length."
    ),
    row("B6.16", "RFC 7518 section 3.6", must, "`none` is refused."),
    row("B6.17", "RFC 7518 section 6.2.1", must, "Coordinates have their full length."),
    row(
        "B6.18",
        "RFC 7519 section 4",
        must,
        "Dates are numbers, claims are unique, `exp` and `nbf` are kept, unknown claims are passed over."
    ),
    row(
        "B6.19",
        "RFC 7638 section 3",
        must,
        "A thumbprint is made of the members that make the key, in their one spelling."
    ),
    row("B6.20", "RFC 8037 section 3.1", must, "`EdDSA` with Ed25519."),
    row("B6.21", "RFC 9864 section 2.2", may, "`Ed25519` is a name of its own; names of COSE are none."),
    row("B6.22", "RFC 8812 section 3", "own", "secp256k1 is not used.", ["G21"]),
    row("B6.23", "RFC 8259 section 8", must, "No surrogates, no overlong forms, no byte order mark.")
];
