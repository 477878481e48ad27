// The examples that RFCs print, as far as a resource server gives a verdict on them.

import { readFileSync } from "node:fs";
import { AUDIENCE, NOW, objectText } from "./making.mjs";

const printed = JSON.parse(readFileSync(new URL("rfc-examples.json", import.meta.url), "utf8"));

const BEARER = "rfc6750/good/B3.2-bearer";
const PROOF = "rfc9449/good/B2.22-proof";

/** Rules under which joe's claims of RFC 7515 are an access token: he names no audience, no subject, no time of issue. */
const joe = key => ({
    issuers: [{ issuer: "joe", audience: false, keys: { keys: [key] } }],
    optionalClaims: ["sub", "iat"]
});

const JOE_TIME = 1_300_819_379;

export function rfc7515(collector) {
    const { refuses, grants } = collector.topic("appendix-a", "example");
    const { claims, a1, a2, a3, a4 } = printed.rfc7515;
    const jws = ({ header, signature }) => `${header}.${claims}.${signature}`;
    const at = { time: JOE_TIME };
    for (const [name, example] of Object.entries({ a2, a3 })) {
        const clause = `RFC 7515 appendix A.${name[1]}`;
        const configuration = joe(example.key);
        grants(
            "B6.5",
            name,
            `The example of appendix A.${name[1]}, a second before its end`,
            s => s.bearer(jws(example)),
            { clause, configuration, ...at }
        );
        refuses(
            "token_expired",
            "B6.18",
            `${name}-over`,
            "The same at its end",
            s => s.bearer(jws(example)),
            { clause, configuration, time: JOE_TIME + 1, good: `rfc7515/appendix-a/B6.5-${name}` }
        );
    }
    const swapped = {
        clause: "RFC 7515 section 5.2",
        configuration: joe(a3.key),
        good: "rfc7515/appendix-a/B6.5-a3",
        ...at
    };
    refuses(
        "key_unknown",
        "B6.3",
        "a2-by-a3",
        "The example of A.2, with the key of A.3",
        s => s.bearer(jws(a2)),
        swapped
    );
    const beside = { ...swapped, clause: "RFC 8725 section 3.1" };
    refuses(
        "algorithm_not_allowed",
        "B5.1",
        "a1",
        "The example of A.1, which has an HMAC",
        s => s.bearer(jws(a1)),
        beside
    );
    refuses(
        "algorithm_not_allowed",
        ["B6.16", "B1.1"],
        "a5",
        "The example of A.5, which has no signature",
        s => s.bearer(`eyJhbGciOiJub25lIn0.${claims}.`),
        beside
    );
    refuses(
        "token_malformed",
        "B6.5",
        "a4",
        "The example of A.4, whose payload is no JSON",
        s => s.bearer(a4.jws),
        { clause: "RFC 7519 section 7.2", configuration: joe(a4.key), good: BEARER }
    );
}

export function rfc7797(collector) {
    const { refuses } = collector.topic("section-4", "example");
    for (const [slug, jws] of Object.entries(printed.rfc7797)) {
        const code = slug === "detached" ? "algorithm_not_allowed" : "credentials_malformed";
        refuses(code, "B6.8", slug, "An example of an unencoded payload", s => s.bearer(jws), {
            clause: "RFC 7797 section 7",
            good: BEARER
        });
    }
}

export function rfc7520(collector) {
    const { refuses } = collector.topic("section-4", "example");
    for (const [section, { jws, key }] of Object.entries(printed.rfc7520)) {
        refuses(
            "token_malformed",
            "B6.15",
            section,
            `The example of section ${section}, whose payload is a text`,
            s => s.bearer(jws),
            { clause: `RFC 7520 section ${section}`, configuration: joe(key), good: BEARER }
        );
    }
}

/** RFC 8037 prints a private key, with which a client can prove itself; RFC 7638 prints none. */
export function thumbprints(collector) {
    const eddsa = collector.topic("appendix-a", "example");
    const { jwk, thumbprint, jws } = printed.rfc8037;
    const bound = (s, jkt) => s.token({ claims: { cnf: { jkt } } });
    const by = ["rfc8037", "EdDSA"];
    eddsa.grants(
        ["B6.19", "B2.18"],
        "thumbprint",
        "A token that is bound to the thumbprint of appendix A.3, and a proof by that key",
        s => {
            const token = bound(s, thumbprint);
            return s.dpop(token, s.proof(token, { by }));
        },
        { clause: "RFC 8037 appendix A.3" }
    );
    eddsa.refuses(
        "token_malformed",
        "B6.20",
        "a4",
        "The example of appendix A.4, whose payload is a text",
        s => s.bearer(jws),
        { clause: "RFC 8037 appendix A.4", configuration: joe(jwk), good: BEARER }
    );
    const rsa = collector.topic("section-3", "example");
    const proof = (s, jkt) => {
        const token = bound(s, jkt);
        return s.dpop(
            token,
            s.proof(token, {
                header: { alg: "RS256", jwk: printed.rfc7638.jwk },
                sign: () => Buffer.alloc(256)
            })
        );
    };
    const of7638 = { clause: "RFC 7638 section 3.1", good: PROOF };
    rsa.refuses(
        "proof_signature_invalid",
        "B6.19",
        "thumbprint",
        "The key and the thumbprint of section 3.1 fit; nobody has the private key",
        s => proof(s, printed.rfc7638.thumbprint),
        of7638
    );
    rsa.refuses(
        "proof_key_mismatch",
        "B6.19",
        "other-thumbprint",
        "The key of section 3.1, and another thumbprint",
        s => proof(s, thumbprint),
        of7638
    );
}

