// Requests one after the other: replay, keys that rotate, what is remembered of a token; and nonces.

import { AUDIENCE, HTU, ISSUER, NOW } from "./making.mjs";
import { publicJwk, thumbprint } from "./keys.mjs";

const PROOF = "rfc9449/good/B2.22-proof";

/** The same request at each of these seconds from now, with the code that it gets. */
const again = (request, ...answers) =>
    answers.map(([seconds, code]) => ({ request, time: NOW + seconds, code }));

export function replays(collector) {
    const { add } = collector.topic("replay", "replay");
    const sequence = (requirement, slug, title, steps, more) =>
        add({ requirement, slug, title, steps, good: PROOF, ...more });
    const lasting = { claims: { exp: NOW + 3600 } };
    const proven = (s, changes, token = s.bound(lasting)) => s.dpop(token, s.proof(token, changes));
    sequence(["L01", "B2.39", "B12.4"], "twice", "The same proof twice", s =>
        again(proven(s), [0, "granted"], [0, "proof_replayed"])
    );
    sequence(["L16", "B2.39"], "end", "The same proof in its last second, and after it", s =>
        again(proven(s), [0, "granted"], [40, "proof_replayed"], [41, "proof_stale"])
    );
    sequence(["L16", "B2.41"], "from-ahead", "A proof that lay ahead, in its last second", s =>
        again(
            proven(s, { claims: { iat: NOW + 3 } }),
            [0, "granted"],
            [42, "proof_replayed"],
            [43, "proof_replayed"],
            [44, "proof_stale"]
        )
    );
    sequence(["L06", "B2.39"], "same-jti", "The same jti in another proof of the same key", s => {
        const token = s.bound(lasting);
        const other = proven(s, { claims: { jti: `${s.id}/one`, iat: NOW - 1 } }, token);
        return [
            { request: proven(s, { claims: { jti: `${s.id}/one` } }, token), code: "granted" },
            { request: other, code: "proof_replayed" }
        ];
    });
    sequence(["L02", "B2.39"], "at-once", "The same proof twenty times at once", s => [
        { request: proven(s), atOnce: 20, code: "proof_replayed" }
    ]);
    sequence(["L09", "B6.1"], "another-spelling", "Another spelling of a proof that was seen", s => {
        const token = s.bound(lasting);
        const proof = s.proof(token);
        const other = proof.slice(0, -1) + { A: "B", Q: "R", g: "h", w: "x" }[proof.at(-1)];
        return [
            { request: s.dpop(token, proof), code: "granted" },
            { request: s.dpop(token, other), code: "proof_malformed" }
        ];
    });
    sequence("L07", "other-key", "The same jti of another key", s =>
        ["client", "client-2"].map(client => {
            const token = s.bound(lasting, client);
            return {
                request: proven(s, { by: [client, "ES256"], claims: { jti: `${s.id}/one` } }, token),
                code: "granted"
            };
        })
    );
    sequence("L12", "delimiters", "A jti that is made to look like another record", s =>
        ["x", ":x", `${thumbprint("client")}:x`, "x\n"].map(jti => ({
            request: proven(s, { claims: { jti: `${s.id}${jti}` } }),
            code: "granted"
        }))
    );
    sequence(["L13", "B2.30"], "not-used-up", "A proof that was refused is good where it belongs", s => {
        const request = proven(s);
        return [
            { request: { ...request, method: "POST" }, code: "proof_method_mismatch" },
            { request, code: "granted" },
            { request, code: "proof_replayed" }
        ];
    });
    sequence(["L18"], "clock-set-back", "A clock that is set back", s => {
        const request = proven(s);
        return again(request, [0, "granted"], [400, "proof_stale"], [0, "proof_replayed"]);
    });
}

export function memories(collector) {
    const { add } = collector.topic("memory", "remembered-verdicts");
    const sequence = (requirement, slug, title, steps, more) =>
        add({ requirement, slug, title, steps, ...more });
    const rule = { clause: "" };
    sequence(
        ["Q02", "B6.18"],
        "end",
        "A token that was granted, at its end",
        s =>
            again(
                s.bearer(s.token({ claims: { exp: NOW + 5 } })),
                [0, "granted"],
                [4, "granted"],
                [5, "token_expired"]
            ),
        { good: "rfc6750/good/B3.2-bearer" }
    );
    sequence(
        ["Q05", "B2.44"],
        "needs-its-proof",
        "A bound token that was granted, without a proof",
        s => {
            const token = s.bound();
            return [
                { request: s.dpop(token), code: "granted" },
                { request: s.dpop(token, []), code: "proof_missing" },
                { request: s.bearer(token), code: "token_bound" }
            ];
        },
        { good: PROOF }
    );
    sequence(
        "Q06",
        "not-before",
        "A token that was refused since it began later",
        s =>
            again(
                s.bearer(s.token({ claims: { nbf: NOW + 100 } })),
                [0, "token_not_yet_valid"],
                [100, "granted"]
            ),
        rule
    );
    sequence(
        "Q01",
        "whole-token",
        "Another token with the same beginning and end",
        s => {
            const token = s.token();
            const [header, , signature] = token.split(".");
            const forged = [header, s.token({ claims: { sub: "admin" } }).split(".")[1], signature].join(".");
            return [
                { request: s.bearer(token), code: "granted" },
                { request: s.bearer(forged), code: "signature_invalid" }
            ];
        },
        { ...rule, good: "rfc6750/good/B3.2-bearer" }
    );
}

