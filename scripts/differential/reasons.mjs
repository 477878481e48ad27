// Why two libraries answer otherwise. A disagreement that no reason explains is an error.

const SPA = "oidc-spa/server";
const JOSE = "jose";
const OAUTH = "oauth4webapi";
const ALL = [SPA, JOSE, OAUTH];

/**
 * A reason explains a disagreement with one of `engines` if a mutation of the request has one of the names, and if
 * whoever refuses says so with a text that `refusal` matches: this library where `here` is `"refused"`, the other one where
 * it is `"granted"`. `taste`: the standards allow both answers.
 */
export const REASONS = [
    {
        id: "base64",
        engines: ALL,
        here: "refused",
        refusal:
            /^(token|proof)_malformed: .*canonical base64url|^credentials_malformed|^proof_malformed: .*parts/,
        mutations: /\/base64\//,
        clause: "RFC 7515 section 2, RFC 4648 section 3.5",
        why: "A part has padding, white space, letters of another alphabet or bits after its last byte. Each content has one spelling here, so that a token has only one text."
    },
    {
        id: "strict JSON",
        engines: ALL,
        here: "refused",
        refusal: /^(token|proof)_malformed: .*not valid JSON/,
        mutations:
            /\/json\/\w+\/(duplicate|byte order mark|lone surrogate|deep|number that overflows)|\/odd$/,
        clause: "RFC 7515 section 4, RFC 7519 section 4, RFC 8259",
        why: "A member stands twice, a text is no Unicode, a number fits no double, or lists are nested more than 64 deep. Another reader of the same token could read another value."
    },
    {
        id: "sizes",
        engines: ALL,
        here: "refused",
        refusal:
            /^token_malformed: The access token has \d+ bytes|^proof_malformed: The DPoP proof is longer|_malformed: .*header is longer/,
        mutations: /\/json\/\w+\/large/,
        clause: "RFC 8725 section 3.13",
        taste: true,
        why: "Tokens of more than 16 KiB, proofs of more than 8 KiB and headers of more than 4 KiB are not read. Options set the first two limits."
    },
    {
        id: "type of the token",
        engines: ALL,
        here: "refused",
        refusal: /^token_type_unexpected/,
        mutations: /^token\/(typ|header\/typ|claim\/(typ|at_hash|c_hash|events|nonce))\b/,
        clause: "RFC 8725 sections 3.11 and 3.12, RFC 9068 section 4",
        why: "The token says that it is another kind of JWT: a proof, a logout token, an ID token, a security event. The issuer signed it for another recipient."
    },
    {
        id: "types of claims",
        engines: ALL,
        here: "refused",
        refusal: /^(claim_malformed|claim_missing)/,
        mutations: /^token\/(claim|audience|times|confirmation|json)/,
        clause: "RFC 7519 section 4.1, RFC 7800 section 3, RFC 9068 section 2.2",
        why: "A claim that decides who gets in has another type than its definition says, or is a date beyond the year 9999."
    },
    {
        id: "confirmation",
        engines: ALL,
        here: "refused",
        refusal: /^(token_bound|token_unbound|proof_key_mismatch)/,
        mutations: /^token\/(confirmation|claim\/cnf)/,
        clause: "RFC 7800 section 3.1, RFC 8705 section 3, RFC 9449 section 7.1",
        why: "The token is bound to a certificate or to a key in a way that this request does not prove. As a Bearer token it would be worth more than its issuer meant."
    },
    {
        id: "issued in the future",
        engines: ALL,
        here: "refused",
        refusal: /^token_not_yet_valid: "iat"/,
        mutations: /^token\/(times\/iat|claim\/iat|json\/claims)/,
        clause: "RFC 7519 section 4.1.6",
        taste: true,
        why: "A token that is issued more than a minute ahead shows that a clock is wrong. The standard leaves it to the application."
    },
    {
        id: "age of proofs",
        engines: [OAUTH],
        here: "refused",
        refusal: /^proof_(stale|not_yet_valid)/,
        mutations: /^proof\/(times|claim|json)/,
        clause: "RFC 9449 section 11.1",
        taste: true,
        why: "oauth4webapi accepts proofs 300 seconds around its time; here they may be 40 seconds old and 10 ahead. A shorter time leaves less to replay."
    },
    {
        id: "leeway of oauth4webapi",
        engines: [OAUTH],
        here: "refused",
        refusal: /^token_expired|^token_not_yet_valid: The access token/,
        mutations: /^token\/(times|claim|json)/,
        clause: "RFC 7519 sections 4.1.4 and 4.1.5",
        taste: true,
        why: "oauth4webapi has a leeway of 30 seconds. Here it is 0 seconds for `exp` and 10 for `nbf`, and `leewaySeconds` sets both."
    },
    {
        id: "times of proofs",
        engines: ALL,
        here: "refused",
        refusal: /^proof_(stale|not_yet_valid|malformed)/,
        mutations: /^proof\/(times\/(exp|nbf|iat)|claim\/(exp|nbf|iat)|json\/claims\/(fraction|exponent))/,
        clause: "RFC 9449 section 4.3, checks 3 and 11, RFC 7519 section 4.1",
        why: "`iat`, and `exp` and `nbf` if they are there, must be dates, and the proof must be inside of them without leeway beyond its window."
    },
    {
        id: "header members",
        engines: ALL,
        here: "refused",
        refusal: /_malformed: .*(header member|is encrypted)/,
        mutations: /\/header\/(crit|b64|zip|enc)\//,
        clause: "RFC 7515 section 4.1.11, RFC 7797 section 7, RFC 7516 section 4.1",
        why: "`crit`, `b64`, `zip` and `enc` change what the signed text means. No JWT that is accepted here has one of them."
    },
    {
        id: "credentials",
        engines: ALL,
        here: "refused",
        refusal: /^credentials_(malformed|repeated|missing)|^scheme_unsupported/,
        mutations: /^request\/authorization\//,
        clause: "RFC 9110 sections 5.3 and 11.4, RFC 6750 section 2.1",
        why: "The field comes twice, or has anything but a scheme, spaces and one token. Two readers of such a field may find two tokens."
    },
    {
        id: "one proof",
        engines: ALL,
        here: "refused",
        refusal: /^proof_(repeated|malformed)|^proof_missing/,
        mutations: /^request\/proof field/,
        clause: "RFC 9449 section 4.3, checks 1 and 2",
        why: "The request must have one DPoP field with one JWT in it."
    },
    {
        id: "method",
        engines: [SPA],
        here: "refused",
        refusal: /^proof_method_mismatch/,
        mutations: /^proof\/htm\//,
        clause: "RFC 9449 section 4.3, check 8, RFC 9110 section 9.1",
        why: "Methods are case-sensitive. The drop-in compares them as oidc-spa/server does."
    },
    {
        id: "URIs as browsers read them",
        engines: [JOSE, OAUTH],
        here: "refused",
        refusal: /^proof_uri_mismatch|^proof_malformed/,
        mutations: /^(proof\/htu|request\/target)\//,
        clause: "RFC 9449 section 4.3, check 9, RFC 3986 section 3",
        why: "The URL parser of the WHATWG mends what is no URI: back slashes, one slash, tabs, spaces, users. A URI that must be mended is not compared here."
    },
    {
        id: "claims of proofs",
        engines: ALL,
        here: "refused",
        refusal: /^proof_(malformed|uri_mismatch|token_mismatch|method_mismatch|nonce_required)/,
        mutations: /^proof\/(claim|json|header|typ)\//,
        clause: "RFC 9449 sections 4.2 and 4.3",
        why: "`jti`, `htm`, `htu`, `ath` and `nonce` are texts, and `jti` has at least one and at most 256 bytes. `jwk` has no private member, and `typ` is `dpop+jwt`."
    },
    {
        id: "a proof beside a Bearer token",
        engines: [OAUTH],
        here: "granted",
        refusal: /"cnf" \(confirmation\) claim missing|scheme is not DPoP/,
        mutations: /^request\/proof with an unbound token|^token\/confirmation/,
        clause: "RFC 9449 section 7.2",
        taste: true,
        why: "A client may send a proof with a token that is not bound, where an issuer does not know DPoP. Nobody relies on the proof."
    },
    {
        id: "slash after the issuer",
        engines: ALL,
        here: "granted",
        refusal: /"iss"|issuer/,
        mutations: /^token\/issuer/,
        clause: "RFC 7519 section 4.1.1",
        taste: true,
        why: "One slash at the end is not compared, except in the profile `rfc9068`: Auth0 and others write it in tokens and not in their settings. No issuer has a sibling by that name."
    },
    {
        id: "profile of RFC 9068",
        engines: [OAUTH],
        here: "granted",
        refusal: /"typ" header|"(jti|client_id|sub|iat)" ?(\([^)]*\) )?claim|JWT "(jti|client_id|sub|iat)"/,
        mutations: /^token\/(typ|header\/typ|claim|json|times)/,
        clause: "RFC 9068 sections 2.2 and 4",
        taste: true,
        why: "oauth4webapi takes only tokens of RFC 9068. Many issuers write `typ` as `JWT`, or no `jti` or `client_id`; the profile `rfc9068` asks for all of them."
    },
    {
        id: "shape of oidc-spa",
        engines: [SPA],
        here: "granted",
        refusal: /does not satisfies the shape/,
        mutations: /^token\/(claim|audience|json|confirmation)/,
        clause: "RFC 9068 section 2.2",
        taste: true,
        why: "Claims that decide nothing here, such as `client_id`, may have any type. The drop-in asks for the shape that oidc-spa/server asks for."
    },
    {
        id: "no kid",
        engines: [SPA],
        here: "granted",
        refusal: /does not have a kid/,
        mutations: /^token\/(confusion\/no kid|header\/kid\/absent)/,
        clause: "RFC 7515 section 4.1.4",
        why: "`kid` is optional. Without it the keys of the algorithm are tried."
    },
    {
        id: "normal form of URIs",
        engines: ALL,
        here: "granted",
        refusal: /htu|Invalid URL|TypeError/,
        mutations: /^(proof\/htu|request\/target)\//,
        clause: "RFC 9449 section 4.3, check 9, RFC 3986 sections 6.2.2 and 6.2.3",
        why: "Scheme and host in small letters, the default port, unneeded escapes and dot segments do not make another URI, and `htu` counts without query and fragment."
    },
    {
        id: "letters of the scheme",
        engines: [SPA],
        here: "granted",
        refusal: /Malformed Authorization header|no credentials/,
        mutations: /^request\/authorization\/(small letters|capitals|two spaces|space)/,
        clause: "RFC 9110 section 11.1",
        why: "Schemes are compared without regard to case, and white space around a value is not part of it."
    },
    {
        id: "space around a field",
        engines: [JOSE, OAUTH, SPA],
        here: "granted",
        refusal: /no credentials|Invalid Compact JWS|format|Malformed/,
        mutations: /^request\/(authorization\/space|proof field)/,
        clause: "RFC 9110 section 5.5",
        why: "White space around a value is not part of it."
    },
    {
        id: "several confirmations",
        engines: [OAUTH],
        here: "granted",
        refusal: /confirmation/i,
        mutations: /^token\/(confirmation|claim\/cnf)/,
        clause: "RFC 7800 section 3.1",
        taste: true,
        why: "Members of `cnf` that are not understood are ignored, as long as one is checked; oauth4webapi takes one member alone."
    },
    {
        id: "proofs from the future",
        engines: [SPA],
        here: "granted",
        refusal: /proof iat is in the future/,
        mutations: /^proof\/(times|claim)\/iat/,
        clause: "RFC 9449 section 11.1",
        taste: true,
        why: "A proof may be 10 seconds ahead of this clock; oidc-spa/server takes 3, and so does the drop-in."
    },
    {
        id: "leeway of nbf",
        engines: [SPA, JOSE],
        here: "granted",
        refusal: /"nbf" claim/,
        mutations: /^token\/(times|claim)\/nbf/,
        clause: "RFC 7519 section 4.1.5",
        taste: true,
        why: "Ten seconds of leeway, for clocks that differ."
    }
];
