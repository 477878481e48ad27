// Signatures that come out the same each time, so that the vectors can be made anew and compared to the byte: ECDSA by
// RFC 6979, RSA-PSS with a salt that is derived from the message.

import {
    constants,
    createECDH,
    createHash,
    createHmac,
    createPrivateKey,
    privateEncrypt,
    sign
} from "node:crypto";

/** For each curve: its name in `node:crypto`, its order, bytes of a coordinate. */
const CURVES = {
    "P-256": ["prime256v1", "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551", 32],
    "P-384": [
        "secp384r1",
        "ffffffffffffffffffffffffffffffffffffffffffffffffc7634d81f4372ddf581a0db248b0a77aecec196accc52973",
        48
    ],
    "P-521": [
        "secp521r1",
        `01${"f".repeat(64)}fa51868783bf2f966b7fcc0148f709a5d03bb5c9b8899c47aebb6fb71e91386409`,
        66
    ]
};

export const b64u = bytes => Buffer.from(bytes).toString("base64url");
export const sha256 = data => createHash("sha256").update(data).digest();

const bigint = bytes => BigInt(`0x${Buffer.from(bytes).toString("hex") || "0"}`);
const bytesOf = (number, length) => Buffer.from(number.toString(16).padStart(2 * length, "0"), "hex");
const hashOf = alg => `sha${alg.slice(2)}`;

/** The order of a curve, as a number. */
export const orderOf = crv => BigInt(`0x${CURVES[crv][1]}`);

/** Signs as `alg` says, whatever key it is, where that can be done at all. */
export function signatureOf(input, jwk, alg) {
    switch (alg.slice(0, 2)) {
        case "RS":
            return sign(hashOf(alg), input, { key: jwk, format: "jwk" });
        case "PS":
            return pss(input, jwk, hashOf(alg));
        case "ES":
            return ecdsa(input, jwk, hashOf(alg));
        default:
            return sign(null, input, { key: jwk, format: "jwk" });
    }
}

/** RFC 6979 section 3.2, with the curve's multiplication from `node:crypto`. */
function ecdsa(input, jwk, hash) {
    const [curve, , length] = CURVES[jwk.crv];
    const n = orderOf(jwk.crv);
    const d = bigint(Buffer.from(jwk.d, "base64url"));
    const z = leftmostBits(createHash(hash).update(input).digest(), n);
    const point = createECDH(curve);
    for (const k of candidates(d, z % n, n, length, hash)) {
        point.setPrivateKey(bytesOf(k, length));
        const r = bigint(point.getPublicKey().subarray(1, 1 + length)) % n;
        const s = (inverse(k, n) * ((z + r * d) % n)) % n;
        if (r !== 0n && s !== 0n) {
            return Buffer.concat([bytesOf(r, length), bytesOf(s, length)]);
        }
    }
}

function leftmostBits(digest, n) {
    const excess = BigInt(Math.max(0, digest.length * 8 - n.toString(2).length));
    return bigint(digest) >> excess;
}

function* candidates(d, z, n, length, hash) {
    const mac = (key, ...parts) => parts.reduce((h, part) => h.update(part), createHmac(hash, key)).digest();
    const size = createHash(hash).digest().length;
    const seed = [bytesOf(d, length), bytesOf(z, length)];
    let v = Buffer.alloc(size, 1);
    let key = Buffer.alloc(size, 0);
    for (const separator of [0, 1]) {
        key = mac(key, v, Buffer.of(separator), ...seed);
        v = mac(key, v);
    }
    for (;;) {
        let text = Buffer.alloc(0);
        while (text.length < length) {
            v = mac(key, v);
            text = Buffer.concat([text, v]);
        }
        const k = leftmostBits(text, n);
        if (k > 0n && k < n) {
            yield k;
        }
        key = mac(key, v, Buffer.of(0));
        v = mac(key, v);
    }
}

function inverse(a, n) {
    let [r0, r1, t0, t1] = [n, a % n, 0n, 1n];
    while (r1 !== 0n) {
        const quotient = r0 / r1;
        [r0, r1] = [r1, r0 - quotient * r1];
        [t0, t1] = [t1, t0 - quotient * t1];
    }
    return ((t0 % n) + n) % n;
}

/**
 * RFC 8017 section 8.1.1, with the private operation from `node:crypto`. `saltLength` is that of the hash by default; `salted`
 * chooses among the salts.
 */
export function pss(
    input,
    jwk,
    hash,
    saltLength = createHash(hash).digest().length,
    maskHash = hash,
    salted = "salt"
) {
    const digest = data => createHash(hash).update(data).digest();
    const key = createPrivateKey({ key: jwk, format: "jwk" });
    const bytes = Buffer.from(jwk.n, "base64url").length;
    const salt = Buffer.alloc(saltLength, digest(Buffer.concat([Buffer.from(salted), Buffer.from(input)])));
    const h = digest(Buffer.concat([Buffer.alloc(8), digest(input), salt]));
    const block = Buffer.concat([Buffer.alloc(bytes - salt.length - h.length - 2), Buffer.of(1), salt]);
    const mask = maskOf(h, block.length, maskHash);
    const masked = block.map((byte, i) => byte ^ mask[i]);
    masked[0] &= 0x7f;
    const encoded = Buffer.concat([masked, h, Buffer.of(0xbc)]);
    return privateEncrypt({ key, padding: constants.RSA_NO_PADDING }, encoded);
}

/** One of PSS with SHA-256 that begins with a zero: one salt in 256 makes such a one. */
export function pssThatBeginsWithZero(input, jwk) {
    for (let i = 0; ; i++) {
        const signature = pss(input, jwk, "sha256", 32, "sha256", `salt ${i}`);
        if (signature[0] === 0) {
            return signature;
        }
    }
}

function maskOf(seed, length, hash) {
    const parts = [];
    for (let i = 0, made = 0; made < length; i++) {
        const counter = Buffer.alloc(4);
        counter.writeUInt32BE(i);
        const part = createHash(hash).update(seed).update(counter).digest();
        parts.push(part);
        made += part.length;
    }
    return Buffer.concat(parts).subarray(0, length);
}

/** The other signature that means the same: RFC 7518 has no rule about which of the two it is. */
export function otherSignature(signature, crv) {
    const length = CURVES[crv][2];
    const s = orderOf(crv) - bigint(signature.subarray(length));
    return Buffer.concat([signature.subarray(0, length), bytesOf(s, length)]);
}

/** A number in so many bytes. */
export const numberBytes = bytesOf;
