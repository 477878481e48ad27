// DPoP proofs: the checks of RFC 9449 section 4.3, and the URI that a proof is for.

import { createHash, createHmac } from "node:crypto";
import { privateJwk, publicJwk, thumbprintOf } from "./keys.mjs";
import { ath, HTU, json, NOW } from "./making.mjs";
import { b64u } from "./signing.mjs";

const PROOF = "rfc9449/good/B2.22-proof";
const CLIENT = publicJwk("client");
const raw = text => Buffer.from(text, "base64url");

/** What names another method or URI is refused as such, and what names none. */
const ABSENT = { htm: "proof_method_mismatch", htu: "proof_uri_mismatch" };

export function proofs(collector) {
    const { refuses, refusesProof, grantsProof } = collector.topic("proof", "proof-validation");
    const good = PROOF;
    const bad = (...rest) => refusesProof("proof_malformed", ...rest);
    const header = (id, slug, title, changes, code = "proof_malformed") =>
        refusesProof(code, id, slug, title, () => ({ header: changes }));
    const claims = (id, slug, title, changes, code = "proof_malformed") =>
        refusesProof(code, id, slug, title, () => ({ claims: changes }));
    refuses("proof_missing", ["J01", "B2.20", "B2.22"], "none", "No proof", s => s.dpop(s.bound(), []), {
        good
    });
    const two = make => s => {
        const token = s.bound();
        return s.dpop(token, make(s, token));
    };
    refuses(
        "proof_repeated",
        ["J02", "B2.6", "B4.6"],
        "two",
        "Two good proofs",
        two((s, token) => [s.proof(token), s.proof(token)]),
        { good }
    );
    refuses(
        "proof_repeated",
        ["J02", "B2.6"],
        "good-and-bad",
        "A good proof and a bad one",
        two((s, token) => [s.proof(token), "x"]),
        { good }
    );
    refuses(
        "proof_repeated",
        ["J02", "B2.6", "B4.6"],
        "joined",
        "Two good proofs in one field",
        two((s, token) => `${s.proof(token)}, ${s.proof(token)}`),
        { good }
    );
    for (const [slug, proof] of Object.entries({
        word: "x",
        "two-parts": "a.b",
        empty: "",
        "three-words": "a.b.c"
    })) {
        refuses(
            "proof_malformed",
            ["J03", "B2.7"],
            slug,
            "A proof that is no JWS",
            two(() => proof),
            { good }
        );
    }
    bad("J04", "too-long", "A proof longer than 8 KiB", () => ({ claims: { name: "x".repeat(8_200) } }));
    for (const [slug, typ] of Object.entries({
        jwt: "JWT",
        at: "at+jwt",
        absent: undefined,
        other: "dpop+jwt;v=1",
        list: ["dpop+jwt"]
    })) {
        header(["J05", "B2.9", "B2.45"], slug, "Another typ than dpop+jwt", { typ });
    }
    for (const typ of ["DPOP+JWT", "application/dpop+jwt"]) {
        grantsProof("J06", typ.replace("/", "-"), `typ is ${typ}`, () => ({ header: { typ } }));
    }
    header(["J07", "B2.2", "B2.10"], "none", "alg none", { alg: "none" }, "proof_algorithm_not_allowed");
    refusesProof(
        "proof_algorithm_not_allowed",
        ["J07", "B2.2", "B2.10"],
        "hmac",
        "An HMAC, with its secret in the header",
        () => ({
            header: { alg: "HS256", jwk: { kty: "oct", k: "AAAA" } },
            sign: (_make, input) => createHmac("sha256", Buffer.alloc(3)).update(input).digest()
        })
    );
    header(["J09", "B2.11"], "other-alg", "alg of another type of key", { alg: "RS256" });
    const bound = (jwk, changes) => s => {
        const token = s.token({ claims: { cnf: { jkt: thumbprintOf(jwk) } } });
        return s.dpop(token, s.proof(token, { ...changes, header: { jwk, ...changes.header } }));
    };
    refuses(
        "proof_malformed",
        "J09",
        "p384",
        "ES256 with a key of P-384",
        bound(publicJwk("client-p384"), {}),
        { good }
    );
    const identity = { kty: "OKP", crv: "Ed25519", x: "AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA" };
    const forged = Buffer.concat([Buffer.from(identity.x, "base64url"), Buffer.alloc(32)]);
    refuses(
        "proof_malformed",
        "F14",
        "small-order",
        "A key of Ed25519 of small order, and a signature that it takes for any text",
        bound(identity, { header: { alg: "EdDSA" }, sign: () => forged }),
        { good }
    );
    for (const [slug, jwk] of Object.entries({
        absent: undefined,
        null: null,
        list: [],
        text: "x",
        empty: {}
    })) {
        header(["J10", "B2.2"], slug, "There is no key in the proof", { jwk });
    }
    for (const member of ["d", "p", "q", "dp", "dq", "qi", "oth", "k"]) {
        header(["J11", "B2.2", "B2.12"], `private-${member}`, `The private member ${member} in the key`, {
            jwk: { ...CLIENT, [member]: member === "d" ? privateJwk("client").d : "AA" }
        });
    }
    header(["J12", "B2.12"], "private-null", "d is null", { jwk: { ...CLIENT, d: null } });
    header(["J12", "B2.12"], "private-empty", "d is empty", { jwk: { ...CLIENT, d: "" } });
    proofKeys(header, grantsProof);
    refusesProof("proof_signature_invalid", ["J22", "B2.11"], "other-key", "Another key signed", () => ({
        sign: (make, input) => make(input, "client-2", "ES256")
    }));
    refusesProof("proof_signature_invalid", ["J23", "B2.11"], "zeros", "A signature of zeros", () => ({
        sign: () => Buffer.alloc(64)
    }));
    refusesProof("proof_signature_invalid", "J23", "changed", "A signature with a bit changed", () => ({
        sign: make => make().map((byte, i) => (i === 40 ? byte ^ 1 : byte))
    }));
    for (const name of ["jti", "htm", "htu", "iat", "ath"]) {
        claims(
            ["J24", "B2.3", "B2.8", ...(name === "ath" ? ["B2.17"] : [])],
            `no-${name}`,
            `There is no ${name}`,
            { [name]: undefined },
            ABSENT[name]
        );
    }
    proofClaims(claims, refusesProof, grantsProof);
    for (const [key, alg] of [
        ["client-ed", "EdDSA"],
        ["client-ed", "Ed25519"],
        ["client-rsa", "RS256"],
        ["client-rsa", "PS256"]
    ]) {
        collector.topic("proof", "proof-validation").grants(
            ["B2.10", "B6.19"],
            `by-${key}-${alg.toLowerCase()}`,
            `A proof by ${alg}`,
            s => {
                const token = s.bound({}, key);
                return s.dpop(token, s.proof(token, { by: [key, alg] }));
            },
            { clause: "RFC 9449 section 4.3, check 5" }
        );
    }
}

