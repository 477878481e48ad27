/**
 * What an issuer says about its tokens: which are active, and which were revoked (RFC 7662, RFC 7009, RFC 9701).
 *
 * In: tokens, a time. Out: the claims of active tokens. Never: a request, a word about a token of another issuer.
 */

import type { IssuerKeys } from "./issuer-keys.js";
import { signJws } from "./jws.js";
import { isSignatureOf } from "./keys.js";

/** The issuer whose tokens they are. */
export interface TokensOf {
    readonly issuerUri: string;
    readonly keys: IssuerKeys;
    /** Milliseconds. */
    readonly now: () => number;
}

/** An answer of RFC 7662 section 2.2. */
export interface IntrospectionAnswer {
    readonly active: boolean;
    readonly [member: string]: unknown;
}

type Members = Readonly<Record<string, unknown>>;

/** The `typ` of an access token, of any shape. An answer of RFC 9701 is a JWT of the same keys, and is none. */
const OF_ACCESS_TOKENS = /^(?:application\/)?(?:at\+)?jwt$/i;

const INACTIVE: IntrospectionAnswer = { active: false };

export class TokenStatus {
    readonly #issuer: TokensOf;
    /** The signed parts of revoked tokens. The same ones may have several signatures, and a signature several texts. */
    readonly #revoked = new Set<string>();

    constructor(issuer: TokensOf) {
        this.#issuer = issuer;
    }

    /** Nothing beyond `active` is told about a token that is not active. */
    answerTo(token: string): IntrospectionAnswer {
        const signed = this.#read(token);
        if (signed === undefined || this.#revoked.has(signed.input) || !this.#isInTime(signed.claims)) {
            return INACTIVE;
        }
        const { claims } = signed;
        const isBound = typeof recordOf(claims["cnf"])?.["jkt"] === "string";
        // The issuer's words replace claims of the same names.
        return { ...claims, active: true, token_type: isBound ? "DPoP" : "Bearer" };
    }

    /** The same answer, signed for a client (RFC 9701 section 5). */
    signedAnswerTo(token: string, clientId: string): string {
        const { issuerUri, keys, now } = this.#issuer;
        const { kid, key } = keys.pick(undefined, undefined);
        const header = { typ: "token-introspection+jwt", alg: key.algorithm, kid };
        const claims = { iss: issuerUri, aud: clientId, iat: Math.floor(now() / 1000) };
        return signJws(header, { ...claims, token_introspection: this.answerTo(token) }, key);
    }

    /** Whether it is a token of this issuer, which from now on is not active. */
    revoke(token: string): boolean {
        const signed = this.#read(token);
        if (signed !== undefined) {
            this.#revoked.add(signed.input);
        }
        return signed !== undefined;
    }

    /** The claims of a token that this issuer signed as its own, with a key that it publishes. */
    #read(token: string): { readonly input: string; readonly claims: Members } | undefined {
        const [header = "", payload = "", signature = "", ...rest] = token.split(".");
        const input = `${header}.${payload}`;
        const { alg, kid, typ = "JWT" } = jsonOf(header) ?? {};
        const isKind = typeof typ === "string" && OF_ACCESS_TOKENS.test(typ);
        const isSigned = this.#issuer.keys
            .published()
            .some(
                ({ kid: name, key }) =>
                    key.algorithm === alg &&
                    (kid === undefined || kid === name) &&
                    isSignatureOf(signature, input, key)
            );
        const claims = jsonOf(payload);
        return isKind && isSigned && rest.length === 0 && claims?.["iss"] === this.#issuer.issuerUri
            ? { input, claims }
            : undefined;
    }

    /** Without a time there is no bound: a test left it out. */
    #isInTime({ exp = Infinity, nbf = -Infinity }: Members): boolean {
        const seconds = this.#issuer.now() / 1000;
        return typeof exp === "number" && typeof nbf === "number" && nbf <= seconds && seconds < exp;
    }
}

function jsonOf(part: string): Members | undefined {
    try {
        return recordOf(JSON.parse(Buffer.from(part, "base64url").toString()));
    } catch {
        return undefined;
    }
}

const recordOf = (value: unknown): Members | undefined =>
    typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Members) : undefined;