export function rotation(collector) {
    const { add } = collector.topic("rotation", "key-rotation");
    const configuration = { issuers: [{ issuer: ISSUER, audience: AUDIENCE, keys: "before" }] };
    add({
        requirement: ["H23", "H25", "B1.15"],
        slug: "new-key",
        title: "A key that the issuer publishes anew, and one that is gone",
        configuration,
        good: "rfc6750/good/B3.2-bearer",
        steps: s => [
            { request: s.bearer(), code: "granted" },
            { request: s.bearer(s.token({ by: ["rsa-2", "RS256"] })), keys: "after", code: "granted" },
            { request: s.bearer(s.token({ claims: { jti: "token-2" } })), code: "key_unknown" }
        ]
    });
}

export function nonces(collector) {
    const { refuses, grants } = collector.topic("nonce", "nonce");
    const required = { nonce: "required", nonceSecret: "a secret of the tests, of forty characters" };
    const stale = { ...required, nonce: "on-stale-proof" };
    const nonce = value => s => s.proven({ claims: { nonce: value } });
    const more = { configuration: required, good: PROOF };
    refuses(
        "proof_nonce_required",
        ["M01", "B2.36", "B2.44", "B2.15"],
        "absent",
        "No nonce, where one is asked for",
        s => s.proven(),
        more
    );
    for (const [slug, value] of Object.entries({ foreign: "eyJ7S_zG.eyJH0-Z.HX4w-7v", empty: "" })) {
        refuses(
            "proof_nonce_required",
            ["M01", "B2.32", "B2.37"],
            slug,
            "A nonce that this server did not give",
            nonce(value),
            more
        );
    }
    refuses("proof_malformed", ["M01", "B2.8"], "number", "A nonce that is a number", nonce(1), more);
    grants(["M09"], "not-asked-for", "A nonce that nobody asked for", nonce("x"));
    refuses(
        "proof_nonce_required",
        ["M10", "B2.36"],
        "stale",
        "A proof that is not fresh, where it may hold a nonce instead",
        s => s.proven({ claims: { iat: NOW - 200 } }),
        { configuration: stale, good: s => s.proven() }
    );
}

/** What attackers tried on earlier versions of this library. */
export function regressions(collector) {
    const { refuses, grants } = collector.topic("regressions", "regression");
    const keys = Array.from({ length: 5 }, (_, i) =>
        publicJwk(["stranger", "partner-1", "ps-1", "client-rsa", "rsa-2"][i])
    );
    const issuers = keys => ({ issuers: [{ issuer: ISSUER, audience: AUDIENCE, keys: { keys } }] });
    const own = { clause: "" };
    grants(
        "C33",
        "sixth-key",
        "A token that names no key, by the sixth of six",
        s => s.bearer(s.token({ header: { kid: undefined } })),
        {
            ...own,
            configuration: issuers([...keys, publicJwk("rsa-1")]),
            oidcSpa: { verdict: "refused", reason: "oidc-spa asks each token for the kid of its key" }
        }
    );
    refuses(
        "issuer_mismatch",
        ["E11", "B5.8"],
        "key-of-a-tenant",
        "A key that its set says to be another issuer's",
        s => s.bearer(),
        {
            ...own,
            configuration: issuers([
                publicJwk("rsa-1", { kid: "rsa-1", issuer: "https://as.example/other" })
            ]),
            good: s => s.bearer(),
            goodConfiguration: issuers([publicJwk("rsa-1", { kid: "rsa-1", issuer: ISSUER })])
        }
    );
    const forwarded = s => {
        const request = s.proven({ claims: { htu: HTU } }, { host: "inner", scheme: "http" });
        return fields => ({
            ...request,
            ...fields,
            fields: [...request.fields, ["X-Forwarded-Host", "api.example"], ["X-Forwarded-Proto", "https"]]
        });
    };
    const listed = { trustProxy: ["10.0.0.0/8"] };
    grants(
        "K40",
        "mapped-address",
        "A trusted proxy by its IPv4 address in the form of IPv6",
        s => forwarded(s)({ remoteAddress: "::ffff:10.0.0.1" }),
        { ...own, configuration: listed }
    );
    refuses(
        "proof_uri_mismatch",
        ["K39"],
        "another-address",
        "Forwarded fields of a sender that is no proxy",
        s => forwarded(s)({ remoteAddress: "192.0.2.1" }),
        { ...own, configuration: listed, good: s => forwarded(s)({ remoteAddress: "10.1.2.3" }) }
    );
}
