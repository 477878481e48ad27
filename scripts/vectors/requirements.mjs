// What standards ask of a resource server, a line each: identifier, clause, level, the requirement in our own words, and
// identifiers of docs/requirements.md that show it beside its own. A verdict is written where it is not simply held.

import { may, must, row, should } from "./requirement.mjs";
import { JOSE } from "./requirements-of-jose.mjs";

const LETTER = 'held with `profile: "rfc9068"`; the default profile takes what common issuers write';
const NOT_OFFERED = "not offered; such tokens are refused";

const RFC9068 = [
    row("B1.1", "RFC 9068 section 2.1", must, "Tokens are signed, never with `none`; RS256 is understood.", [
        "A01"
    ]),
    row(
        "B1.2",
        "RFC 9068 section 4",
        must,
        "`typ` is `at+jwt`, in any letters, with or without `application/`.",
        ["C35"],
        LETTER
    ),
    row(
        "B1.3",
        "RFC 9068 section 2.2",
        must,
        "`iss`, `exp`, `aud`, `sub`, `client_id`, `iat` and `jti` are there.",
        ["E24"],
        LETTER
    ),
    row("B1.4", "RFC 9068 section 2.2.1", may, "`auth_time`, `acr` and `amr` reach the application."),
    row("B1.5", "RFC 9068 section 2.2.3", should, "`scope` is a text of names between spaces."),
    row("B1.7", "RFC 9068 section 4", must, "Encrypted tokens that nobody agreed on are refused."),
    row("B1.8", "RFC 9068 section 4", must, "`iss` equals the issuer to the letter.", ["E08"], LETTER),
    row("B1.9", "RFC 9068 section 4", must, "`aud` names this API."),
    row(
        "B1.10",
        "RFC 9068 section 4",
        must,
        "The signature is verified with a key that the issuer publishes."
    ),
    row("B1.11", "RFC 9068 section 4", must, "Now is before `exp`; a leeway is a few minutes at most.", [
        "E03",
        "E04"
    ]),
    row("B1.12", "RFC 9068 section 4", must, "A token that fails is answered with `invalid_token`.", ["E01"]),
    row("B1.13", "RFC 9068 section 4", should, "Scopes and other claims decide, not the signature alone.", [
        "P01"
    ]),
    row("B1.14", "RFC 9068 section 5", must, "Other kinds of JWT are not taken for access tokens.", ["E27"]),
    row("B1.15", "RFC 9068 section 5", must, "Every signing key that the issuer publishes is good.", ["H23"]),
    row("B1.17", "RFC 9068 section 6", "own", "What a token says is in no log and no response.", [
        "O11",
        "O10"
    ])
];

const RFC9449_PROOFS = [
    row("B2.1", "RFC 9449 section 4.1", must, "The field's name is read in any letters, its value as it is."),
    row(
        "B2.2",
        "RFC 9449 section 4.2",
        must,
        "The header has `typ`, an asymmetric `alg` and a public `jwk`."
    ),
    row(
        "B2.3",
        "RFC 9449 section 4.2",
        must,
        "The payload has `jti`, `htm`, `htu`, `iat`, and `ath` beside a token."
    ),
    row("B2.4", "RFC 9449 section 4.2", must, "`ath` is the SHA-256 of the token as it was sent."),
    row("B2.5", "RFC 9449 section 4.2", may, "Further members and claims change nothing."),
    row("B2.6", "RFC 9449 section 4.3, check 1", must, "One proof comes with a request."),
    row("B2.7", "RFC 9449 section 4.3, check 2", must, "It is one well-formed JWT."),
    row("B2.8", "RFC 9449 section 4.3, check 3", must, "All its claims are there, each of its type."),
    row("B2.9", "RFC 9449 section 4.3, check 4", must, "Its `typ` is `dpop+jwt`."),
    row("B2.10", "RFC 9449 section 4.3, check 5", must, "Its `alg` is asymmetric, known and permitted."),
    row("B2.11", "RFC 9449 section 4.3, check 6", must, "The key in its header signed it."),
    row("B2.12", "RFC 9449 section 4.3, check 7", must, "That key has no private member."),
    row("B2.13", "RFC 9449 section 4.3, check 8", must, "`htm` is the method of the request."),
    row(
        "B2.14",
        "RFC 9449 section 4.3, check 9",
        must,
        "`htu` is the URI of the request, normalised, without query and fragment."
    ),
    row("B2.15", "RFC 9449 section 4.3, check 10", must, "Where a nonce was given, `nonce` is that one."),
    row("B2.16", "RFC 9449 section 4.3, check 11", must, "It was made within the window."),
    row(
        "B2.17",
        "RFC 9449 section 4.3, check 12",
        must,
        "It is for this token, and by the key that the token is bound to."
    ),
    row(
        "B2.18",
        "RFC 9449 section 6",
        must,
        "Whether a token is bound, and to which key, is told by `cnf.jkt`."
    )
];

