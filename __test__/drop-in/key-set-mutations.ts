// JWK Sets, each with one thing changed, and a token that the set may or may not verify.

import { AUDIENCE } from "../support/fixtures.js";
import { b64u, jws, newKey, trailingBitTwin, type Alg, type Jwk, type Key } from "../support/jwt.js";

export interface KeySetCase {
    readonly id: string;
    readonly keys: readonly unknown[];
    readonly token: (issuerUri: string) => string;
}

export function keySetCases(now: number): KeySetCase[] {
    const cases: KeySetCase[] = [];
    const rsa = newKey("rsa");
    const rsa2 = newKey("rsa");
    const ec = newKey("P-256");
    const ed = newKey("Ed25519");

    const signed =
        (key: Key, alg: Alg, kid = "k") =>
        (issuerUri: string): string =>
            jws(
                { alg, typ: "at+jwt", kid },
                { iss: issuerUri, sub: "user-1", aud: AUDIENCE, iat: now - 10, exp: now + 600 },
                alg,
                key
            );
    const add = (id: string, keys: readonly unknown[], token: (issuerUri: string) => string): void => {
        cases.push({ id: `keys/${id}`, keys, token });
    };
    const ecJwk: Jwk = { ...ec.publicJwk, kid: "k" };
    const rsaJwk: Jwk = { ...rsa.publicJwk, kid: "k" };
    const byEc = signed(ec, "ES256");
    const byRsa = signed(rsa, "RS256");

    add("EC", [ecJwk], byEc);
    add("RSA", [rsaJwk], byRsa);
    add("A29 RSA without alg, PS384", [rsaJwk], signed(rsa, "PS384"));
    add("A17 RSA with alg RS256, PS256", [{ ...rsaJwk, alg: "RS256" }], signed(rsa, "PS256"));
    add("A18 RSA with alg PS256, RS256", [{ ...rsaJwk, alg: "PS256" }], byRsa);
    add("A19 RSA with alg RS256, RS512", [{ ...rsaJwk, alg: "RS256" }], signed(rsa, "RS512"));
    add("alg the same", [{ ...ecJwk, alg: "ES256" }], byEc);
    add("A22 alg misspelt", [{ ...ecJwk, alg: "ES265" }], byEc);
    add("alg of another curve", [{ ...ecJwk, alg: "ES384" }], byEc);
    add("alg null", [{ ...ecJwk, alg: null }], byEc);
    add("use sig", [{ ...ecJwk, use: "sig" }], byEc);
    add("G03 use enc", [{ ...ecJwk, use: "enc" }], byEc);
    add(
        "G03 use enc beside a good key",
        [
            { ...rsaJwk, kid: "other" },
            { ...ecJwk, use: "enc" }
        ],
        byEc
    );
    add("use unknown", [{ ...ecJwk, use: "x" }], byEc);
    add("use null", [{ ...ecJwk, use: null }], byEc);
    add("key_ops verify", [{ ...ecJwk, key_ops: ["verify"] }], byEc);
    add("G04 key_ops sign", [{ ...ecJwk, key_ops: ["sign"] }], byEc);
    add("G04 key_ops encrypt", [{ ...ecJwk, key_ops: ["encrypt"] }], byEc);
    add("G05 use sig and key_ops encrypt", [{ ...ecJwk, use: "sig", key_ops: ["encrypt"] }], byEc);
    add("key_ops empty", [{ ...ecJwk, key_ops: [] }], byEc);
    add("G17 duplicate kid of different types", [ecJwk, rsaJwk], byEc);
    add("G17 duplicate kid of different types, RSA", [ecJwk, rsaJwk], byRsa);
    add("G18 duplicate kid of one type, the first", [rsaJwk, { ...rsa2.publicJwk, kid: "k" }], byRsa);
    add("G18 duplicate kid of one type, the second", [{ ...rsa2.publicJwk, kid: "k" }, rsaJwk], byRsa);
    add("G18 the same key twice", [rsaJwk, rsaJwk], byRsa);
    add(
        "duplicate kid told apart by alg",
        [
            { ...rsa2.publicJwk, kid: "k", alg: "PS256" },
            { ...rsaJwk, alg: "RS256" }
        ],
        byRsa
    );
    add(
        "F24 signed by another key of the set",
        [ecJwk, { ...rsaJwk, kid: "other" }],
        signed(newKey("P-256"), "ES256")
    );
    add("kid unknown", [ecJwk], signed(ec, "ES256", "other"));
    add("G19 kid absent", [ec.publicJwk], byEc);
    add("G19 kid absent beside a good key", [rsa.publicJwk, ecJwk], byEc);
    add("kid empty", [{ ...ecJwk, kid: "" }], byEc);
    add("kid empty beside a good key", [{ ...rsaJwk, kid: "" }, ecJwk], byEc);
    add("kid number beside a good key", [{ ...rsaJwk, kid: 1 }, ecJwk], byEc);
    add("G20 broken key beside a good one", [{ kty: "RSA", kid: "b", n: "!", e: "AQAB" }, ecJwk], byEc);
    add("G21 unknown kty beside a good one", [{ kty: "AKP", kid: "a", pub: "AAAA" }, ecJwk], byEc);
    add("kty absent beside a good one", [{ kid: "a" }, ecJwk], byEc);
    add("G21 unknown curve beside a good one", [{ ...ecJwk, kid: "b", crv: "BLS" }, ecJwk], byEc);
    add("G01 symmetric key beside a good one", [{ kty: "oct", kid: "s", k: "AAAA" }, ecJwk], byEc);
    add("entry null beside a good one", [null, ecJwk], byEc);
    add("entry string beside a good one", ["x", ecJwk], byEc);
    add("G02 private key", [{ ...ec.privateJwk, kid: "k" }], byEc);
    add("G02 private RSA key", [{ ...rsa.privateJwk, kid: "k" }], byRsa);
    const small = newKey("rsa", 1024);
    add("G09 RSA 1024", [{ ...small.publicJwk, kid: "k" }], signed(small, "RS256"));
    add("G09 RSA 1024 beside a good one", [{ ...small.publicJwk, kid: "s" }, ecJwk], byEc);
    const large = newKey("rsa", 4096);
    add("RSA 4096", [{ ...large.publicJwk, kid: "k" }], signed(large, "PS512"));
    add(
        "G14 n with a leading zero",
        [
            {
                ...rsaJwk,
                n: b64u(
                    Buffer.concat([Buffer.alloc(1), Buffer.from(String(rsa.publicJwk["n"]), "base64url")])
                )
            }
        ],
        byRsa
    );
    add("G15 n padded", [{ ...rsaJwk, n: `${String(rsa.publicJwk["n"])}==` }], byRsa);
    add("G15 x padded", [{ ...ecJwk, x: `${String(ec.publicJwk["x"])}=` }], byEc);
    add("J18 x with trailing bits", [{ ...ecJwk, x: trailingBitTwin(String(ec.publicJwk["x"])) }], byEc);
    add("F08 not on the curve", [{ ...ecJwk, y: ec.publicJwk["x"] }], byEc);
    add(
        "F12 zero before x",
        [
            {
                ...ecJwk,
                x: b64u(Buffer.concat([Buffer.alloc(1), Buffer.from(String(ec.publicJwk["x"]), "base64url")]))
            }
        ],
        byEc
    );
    add("RSA exponent 3 in the place of its own", [{ ...rsaJwk, e: "Aw" }], byRsa);
    add("RSA exponent 1", [{ ...rsaJwk, e: "AQ" }], byRsa);
    add(
        "Ed25519",
        [
            { ...ed.publicJwk, kid: "k" },
            { ...rsaJwk, kid: "r" }
        ],
        signed(ed, "EdDSA")
    );
    add("Ed25519 alone", [{ ...ed.publicJwk, kid: "k" }], signed(ed, "Ed25519"));
    add("G26 x5c that says something else", [{ ...ecJwk, x5c: ["AAAA"] }], byEc);
    add("G27 unknown members", [{ ...ecJwk, foo: { bar: 1 } }], byEc);
    add("G23 no keys", [], byEc);
    add("G25 only unusable keys", [{ kty: "oct", kid: "s", k: "AAAA" }], byEc);
    return cases;
}
