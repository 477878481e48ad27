// DPoP proofs, each with one thing changed and signed again, and bound tokens around them.

import { randomUUID } from "node:crypto";
import type { ValidateAndDecodeAccessToken } from "oidc-spa-native/server";
import { ITEMS, kidOf, publicMembers, tokenHeader, type Fixtures } from "../support/fixtures.js";
import {
    ALGS,
    athOf,
    b64u,
    jws,
    kindOf,
    mutated,
    newKey,
    signParts,
    thumbprint,
    trailingBitTwin,
    type Key
} from "../support/jwt.js";
import { bearer, JSON_VALUES, withMember, withTextAfter, type ValidateCase } from "./token-mutations.js";

type DPoPParams = ValidateAndDecodeAccessToken.Params.DPoP;

export async function proofCases(f: Fixtures, now: number): Promise<ValidateCase[]> {
    const cases: ValidateCase[] = [];
    const token = f.boundToken(now);
    const client = f.client;

    const params = (dpopProof: string, changes: Partial<DPoPParams> = {}): DPoPParams => ({
        scheme: "DPoP",
        accessToken: token,
        dpopProof,
        expectedHtm: "GET",
        expectedHtu: ITEMS,
        ...changes
    });
    const fresh = () => f.proofClaims(now, token);
    const untouched = () => jws(f.proofHeader(), fresh(), "ES256", client);
    const add = (
        id: string,
        dpopProof: string,
        changes: Partial<DPoPParams> = {},
        options: Partial<ValidateCase> = {}
    ) => {
        cases.push({ id, params: params(dpopProof, changes), twin: params(untouched()), ...options });
    };
    const withPayload = (text: string | Buffer) => jws(f.proofHeader(), text, "ES256", client);
    const withHeader = (text: string | Buffer) => jws(text, fresh(), "ES256", client);

    // --- Every algorithm, as it should be.
    for (const alg of ALGS) {
        const key = newKey(kindOf(alg));
        const bound = f.boundToken(now, { cnf: { jkt: key.thumbprint } });
        const header = { typ: "dpop+jwt", alg, jwk: publicMembers(key.publicJwk) };
        add(`proof/alg/${alg}`, jws(header, f.proofClaims(now, bound), alg, key), { accessToken: bound });
    }

    // --- Each member in each wrong type (J05, J10, J24 to J27).
    for (const claim of ["htm", "htu", "ath", "iat", "jti", "exp", "nbf", "nonce"]) {
        for (const [name, json] of Object.entries(JSON_VALUES)) {
            const claims = fresh();
            const text = withMember(claims, claim, json);
            // An absent claim that was absent anyway is no case.
            if (text !== JSON.stringify(claims)) {
                add(`proof/claim/${claim}/${name}`, withPayload(text));
            }
        }
    }
    for (const member of ["typ", "alg", "jwk"]) {
        for (const [name, json] of Object.entries(JSON_VALUES)) {
            add(`proof/header/${member}/${name}`, withHeader(withMember(f.proofHeader(), member, json)));
        }
    }
    for (const typ of [
        "DPOP+JWT",
        "application/dpop+jwt",
        "Application/DPoP+jwt",
        "at+jwt",
        "JWT",
        "dpop+jwt ",
        "x/dpop+jwt"
    ]) {
        add(`proof/header/typ/${typ}`, withHeader(JSON.stringify({ ...f.proofHeader(), typ })));
    }
    for (const alg of ["none", "HS256", "es256", "ES384", "RS256", "ESP256", "ES256K", "EdDSA"]) {
        add(`proof/header/alg/${alg}`, withHeader(JSON.stringify({ ...f.proofHeader(), alg })));
    }

    // --- jwk (J10 to J21).
    const jwk = publicMembers(client.publicJwk);
    const jwks: Record<string, string> = {
        "J11 private d": JSON.stringify(client.privateJwk),
        "J12 d null": withMember(jwk, "d", "null"),
        "J12 d empty": withMember(jwk, "d", '""'),
        "J11 p": withMember(jwk, "p", '"AQ"'),
        "J11 k": withMember(jwk, "k", '"AQ"'),
        "J13 alg of another": withMember(jwk, "alg", '"ES384"'),
        "alg the same": withMember(jwk, "alg", '"ES256"'),
        "J14 use enc": withMember(jwk, "use", '"enc"'),
        "use sig": withMember(jwk, "use", '"sig"'),
        "J14 key_ops sign": withMember(jwk, "key_ops", '["sign"]'),
        "J15 as WebCrypto exports it": withMember({ ...jwk, ext: true, kid: "k" }, "key_ops", '["verify"]'),
        "J16 extra member": withMember(jwk, "foo", "1"),
        "J17 duplicate x": withTextAfter(jwk, `"x":${JSON.stringify(jwk["x"])}`),
        "J18 padded x": withMember(jwk, "x", `"${String(jwk["x"])}="`),
        "J18 trailing bits of x": withMember(jwk, "x", `"${trailingBitTwin(String(jwk["x"]))}"`),
        "F12 zero before x": withMember(
            jwk,
            "x",
            `"${b64u(Buffer.concat([Buffer.alloc(1), Buffer.from(String(jwk["x"]), "base64url")]))}"`
        ),
        "F08 not on the curve": withMember(jwk, "y", `"${String(jwk["x"])}"`),
        "x absent": withMember(jwk, "x", undefined),
        "kty absent": withMember(jwk, "kty", undefined),
        "crv absent": withMember(jwk, "crv", undefined),
        "kty RSA": withMember(jwk, "kty", '"RSA"'),
        "kty lower case": withMember(jwk, "kty", '"ec"'),
        "kty oct": '{"kty":"oct","k":"AAAA"}',
        "crv other": withMember(jwk, "crv", '"P-384"'),
        "J21 x5u": withMember(jwk, "x5u", '"https://evil.example"'),
        "J21 x5c": withMember(jwk, "x5c", '["AAAA"]')
    };
    for (const [name, json] of Object.entries(jwks)) {
        add(`proof/jwk/${name}`, withHeader(withMember(f.proofHeader(), "jwk", json)));
    }
    const small = newKey("rsa", 1024);
    const boundToSmall = f.boundToken(now, { cnf: { jkt: small.thumbprint } });
    add(
        "proof/jwk/J19 RSA 1024",
        jws(
            { typ: "dpop+jwt", alg: "PS256", jwk: publicMembers(small.publicJwk) },
            f.proofClaims(now, boundToSmall),
            "PS256",
            small
        ),
        { accessToken: boundToSmall }
    );
    // Thumbprints over odd keys, so that the binding itself holds.
    for (const name of ["J11 private d", "J12 d null", "J18 padded x", "J13 alg of another", "J14 use enc"]) {
        const odd = JSON.parse(jwks[name] as string) as Record<string, unknown>;
        const bound = f.boundToken(now, { cnf: { jkt: await thumbprint(odd) } });
        add(
            `proof/jwk/bound to it/${name}`,
            jws(withMember(f.proofHeader(), "jwk", jwks[name]), f.proofClaims(now, bound), "ES256", client),
            { accessToken: bound }
        );
    }

    const extras: Record<string, string> = {
        "J36 crit": '"crit":["x"],"x":1',
        "J36 crit empty": '"crit":[]',
        "b64 true": '"b64":true',
        zip: '"zip":"DEF"',
        enc: '"enc":"A256GCM"',
        "J21 jku": '"jku":"https://evil.example"',
        "J21 x5u": '"x5u":"https://evil.example"',
        "J40 unknown": '"foo":"bar"',
        kid: '"kid":"x"',
        "duplicate typ": '"typ":"dpop+jwt"',
        "duplicate alg": '"alg":"ES256"',
        "duplicate jwk": `"jwk":${JSON.stringify(jwk)}`
    };
    for (const [name, text] of Object.entries(extras)) {
        add(`proof/header/extra/${name}`, withHeader(withTextAfter(f.proofHeader(), text)));
    }
    const members: Record<string, (claims: Record<string, unknown>) => string> = {
        "J35 duplicate htu": claims => `"htu":${JSON.stringify(claims["htu"])}`,
        "J35 duplicate ath": claims => `"ath":${JSON.stringify(claims["ath"])}`,
        "J35 duplicate jti": () => `"jti":"${randomUUID()}"`,
        "J35 duplicate iat": claims => `"iat":${String(claims["iat"])}`,
        "J40 unknown": () => '"foo":"bar"',
        "J31 exp ahead": () => `"exp":${now + 60}`,
        "J31 exp past": () => `"exp":${now - 1}`,
        "J31 exp now": () => `"exp":${now}`,
        "J31 nbf ahead": () => `"nbf":${now + 30}`,
        "J31 nbf past": () => `"nbf":${now - 30}`,
        "M09 nonce": () => '"nonce":"abc"',
        "D18 duplicate in a nested object": () => '"x":{"a":1,"a":2}'
    };
    for (const [name, text] of Object.entries(members)) {
        const claims = fresh();
        add(`proof/payload/${name}`, withPayload(withTextAfter(claims, text(claims))));
    }

    // --- The window (J28, J29).
    for (const offset of [-3600, -42, -41, -40, -39, -1, 0, 1, 2, 3, 4, 5, 3600]) {
        add(`proof/window/${offset}`, f.proof(now, token, { iat: now + offset }));
    }
    add("proof/window/fraction at the past edge", f.proof(now, token, { iat: now - 40.5 }));
    add("proof/window/fraction at the future edge", f.proof(now, token, { iat: now + 3.5 }));
    add("proof/window/in milliseconds", f.proof(now, token, { iat: now * 1000 }));

    // --- ath (J32, J33).
    const other = f.boundToken(now, { jti: "token-2" });
    const aths: Record<string, string> = {
        "J32 of another token": athOf(other),
        "J33 padded": `${athOf(token)}=`,
        "J33 hex": Buffer.from(athOf(token), "base64url").toString("hex"),
        "J33 with scheme": athOf(`DPoP ${token}`),
        "upper case": athOf(token).toUpperCase(),
        "trailing bits": trailingBitTwin(athOf(token))
    };
    for (const [name, ath] of Object.entries(aths)) {
        add(`proof/ath/${name}`, f.proof(now, token, { ath: mutated(athOf(token), ath) }));
    }

    // --- jti.
    add("proof/jti/256 bytes", f.proof(now, token, { jti: `${randomUUID()}${"j".repeat(220)}` }));
    add("proof/jti/257 bytes", f.proof(now, token, { jti: `${randomUUID()}${"j".repeat(221)}` }));
    add("proof/jti/not ASCII", f.proof(now, token, { jti: `${randomUUID()} é 😀` }));

    // --- htm and htu against what is expected (K01, K02, K06 to K35).
    for (const htm of ["get", "Get", "POST", "GET ", "", "HEAD"]) {
        add(`proof/htm/${htm}`, f.proof(now, token, { htm }));
    }
    add("proof/htm/lower case expected", f.proof(now, token), { expectedHtm: "get" });
    add("proof/htm/not expected but there", f.proof(now, token), { expectedHtm: undefined });
    add("proof/htu/not expected but there", f.proof(now, token), { expectedHtu: undefined });
    for (const [name, json] of Object.entries(JSON_VALUES)) {
        const notExpected = { expectedHtm: undefined, expectedHtu: undefined };
        const claims = { ...fresh(), htm: undefined };
        add(`proof/nothing expected/htu ${name}`, withPayload(withMember(claims, "htu", json)), notExpected);
        const others = { ...fresh(), htu: undefined };
        add(`proof/nothing expected/htm ${name}`, withPayload(withMember(others, "htm", json)), notExpected);
    }
    const htus: Record<string, string> = {
        "K07 upper case scheme and host": "HTTPS://API.EXAMPLE.COM/v1/items",
        "K08 default port": "https://api.example.com:443/v1/items",
        "K09 empty port": "https://api.example.com:/v1/items",
        "K10 port with zero": "https://api.example.com:0443/v1/items",
        "K11 other port": "https://api.example.com:8443/v1/items",
        "K11 other scheme": "http://api.example.com/v1/items",
        "K13 trailing slash": `${ITEMS}/`,
        "K14 double slash": "https://api.example.com/v1//items",
        "K15 path in upper case": "https://api.example.com/V1/items",
        "K16 encoded unreserved": "https://api.example.com/v1/%69tems",
        "K18 encoded slash": "https://api.example.com/v1%2Fitems",
        "K20 double encoding": "https://api.example.com/v1/%2569tems",
        "K21 malformed percent": "https://api.example.com/v1/items%",
        "K22 dot segments": "https://api.example.com/v1/./x/../items",
        "K25 query": `${ITEMS}?x=1`,
        "K26 fragment": `${ITEMS}#f`,
        "K27 userinfo": "https://u:p@api.example.com/v1/items",
        "K28 backslash": "https://api.example.com\\v1\\items",
        "K28 tab": "https://api.example.com/v1/\titems",
        "K28 space after": `${ITEMS} `,
        "K29 relative": "/v1/items",
        "K29 scheme-relative": "//api.example.com/v1/items",
        "K33 trailing dot": "https://api.example.com./v1/items",
        "other host": "https://evil.example/v1/items",
        "K35 long": `${ITEMS}/${"x".repeat(7_000)}`
    };
    for (const [name, htu] of Object.entries(htus)) {
        add(`proof/htu/${name}`, f.proof(now, token, { htu }));
        // The other way round: the same text on both sides, as an application that passes it would see.
        add(`proof/htu/expected too/${name}`, f.proof(now, token, { htu }), { expectedHtu: htu });
    }
    add("proof/htu/K12 empty path", f.proof(now, token, { htu: "https://api.example.com" }), {
        expectedHtu: "https://api.example.com/"
    });
    add("proof/htu/loopback", f.proof(now, token, { htu: "http://127.0.0.1:3000/x" }), {
        expectedHtu: "http://127.0.0.1:3000/x"
    });

    // --- Compact serialisation. Each from a proof of its own: what one case leaves behind is no reason in another.
    const compact: Record<string, (proof: string, h: string, p: string, s: string) => string> = {
        empty: () => "",
        "J03 two parts": (_, h, p) => `${h}.${p}`,
        "J03 empty signature": (_, h, p) => `${h}.${p}.`,
        "four parts": proof => `${proof}.AA`,
        "J02 two proofs": proof => `${proof}, ${untouched()}`,
        "J02 two proofs without a space": proof => `${proof},${untouched()}`,
        "J02 proof and rubbish": proof => `${proof}, x`,
        "J02 rubbish and proof": proof => `x, ${proof}`,
        padding: proof => `${proof}==`,
        "J23 signature tampered": (_, h, p) => `${h}.${p}.${b64u(Buffer.alloc(64, 1))}`,
        "J23 zeros": (_, h, p) => `${h}.${p}.${b64u(Buffer.alloc(64))}`,
        "L09 trailing bits of the signature": (_, h, p, s) => `${h}.${p}.${trailingBitTwin(s)}`,
        "space before": proof => ` ${proof}`,
        "space after": proof => `${proof} `,
        "payload not an object": () => withPayload("[]"),
        "payload not JSON": () => withPayload("x"),
        "header not an object": () => jws("[]", fresh(), "ES256", client),
        "header not JSON": () => jws("x", fresh(), "ES256", client),
        "J39 the access token": () => token,
        "J39 a token of the issuer that holds everything": () =>
            jws({ ...tokenHeader("ES256"), jwk }, { ...f.claims(now), ...fresh() }, "ES256", f.keyOf("ES256"))
    };
    for (const [name, mutate] of Object.entries(compact)) {
        const proof = untouched();
        const [h, p, s] = proof.split(".") as [string, string, string];
        add(`proof/compact/${name}`, mutated(proof, mutate(proof, h, p, s)));
    }
    const [h] = untouched().split(".") as [string];
    add("proof/compact/J04 over the limit", f.proof(now, token, { x: "a".repeat(6_500) }));
    add("proof/compact/J04 just under the limit", f.proof(now, token, { x: "a".repeat(5_300) }));
    const signedTwice = jws(f.proofHeader(), fresh(), "ES256", newKey("P-256"));
    add("proof/compact/J22 signed by another key", signedTwice);
    let spaced = JSON.stringify(fresh());
    while (b64u(spaced).length % 4 === 0) {
        spaced += " ";
    }
    add(
        "proof/compact/J38 trailing bits of the payload",
        signParts(h, trailingBitTwin(b64u(spaced)), "ES256", client)
    );

    // --- Binding (N01 to N18).
    const stranger = newKey("P-256");
    const byStranger = (key: Key, accessToken: string): string =>
        jws(
            { typ: "dpop+jwt", alg: "ES256", jwk: publicMembers(key.publicJwk) },
            f.proofClaims(now, accessToken),
            "ES256",
            key
        );
    add("proof/binding/N05 key of another", byStranger(stranger, token));
    const confirmations: Record<string, unknown> = {
        unbound: undefined,
        "N06 jkt padded": { jkt: `${f.jkt}=` },
        "N06 jkt upper case": { jkt: f.jkt.toUpperCase() },
        "N07 jkt number": { jkt: 1 },
        "N07 jkt null": { jkt: null },
        "N07 jkt empty": { jkt: "" },
        "N07 jkt array": { jkt: [f.jkt] },
        "N07 cnf string": f.jkt,
        "N07 cnf array": [f.jkt],
        "N08 cnf empty": {},
        "N11 certificate only": { "x5t#S256": "bwcK0esc3ACC3DB2Y5_lESsXE8o9ltc05O89jdN-dg0" },
        "N14 jkt and certificate": { jkt: f.jkt, "x5t#S256": "bwcK0esc3ACC3DB2Y5_lESsXE8o9ltc05O89jdN-dg0" },
        "jkt and an unknown member": { jkt: f.jkt, x: 1 }
    };
    for (const [name, cnf] of Object.entries(confirmations)) {
        const bound = f.token(now, { cnf });
        add(`proof/binding/${name}`, f.proof(now, bound), { accessToken: bound });
    }
    const expired = f.boundToken(now, { exp: now - 1 });
    add("proof/binding/expired token", f.proof(now, expired), { accessToken: expired });
    const forOther = f.boundToken(now, { aud: "https://other.example.com" });
    add("proof/binding/wrong audience", f.proof(now, forOther), { accessToken: forOther });
    const tampered = `${token.slice(0, -4)}${token.endsWith("AAAA") ? "BBBB" : "AAAA"}`;
    add("proof/binding/tampered token", f.proof(now, tampered), { accessToken: tampered });
    add("proof/binding/token by the client's key", f.proof(now, token), {
        accessToken: jws(
            { ...tokenHeader("ES256"), kid: kidOf("ES256") },
            f.claims(now, { cnf: { jkt: f.jkt } }),
            "ES256",
            client
        )
    });
    add("proof/binding/J39 the proof as token", untouched(), { accessToken: untouched() });

    // --- Replay (L01, L06, L09, L12, L13).
    const once = untouched();
    add("proof/replay/L01 the same proof", once, {}, { before: [params(once)] });
    const jti = randomUUID();
    add(
        "proof/replay/L06 the same jti",
        f.proof(now, token, { jti, iat: now - 1 }),
        {},
        {
            before: [params(f.proof(now, token, { jti }))]
        }
    );
    const malleable = untouched();
    const [mh, mp, ms] = malleable.split(".") as [string, string, string];
    add(
        "proof/replay/L09 other spelling of the signature",
        `${mh}.${mp}.${trailingBitTwin(ms)}`,
        {},
        {
            before: [params(malleable)]
        }
    );
    const retried = f.proofClaims(now, token);
    add(
        "proof/replay/L13 a refused proof is not burned",
        jws(f.proofHeader(), retried, "ES256", client),
        {},
        {
            before: [params(jws(f.proofHeader(), { ...retried, ath: athOf("x") }, "ES256", client))]
        }
    );
    const sameJti = randomUUID();
    const second = newKey("P-256");
    const boundToSecond = f.boundToken(now, { cnf: { jkt: second.thumbprint } });
    add(
        "proof/replay/L07 the same jti by another key",
        jws(
            { typ: "dpop+jwt", alg: "ES256", jwk: publicMembers(second.publicJwk) },
            f.proofClaims(now, boundToSecond, { jti: sameJti }),
            "ES256",
            second
        ),
        { accessToken: boundToSecond },
        { before: [params(f.proof(now, token, { jti: sameJti }))] }
    );

    // --- A bound token as Bearer.
    cases.push({ id: "proof/binding/N01 as Bearer", params: bearer(token), twin: bearer(f.token(now)) });

    return cases;
}
