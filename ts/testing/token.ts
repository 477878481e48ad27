/**
 * Makes the tokens of a test issuer, also with intended faults.
 *
 * In: an issuer's shape and keys, the changes of a test. Out: a token. Never: a random fault.
 */

import { createHmac, createPublicKey } from "node:crypto";
import { invalid, kindOf, readMembers, type Members } from "../validator/members.js";
import { shown } from "../validator/shown.js";
import type { IssuerKeys } from "./issuer-keys.js";
import { signingInput, signJws } from "./jws.js";
import { checkAlgorithm, createTestKey, type SigningAlgorithm, type TestKey } from "./keys.js";
import { SHAPES, TOKEN_SHAPES, type TokenShape } from "./shapes.js";
import { flagOf, recordOf } from "./values.js";

/** Claims of a token. A claim that is `undefined` is left out. */
export interface TestClaims {
    readonly [claim: string]: unknown;
}

/** Changes of one token. */
export interface SignOverrides {
    /** The issuer that it imitates. Default: the issuer's `shape`. Issuer, audience and client stay the issuer's. */
    shape?: TokenShape | undefined;
    /** In how many seconds it expires, by the issuer's clock. A negative number: it has expired. Default 300. */
    expiresInSeconds?: number | undefined;
    /** How many seconds ago it was issued. Default 0; for an expired token, 300 seconds before its expiry. */
    issuedSecondsAgo?: number | undefined;
    /** The client whose key the token is bound to (`cnf.jkt`, RFC 9449 section 6): a DPoP client or a key of the kit. */
    boundTo?: { readonly thumbprint: string } | undefined;
    /** Members of the header that replace the usual ones. A member that is `undefined` is left out. */
    header?: { readonly [member: string]: unknown } | undefined;
    /** The `kid` of the key that signs, such as a key from before a rotation. Default: the newest key. */
    kid?: string | undefined;
    /**
     * The algorithm: one for which the issuer has a key; `"none"`, without a signature; `"HS256"`, with the public key
     * in PEM as the secret. Default: the first of the issuer's `algorithms`.
     */
    algorithm?: SigningAlgorithm | "none" | "HS256" | undefined;
    /** Whether it is signed with a key that the issuer never had, under the name of the right key. Default `false`. */
    otherKey?: boolean | undefined;
}

/** The parts of a token. */
export interface Writer {
    readonly issuerUri: string;
    readonly audience: string | readonly string[] | null;
    readonly clientId: string;
    readonly shape: TokenShape;
    readonly keys: IssuerKeys;
    /** Milliseconds. */
    readonly now: () => number;
}

const OVERRIDES: Members = {
    of: "sign, as its second argument,",
    noun: "option",
    names: [
        "shape",
        "expiresInSeconds",
        "issuedSecondsAgo",
        "boundTo",
        "header",
        "kid",
        "algorithm",
        "otherKey"
    ] satisfies (keyof SignOverrides)[],
    example: 'issuer.sign({ scope: "items:read" }, { expiresInSeconds: -60 })',
    instead: {
        expired: "expiresInSeconds: -60",
        claims: "the claims as the first argument",
        exp: "expiresInSeconds: 60",
        alg: 'algorithm: "ES256"',
        typ: 'header: { typ: "JWT" }'
    }
};

/** Overrides whose names no issuer gives to a claim. */
const NO_CLAIMS = ["expiresInSeconds", "issuedSecondsAgo", "boundTo", "otherKey"] as const;

const LIFETIME_SECONDS = 300;

/** A token of this issuer. */
export function writeToken(writer: Writer, claims: TestClaims, overrides: SignOverrides): string {
    if (typeof claims !== "object" || claims === null || Array.isArray(claims)) {
        throw invalid(`sign takes an object of claims; got ${kindOf(claims)}. Write ${OVERRIDES.example}`);
    }
    const misplaced = NO_CLAIMS.find(name => Object.hasOwn(claims, name));
    if (misplaced !== undefined) {
        throw invalid(
            `${misplaced} is an override of sign, and would be a claim without an effect here. Overrides are its second ` +
                `argument: write ${OVERRIDES.example}`
        );
    }
    const read: SignOverrides = readMembers(overrides, OVERRIDES);
    const { shape: name = writer.shape, boundTo, header, kid, algorithm, otherKey } = read;
    if (!TOKEN_SHAPES.includes(name)) {
        throw notAShape(name);
    }
    const shape = SHAPES[name];
    const usual = shape.claims({
        iss: writer.issuerUri,
        aud: writer.audience ?? undefined,
        clientId: writer.clientId,
        ...timesOf(writer, read)
    });
    const isUnsigned = algorithm === "none" || algorithm === "HS256";
    const picked = writer.keys.pick(isUnsigned ? undefined : checked(algorithm), kid);
    const written = {
        alg: algorithm ?? picked.key.algorithm,
        kid: picked.kid,
        ...shape.header,
        ...header
    };
    recordOf("header", header);
    const payload = {
        ...usual,
        ...(boundTo !== undefined && { cnf: { jkt: thumbprintOf(boundTo) } }),
        ...claims
    };
    if (isUnsigned) {
        return withoutKey(written, payload, algorithm, picked.key);
    }
    const signing = flagOf("otherKey", otherKey) === true ? createTestKey(picked.key.algorithm) : picked.key;
    return signJws(written, payload, signing, algorithm ?? picked.key.algorithm);
}

export function notAShape(name: unknown): TypeError {
    const given = typeof name === "string" ? JSON.stringify(shown(name)) : kindOf(name);
    return invalid(`there is no shape ${given}. There are ${TOKEN_SHAPES.join(", ")}`);
}

function checked(algorithm: SigningAlgorithm | undefined): SigningAlgorithm | undefined {
    if (algorithm !== undefined) {
        checkAlgorithm(algorithm, "sign");
    }
    return algorithm;
}

function timesOf({ now }: Writer, { expiresInSeconds = LIFETIME_SECONDS, issuedSecondsAgo }: SignOverrides) {
    const seconds = Math.floor(now() / 1000);
    const lasts = secondsOf(expiresInSeconds, "expiresInSeconds");
    const usual = lasts > 0 ? 0 : LIFETIME_SECONDS - lasts;
    const ago = secondsOf(issuedSecondsAgo === undefined ? usual : issuedSecondsAgo, "issuedSecondsAgo");
    return { iat: seconds - ago, exp: seconds + lasts };
}

/** A number of seconds from a test. */
export function secondsOf(given: unknown, name: string): number {
    if (typeof given !== "number" || !Number.isFinite(given)) {
        throw invalid(`${name} must be a number of seconds; got ${kindOf(given)}`);
    }
    return given;
}

function thumbprintOf(boundTo: { readonly thumbprint: string }): string {
    const { thumbprint } = Object(boundTo) as { thumbprint?: unknown };
    if (typeof thumbprint !== "string") {
        throw invalid(
            `boundTo takes a client of dpopClient or a key of createTestKey; got ${kindOf(boundTo)}`
        );
    }
    return thumbprint;
}

/** As an attacker writes it who hopes that a server trusts the header. */
function withoutKey(header: object, payload: object, algorithm: "none" | "HS256", key: TestKey): string {
    const input = signingInput({ ...header }, { ...payload });
    if (algorithm === "none") {
        return `${input}.`;
    }
    const secret = createPublicKey({ key: key.publicJwk, format: "jwk" }).export({
        format: "pem",
        type: "spki"
    });
    return `${input}.${createHmac("sha256", secret).update(input).digest("base64url")}`;
}