const RFC9449 = [
    row("B2.20", "RFC 9449 section 7", must, "A DPoP request carries token and proof."),
    row(
        "B2.21",
        "RFC 9449 section 7.1",
        must,
        "The scheme is `DPoP` in any letters, with a token behind it."
    ),
    row("B2.22", "RFC 9449 section 7.1", must, "Nothing is granted unless proof and binding are both good."),
    row(
        "B2.23",
        "RFC 9449 section 7.1",
        must,
        "Refusals are 401 with a DPoP challenge that names algorithms.",
        ["B2.24"]
    ),
    row(
        "B2.24",
        "RFC 9449 section 7.1",
        must,
        "The error is `invalid_token` for a binding and `invalid_dpop_proof` for a proof."
    ),
    row("B2.25", "RFC 9449 section 7.1", "own", "Pages of browsers may read the challenge.", ["O12"]),
    row("B2.26", "RFC 9449 section 7.1", must, "`Proxy-Authorization` is not read."),
    row("B2.27", "RFC 9449 section 7.2", must, "A bound token is refused as Bearer."),
    row(
        "B2.28",
        "RFC 9449 section 7.2",
        should,
        "The error stands in the challenge of the scheme that was used; in each where that is unclear."
    ),
    row("B2.29", "RFC 9449 section 7.2", "own", "An unbound Bearer token beside a proof is a Bearer token."),
    row("B2.30", "RFC 9449 section 7.3", should, "A proof that was not accepted is not used up.", ["L13"]),
    row("B2.31", "RFC 9449 section 8", must, "Nonces cannot be guessed, and a response has one.", ["M17"]),
    row(
        "B2.32",
        "RFC 9449 section 8",
        must,
        "A nonce that is not one of the last is refused, with a new one."
    ),
    row("B2.34", "RFC 9449 section 8.2", may, "The next nonce comes with a response, which no cache keeps.", [
        "M13"
    ]),
    row("B2.35", "RFC 9449 section 8", "own", "Pages of browsers may read the nonce.", ["O12"]),
    row(
        "B2.36",
        "RFC 9449 section 9",
        must,
        "A nonce is asked for by 401, `use_dpop_nonce` and `DPoP-Nonce`."
    ),
    row("B2.37", "RFC 9449 section 9", must, "Nonces of others are refused.", ["M15"]),
    row("B2.38", "RFC 9449 section 11.1", must, "Proofs are accepted for a short time."),
    row("B2.39", "RFC 9449 section 11.1", may, "A proof is good once, for as long as it would be accepted.", [
        "L01"
    ]),
    row("B2.40", "RFC 9449 section 11.1", should, "A `jti` has a limit of length."),
    row(
        "B2.41",
        "RFC 9449 section 11.1",
        may,
        "A proof may lie some seconds ahead, and is remembered for these too."
    ),
    row(
        "B2.44",
        "RFC 9449 section 11.3",
        must,
        "Where nonces are asked for, no proof without one is accepted."
    ),
    row("B2.45", "RFC 9449 section 11.5", must, "Another `typ` is no proof."),
    row("B2.46", "RFC 9449 section 11.8", must, "Thumbprints and `ath` are of SHA-256."),
    row(
        "B2.47",
        "RFC 9728 section 2",
        may,
        "The metadata says which algorithms proofs may have, and whether tokens must be bound.",
        ["P14"]
    )
];

