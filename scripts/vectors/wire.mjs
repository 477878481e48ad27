// The vectors that make sense over a wire, to a server whose clock, limits and memory are its own: made for a running issuer
// and posted to the thread that asked. With each: how much its verdict binds other servers, and what a wrong one means.

import { validateHeaderValue } from "node:http";
import { parentPort } from "node:worker_threads";
import { DEFAULT_KEYS } from "./keys.mjs";
import { makeVectors } from "./make.mjs";
import { NOW } from "./making.mjs";
import { WORLD } from "./world.mjs";

/** Topics that are about the server's own set-up, or about the text of an RFC's example. */
const LEFT_OUT =
    /^(?:appendix-a|challenges|examples|figures|issuers|key-set|permissions|certificates|regressions|request-target|rotation|section-\d|memory)$/;

/** Vectors whose verdict hangs on a limit, a leeway or a path that each server chooses. */
const OWN_CHOICE = new Set([
    ...["B20-too-long", "B20-too-long/twin", "B21-header-too-long", "B21-header-too-long/twin", "C45-many"],
    ...["D40-deep", "D40-less-deep", "D47-sub-long", "E19-aud-many", "J04-too-long", "B2.40-jti-long"],
    ...["E01-over", "E02-now", "E02-a-second-ahead", "D36-iat-some-ahead", "D37-iat-after-exp"],
    ...["J28-oldest", "J28-older", "J29-farthest", "J29-farther"],
    ...["E09-iss-letters", "E09-iss-port", "D32-milliseconds", "D30-exp-9223372036854775808", "D30-exp-1e20"],
    ...["I26-preflight", "B3.4-query", "I15-query-beside", "I21-names", "D28-infinite", "D31-digits"]
]);

/** Of the vectors about URIs, those that keep their meaning for any URL. */
const TARGETS =
    /\/(?:K01-small|K02-post|K06-equal|K11-port|K13-slash|K25-query|K26-fragment|K27-user|K29-\S+|K34-\S+)$/;

const must = "must";
const should = "should";
const may = "may";

/** How much a class of vectors binds a server that knows nothing of this project, where no line below says otherwise. */
const LEVELS = {
    none: must,
    "algorithm-confusion": must,
    "signature-verification": must,
    "claim-validation": must,
    "proof-validation": must,
    "target-confusion": must,
    "binding-downgrade": must,
    // RFC 9068 section 4 binds the servers that follow it, and most take other JWTs too.
    "token-type-confusion": WORLD.profile === "rfc9068" ? must : should,
    "credential-extraction": should,
    "header-members": should,
    "json-ambiguity": should,
    encoding: should,
    // RFC 9449 section 11.1 lets a server choose.
    replay: may,
    nonce: may
};

const LEVEL_OF = [
    [
        // Credentials that are none; keys from the attacker; extensions that must be understood (RFC 7515 section 4.1.11).
        /\/(?:B3\.9-|I17-|B02-|C25-jwk|C21-jku|C23-x5u|C12-|C16-|C18-)/,
        must
    ],
    // Which algorithms a server takes is its own decision; RS256 is everybody's (RFC 9068 section 2.1).
    [/\/A29-rs256$/, must],
    [/\/(?:A2[349]-|B2\.10-by-|C33-no-kid|F06-|J15-|J16-)/, may],
    // The signature is the issuer's; what the header says of it is odd.
    [/\/(?:A03-|A05-|A06-|A07-|F27-)/, should],
    // What RFC 9068 asks of its own tokens, and types of claims that nothing is decided by.
    [/\/(?:D33-|D34-|D35-|E23-|D47-|D38-|D30-|D32-|E18-aud-mixed|D2[456]-)/, should],
    // RFC 7519 lets a token be good for ever; RFC 9068 does not.
    [/\/D20-exp-letters$/, WORLD.profile === "rfc9068" ? must : should],
    // The member alg of a JWK is a hint to some, a rule to RFC 8725 section 3.1.
    [/\/(?:A17-|A18-|A19-)/, should],
    [/\/(?:D44-|D45-|D43-)/, should],
    // Private keys in proofs (check 7) are for "d"; other members belong to other types of keys.
    [/\/J11-private-(?!d$)/, should],
    [
        /\/(?:F14-|J12-|J13-|J14-|J17-|J18-|J19-|J21-|J31-|J35-|J38-|J27-|J40-|J05-list|J06-|J09-p384|A26-|A08-)/,
        should
    ],
    [/\/(?:N06-|N07-|N08-|N15-|B2\.29-|N10-)/, should],
    [/\/(?:K01-|K13-|K27-)/, should]
];

/** What it means that such a request got in, by the code that it gets here. */
const GOT_IN = {
    algorithm_not_allowed: "anybody can write such a token: no key of the issuer is needed",
    signature_invalid: "a token that the issuer did not sign is believed",
    key_unknown: "the token chooses the key that it is checked with, or none is needed",
    token_malformed: "a token is accepted that other programs read otherwise or not at all",
    token_type_unexpected: "a token that was made for another purpose opens this API",
    token_expired: "a stolen token stays good for ever",
    token_not_yet_valid: "a token is good before its time",
    claim_missing: "a token is accepted without a claim that limits it",
    claim_malformed: "a claim of the wrong type limits nothing",
    issuer_mismatch: "tokens of another issuer are accepted",
    audience_mismatch: "a token that was made for another API opens this one",
    credentials_missing: "the API is open to requests without a token",
    credentials_malformed: "a proxy and this server may read different tokens in one request",
    credentials_repeated: "a proxy and this server may take different tokens of one request",
    scheme_unsupported: "credentials that nobody checked open this API",
    token_bound: "a stolen token that is bound to a key works without that key",
    token_unbound: "a proof that nothing asks for is taken for protection",
    proof_missing: "a stolen token works without its key",
    proof_repeated: "it is open which of two proofs was checked",
    proof_malformed: "a proof is accepted that does not have the form that its checks rely on",
    proof_algorithm_not_allowed: "anybody can write such a proof",
    proof_signature_invalid: "a proof is believed that the client's key did not sign",
    proof_key_mismatch: "a stolen token works with the thief's own key",
    proof_method_mismatch: "a proof of one request is good for another",
    proof_uri_mismatch: "a proof that another server received is good here",
    proof_token_mismatch: "a proof that was made for one token is good for another",
    proof_stale: "a proof that was seen once stays good for ever",
    proof_not_yet_valid: "proofs can be made in advance",
    proof_replayed: "a request that was recorded can be sent again"
};