function proofKeys(header, grantsProof) {
    header("J13", "alg", "The key is for another algorithm", { jwk: { ...CLIENT, alg: "ES384" } });
    header("J14", "use", "The key is for encryption", { jwk: { ...CLIENT, use: "enc" } });
    header("J14", "key-ops", "The key may not verify", { jwk: { ...CLIENT, key_ops: ["sign"] } });
    grantsProof("J15", "web-crypto", "A key as WebCrypto writes it", () => ({
        header: { jwk: { ...CLIENT, key_ops: ["verify"], ext: true, kid: "k" } }
    }));
    grantsProof(["J16", "B6.19"], "further", "Further members change nothing", () => ({
        header: { jwk: { ...CLIENT, foo: 1 } }
    }));
    const x = raw(CLIENT.x);
    header("J17", "twice", "A member of the key twice", {
        jwk: json(`{"kty":"EC","crv":"P-256","x":"${CLIENT.x}","x":"${CLIENT.x}","y":"${CLIENT.y}"}`)
    });
    header(["J18", "B6.17", "B6.19"], "padding", "A coordinate with padding", {
        jwk: { ...CLIENT, x: `${CLIENT.x}=` }
    });
    header(["J18", "B6.17", "B6.19"], "zero", "A coordinate with a zero in front", {
        jwk: { ...CLIENT, x: b64u(Buffer.concat([Buffer.alloc(1), x])) }
    });
    header(["J19", "B6.15"], "weak", "A key of RSA of 1024 bits", {
        alg: "RS256",
        jwk: publicJwk("weak-rsa")
    });
    grantsProof(["J21", "B5.10"], "jku", "Links to keys are not followed", () => ({
        header: { jku: "https://evil.example/", x5u: "https://evil.example/" }
    }));
}