const HTTP = [
    row("B3.1", "RFC 6750 section 2", must, "Two sets of credentials are `invalid_request`."),
    row("B3.2", "RFC 6750 section 2.1", must, "`Authorization: Bearer` is read."),
    row(
        "B3.3",
        "RFC 6750 section 2.2",
        should,
        "A token in a form body is not read.",
        ["I15"],
        "held: a body is never read"
    ),
    row("B3.4", "RFC 6750 section 2.3", must, "A token in the query is not read."),
    row("B3.5", "OAuth 2.1 section 5.1.1", must, "The scheme is read in any letters."),
    row("B3.6", "RFC 6750 section 3", must, "A refusal has a challenge, each attribute once.", ["B2.24"]),
    row(
        "B3.7",
        "RFC 6750 section 3",
        must,
        "`scope` and `error_description` hold the characters that they may.",
        ["O05"]
    ),
    row(
        "B3.8",
        "RFC 6750 section 3.1",
        should,
        "400, 401 and 403 for `invalid_request`, `invalid_token` and `insufficient_scope`."
    ),
    row("B3.9", "RFC 6750 section 3.1", should, "Without credentials, the challenge has no error."),
    row("B3.11", "OAuth 2.1 section 5.2", must, "Expiry, audience and scope are checked."),
    row("B4.1", "RFC 9110 section 11.1", must, "Names of schemes are read in any letters."),
    row("B4.2", "RFC 9110 section 11.4", must, "Spaces alone stand between scheme and token."),
    row("B4.3", "RFC 9110 section 11.6.1", must, "A 401 has a challenge, and several share a field.", [
        "B2.24"
    ]),
    row("B4.4", "RFC 9110 section 11.6.2", must, "`Authorization` comes once."),
    row("B4.5", "RFC 9110 section 15.5.2", must, "A 401 has `WWW-Authenticate`."),
    row("B4.6", "RFC 9110 section 5.3", must, "`Authorization` and `DPoP` are no lists."),
    row("B4.7", "RFC 9110 section 5.5", must, "CR, LF and NUL are neither read nor written.", ["I19", "O03"]),
    row("B4.8", "RFC 9110 section 5.6.4", must, "Values of a challenge need no escapes.", ["O04"]),
    row("B4.9", "RFC 9110 section 9.1", must, "Methods are compared to the letter."),
    row(
        "B4.10",
        "RFC 9110 section 7.1",
        must,
        "The URI is that of scheme, authority and path, in each form of a request."
    ),
    row(
        "B4.11",
        "RFC 9110 section 4.2.3",
        must,
        "Default ports, an empty path and letters of the host make no difference; a user in a URI is refused."
    ),
    row("B4.12", "RFC 9110 section 10.2.3", may, "A 503 says when to come again.", ["H19", "L22"])
];

const DISCOVERY = [
    row("B7.1", "RFC 8414 section 2", must, "An issuer is https, without query and fragment.", [
        "H01",
        "H02"
    ]),
    row("B7.2", "RFC 8414 section 3.1", must, "Metadata lies at its well-known paths.", ["H03"]),
    row("B7.3", "RFC 8414 section 3.2", must, "Metadata is a 200 with an object.", ["H11"]),
    row("B7.4", "RFC 8414 section 3.3", must, "Metadata of another issuer is not used.", ["H03"]),
    row("B7.6", "RFC 8414 section 6.1", must, "The server's certificate is verified.", ["H17"]),
    row("B7.7", "RFC 8414 section 2", must, "`jwks_uri` is https.", ["H05"]),
    row("B7.8", "RFC 8414 section 3.2", "own", "Ages of what was fetched have a floor and a ceiling.", [
        "H36"
    ]),
    row("B8.1", "RFC 9728 section 1.2", must, "A resource is https, without fragment.", ["P16"]),
    row(
        "B8.2",
        "RFC 9728 section 2",
        must,
        "The metadata names the resource, its issuers, scopes and ways of presentation.",
        ["P14"]
    ),
    row("B8.4", "RFC 9728 section 3.1", must, "It lies at the well-known path between host and path."),
    row("B8.5", "RFC 9728 section 3.2", must, "It is JSON, without empty lists."),
    row("B8.6", "RFC 9728 section 3.3", must, "Its `resource` is the one of its URL.", ["P18"]),
    row("B8.7", "RFC 9728 section 5.1", may, "Challenges say where it is.")
];