/** The same, where the code says too little. */
const MEANING_OF = [
    [
        /\/(?:A03-|A05-|A06-|A07-|A08-|A26-|F27-)/,
        "the signature is checked by another algorithm than the token names"
    ],
    [
        /\/(?:A17-|A18-|A19-|A20-|A21-|A27-|A28-)/,
        "a key is used in a way that the issuer did not publish it for"
    ],
    [
        /\/(?:F04-|F05-|F07-|F17-|F22-(?:rsa-long|rsa-short|pss-)|F23-)/,
        "a signature of another form is taken for the right one"
    ],
    [/\/C1[2-8]-/, "a rule that the token says must be understood is passed over"]
];

const KEPT_OUT = "clients that do what the standard says are refused";

const ORDINARY = new Set(
    ["RS", "PS", "ES"].flatMap(kind => [`${kind}256`, `${kind}384`, `${kind}512`]).concat("EdDSA", "Ed25519")
);

const topicOf = ({ id }) => id.split("/")[1];

const isSendable = ({ target, fields }) =>
    target.startsWith("/") &&
    fields.every(([name, value]) => {
        try {
            validateHeaderValue(name, value);
            return true;
        } catch {
            return false;
        }
    });

function isForTheWire(vector) {
    const { id, configuration, steps, twin } = vector;
    const isStrict = JSON.stringify(configuration) === '{"profile":"rfc9068"}';
    return (
        (configuration === undefined || (isStrict && WORLD.profile === "rfc9068")) &&
        !LEFT_OUT.test(topicOf(vector)) &&
        !OWN_CHOICE.has(id.split("/").slice(2).join("/")) &&
        !OWN_CHOICE.has(twin) &&
        // A nonce that was not asked for, where one is.
        !(vector.class === "nonce" && WORLD.nonce !== undefined) &&
        (vector.class !== "target-confusion" || (TARGETS.test(id) && WORLD.method === "GET")) &&
        steps.every(
            ({ time, atOnce, keys, rules, request }) =>
                time === NOW &&
                !atOnce &&
                !keys &&
                !rules &&
                request.method === WORLD.method &&
                request.remoteAddress === undefined &&
                request.clientCertificate === undefined &&
                isSendable(request)
        )
    );
}

/** The algorithm that a token of the request names, if it is an ordinary one. */
function algorithmOf({ fields }) {
    const [, value = ""] = fields.find(([name]) => /^authorization$/i.test(name)) ?? [];
    try {
        const [header] = value.trim().split(/ +/).at(-1).split(".");
        const { alg } = JSON.parse(Buffer.from(header, "base64url").toString());
        return ORDINARY.has(alg) ? alg : undefined;
    } catch {
        return undefined;
    }
}

const isDpop = steps =>
    steps.some(({ request }) =>
        request.fields.some(
            ([name, value]) =>
                /^dpop$/i.test(name) || (/^authorization$/i.test(name) && /^dpop /i.test(value))
        )
    );

const firstOf = (table, id) => table.find(([ids]) => ids.test(id))?.[1];

function wired(vector) {
    const { id, title, clause, twin, steps } = vector;
    const level = firstOf(LEVEL_OF, id) ?? LEVELS[vector.class] ?? should;
    const { verdict, code } = steps.at(-1).expected;
    return {
        id,
        title,
        clause,
        class: vector.class,
        level,
        meaning: verdict === "granted" ? KEPT_OUT : (firstOf(MEANING_OF, id) ?? GOT_IN[code]),
        twin: twin ?? null,
        algorithm: algorithmOf(steps.at(-1).request) ?? null,
        isDpop: isDpop(steps),
        steps: steps.map(({ request: { target, fields }, expected }) => ({
            target,
            fields: fields.filter(([name]) => name !== "Host"),
            isGranted: expected.verdict === "granted",
            status: expected.status ?? null
        }))
    };
}

/** The vectors for this issuer and this server, good requests first, and the keys that the issuer publishes. */
export function wireVectors() {
    const all = [...makeVectors()].filter(([path]) => path.includes("/"));
    const fit = all.flatMap(([, text]) => JSON.parse(text).vectors).filter(isForTheWire);
    const ids = new Set(fit.map(({ id }) => id));
    const vectors = fit.filter(({ twin }) => twin === undefined || ids.has(twin)).map(wired);
    const isGood = ({ steps }) => steps.at(-1).isGranted;
    return {
        keys: DEFAULT_KEYS,
        vectors: [...vectors.filter(isGood), ...vectors.filter(vector => !isGood(vector))]
    };
}

if (parentPort !== null && WORLD.run !== "") {
    parentPort.postMessage(wireVectors());
}