function proofClaims(claims, refusesProof, grantsProof) {
    for (const [slug, changes] of Object.entries({
        "jti-number": { jti: 1 },
        "jti-empty": { jti: "" },
        "iat-text": { iat: String(NOW) },
        "iat-null": { iat: null },
        "ath-number": { ath: 1 }
    })) {
        claims(["J27", "B2.8"], slug, "A claim of another type", changes);
    }
    claims(["B2.40", "J27"], "jti-long", "A jti of 300 characters", { jti: "x".repeat(300) });
    const at = (id, slug, title, iat, code) =>
        code === undefined
            ? grantsProof(id, slug, title, () => ({ claims: { iat } }))
            : claims(id, slug, title, { iat }, code);
    at(["J28", "B2.16", "B2.38"], "oldest", "The oldest proof", NOW - 40);
    at(["J28", "B2.16", "B2.38"], "older", "A second older", NOW - 41, "proof_stale");
    at(["J28", "B2.16", "B2.38"], "an-hour-old", "An hour old", NOW - 3600, "proof_stale");
    at(["J29", "B2.16", "B2.41"], "farthest", "Three seconds ahead", NOW + 3);
    at(
        ["J29", "B2.16", "B2.41", "B12.3"],
        "farther",
        "Eleven seconds ahead",
        NOW + 11,
        "proof_not_yet_valid"
    );
    at(["J29", "B2.16"], "an-hour-ahead", "An hour ahead", NOW + 3600, "proof_not_yet_valid");
    claims("J31", "exp", "exp of the proof is over", { exp: NOW - 60 }, "proof_stale");
    claims("J31", "nbf", "nbf of the proof lies ahead", { nbf: NOW + 60 }, "proof_not_yet_valid");
    const digest = (hash, encoding) => token => createHash(hash).update(token).digest(encoding);
    const hashes = {
        "of-another-token": token => ath(`${token}x`),
        "of-the-field": token => ath(`DPoP ${token}`),
        hexadecimal: digest("sha256", "hex"),
        padded: token => `${ath(token)}=`,
        "sha-512": digest("sha512", "base64url")
    };
    for (const [slug, hash] of Object.entries(hashes)) {
        const id = slug === "of-another-token" ? "J32" : "J33";
        refusesProof(
            "proof_token_mismatch",
            [id, "B2.4", "B2.17", "B2.46"],
            slug,
            "ath is another hash",
            s => ({ claims: { ath: hash(s.bound()) } })
        );
    }
    for (const [name, value] of [
        ["htu", HTU],
        ["jti", "x"],
        ["iat", NOW]
    ]) {
        refusesProof("proof_malformed", ["J35", "B6.2"], `${name}-twice`, `${name} twice`, () => ({
            alsoClaims: [[name, JSON.stringify(value)]]
        }));
    }
    refusesProof("proof_malformed", ["J36", "B2.5", "B6.4"], "crit", "crit in the proof", () => ({
        header: { crit: ["x"], x: 1 }
    }));
    refusesProof(
        "proof_malformed",
        ["J38", "B6.1"],
        "stray-bits",
        "Unused bits of the signature are set",
        () => ({ after: text => text.slice(0, -1) + { A: "B", Q: "R", g: "h", w: "x" }[text.at(-1)] })
    );
    refusesProof("proof_malformed", ["J39", "B2.45"], "token-as-proof", "The token as its own proof", () => ({
        header: { typ: "at+jwt" }
    }));
    grantsProof(["J40", "B2.5"], "further", "Further claims and members", () => ({
        header: { foo: 1 },
        claims: { foo: "bar" }
    }));
}