const ISSUED = 1_562_262_618;

export function rfc9449(collector) {
    const { refuses } = collector.topic("figures", "example");
    const { jkt, figure2, figure13 } = printed.rfc9449;
    const token = s => s.token({ claims: { cnf: { jkt }, iat: ISSUED - 10, exp: NOW } });
    const target = { method: "GET", target: "/protectedresource", host: "resource.example.org" };
    const figure = (code, requirement, slug, title, changes, time = ISSUED, proof = figure13) =>
        refuses(code, requirement, slug, title, s => s.dpop(token(s), proof, { ...target, ...changes }), {
            clause: "RFC 9449 section 7.1",
            good: PROOF,
            time
        });
    figure(
        "proof_token_mismatch",
        ["B2.4", "B2.11"],
        "figure-13",
        "The proof of figure 13 passes all checks but that of the token",
        {}
    );
    figure("proof_token_mismatch", "B2.16", "figure-13-last", "The same in its last second", {}, ISSUED + 40);
    figure("proof_stale", "B2.16", "figure-13-later", "The same a second later", {}, ISSUED + 41);
    figure("proof_method_mismatch", "B2.13", "figure-13-post", "The same for POST", { method: "POST" });
    figure("proof_uri_mismatch", "B2.14", "figure-13-other", "The same for another path", { target: "/" });
    figure(
        "proof_malformed",
        ["B2.3", "B2.20"],
        "figure-2",
        "The proof of figure 2, which is for a token endpoint and has no ath",
        { method: "POST", host: "server.example.com", target: "/token" },
        ISSUED - 2,
        figure2
    );
}

export function challenges(collector) {
    const { refuses } = collector.topic("challenges", "challenge");
    const metadata = {
        resource_metadata: "https://resource.example.com/.well-known/oauth-protected-resource"
    };
    const configuration = {
        resource: "https://resource.example.com",
        issuers: [{ issuer: "https://as.example", audience: "https://resource.example.com", keys: "default" }]
    };
    const good = s => s.bearer(s.token({ claims: { aud: "https://resource.example.com" } }));
    refuses(
        "credentials_missing",
        ["B8.7", "B8.4", "B12.5", "B3.6"],
        "resource-metadata",
        "Each challenge says where the resource describes itself",
        s => s.request([]),
        { clause: "RFC 9728 section 5.1", configuration, good, demand: metadata }
    );
    const steps = {
        "acr-values": [{ acr: ["myACR"] }, { acr_values: "myACR" }],
        "max-age": [{ maxAgeSeconds: 5 }, { max_age: "5" }]
    };
    for (const [slug, [rules, demand]] of Object.entries(steps)) {
        refuses(
            "authentication_insufficient",
            "B9.1",
            slug,
            "The challenge that the figures of section 3 show",
            s => s.bearer(),
            { clause: "RFC 9470 section 3", rules, demand, good: BEARER }
        );
    }
}

export function others(collector) {
    const { refuses } = collector.topic("examples", "example");
    const introspection = {
        iss: "https://as.example",
        aud: AUDIENCE,
        iat: NOW,
        token_introspection: {
            active: true,
            iss: "https://as.example",
            aud: AUDIENCE,
            iat: NOW - 10,
            exp: NOW + 600,
            client_id: "client-1",
            scope: "read",
            sub: "user-1"
        }
    };
    refuses(
        "token_type_unexpected",
        ["B11.6", "B5.12"],
        "introspection",
        "An introspection response in the place of a token",
        s =>
            s.bearer(
                s.token({ header: { typ: "token-introspection+jwt" }, rawPayload: objectText(introspection) })
            ),
        { clause: "RFC 9701 section 8.1", good: BEARER }
    );
    const x5t = "bwcK0esc3ACC3DB2Y5_lESsXE8o9ltc05O89jdN-dg2";
    refuses(
        "claim_malformed",
        "B10.2",
        "thumbprint",
        "The thumbprint that section 3.1 prints, and no certificate; its last character has a stray bit",
        s => s.bearer(s.token({ claims: { cnf: { "x5t#S256": x5t } } })),
        { clause: "RFC 8705 section 3.1", good: BEARER }
    );
    const figure = {
        iss: "https://as.example",
        sub: "5ba552d67",
        aud: "https://rs.example.com/",
        exp: NOW + 600,
        iat: NOW,
        jti: "dbe39bf3a3ba4238a513f51d6e1691c4",
        client_id: "s6BhdRkqt3",
        scope: "openid profile reademail"
    };
    const configuration = {
        profile: "rfc9068",
        issuers: [{ issuer: "https://as.example", audience: "https://rs.example.com/", keys: "default" }]
    };
    collector
        .topic("examples", "example")
        .grants(
            ["B1.2", "B1.3"],
            "figure-2",
            "The header and the claims of figure 2, with an issuer and times of ours",
            s => s.bearer(s.token({ header: { typ: "at+JWT" }, rawPayload: objectText(figure) })),
            { clause: "RFC 9068 section 2.2", configuration }
        );
}