const BEYOND = [
    row(
        "B9.1",
        "RFC 9470 section 3",
        must,
        "A sign-in that is too weak or too old is 401 with what would be needed."
    ),
    row("B9.2", "RFC 9470 section 6.1", must, "`acr` and `auth_time` of the token decide."),
    row("B9.3", "RFC 9470 section 6", "own", "Where they are missing, the demand is not met."),
    row("B9.4", "RFC 9470 section 9", "own", "A bad token is not told what would be needed."),
    row(
        "B10.1",
        "RFC 8705 section 3",
        must,
        "The certificate of the connection is the one that the token is bound to."
    ),
    row("B10.2", "RFC 8705 section 3.1", must, "`x5t#S256` is the SHA-256 of the certificate."),
    row("B10.4", "RFC 8705 section 3.3", may, "The metadata says that tokens are bound to certificates.", [
        "B8.5"
    ]),
    row(
        "B10.5",
        "RFC 9440 section 4",
        must,
        "A certificate in a field that no trusted proxy wrote is not read.",
        ["N13"]
    ),
    row(
        "B10.6",
        "RFC 7800 section 3.1",
        "own",
        "What a token is bound to must be proved, each part; what is not known is not proof."
    ),
    row(
        "B11.6",
        "RFC 9701 section 8.1",
        must,
        "An introspection response is no access token.",
        [],
        NOT_OFFERED
    ),
    row("B12.1", "RFC 8707 section 2", must, "The audience is compared as it was configured.", ["E22"]),
    row(
        "B12.3",
        "FAPI 2.0 Security Profile section 5.3.2.1",
        must,
        "`iat` ten seconds ahead is accepted, above a minute refused; the header alone is read.",
        ["D36", "D35"]
    ),
    row(
        "B12.4",
        "RFC 9700 section 4",
        must,
        "Tokens for others are refused, proofs are good once, fields of clients are not a proxy's."
    ),
    row(
        "B12.5",
        "MCP authorization, 2025-11-25",
        must,
        "A challenge says where the metadata is and which scopes are needed."
    ),
    row("B12.6", "RFC 9421", may, "Signatures of messages are no credentials."),
    row("B12.8", "RFC 8417 section 2", must, "Events and logout tokens are no access tokens.", ["C38"])
];

export const REQUIREMENTS = [
    ...RFC9068,
    ...RFC9449_PROOFS,
    ...RFC9449,
    ...HTTP,
    ...JOSE,
    ...DISCOVERY,
    ...BEYOND
];

/** Tests that show what no single request does: fetching, responses, memories. Each cites the requirement, or what is beside it. */
export const TESTS = {
    "B1.17": "__test__/validator/validator.spec.ts",
    "B2.25": "__test__/conformance/rows.ts",
    "B2.31": "__test__/adapters/adapters-edges.spec.ts",
    "B2.34": "__test__/conformance/rows.ts",
    "B2.35": "__test__/conformance/rows.ts",
    "B2.47": "src/resource_metadata.rs",
    "B3.7": "src/challenge.rs",
    "B4.8": "tests/it/challenges.rs",
    "B4.12": "__test__/validator/validator.spec.ts",
    "B7.1": "__test__/validator/options.spec.ts",
    "B7.2": "host/tests/it/discovery.rs",
    "B7.3": "host/tests/it/discovery.rs",
    "B7.4": "host/tests/it/discovery.rs",
    "B7.6": "__test__/keys/keys-network.spec.ts",
    "B7.7": "host/tests/it/discovery.rs",
    "B7.8": "tests/it/key_ring.rs",
    "B8.1": "src/resource_metadata.rs",
    "B8.2": "src/resource_metadata.rs",
    "B8.5": "__test__/conformance/rows.ts",
    "B8.6": "__test__/conformance/rows.ts",
    "B10.4": "__test__/conformance/rows.ts"
};
