/**
 * `dpopClient`: a client with its own key, which sends a proof of this key with each request (RFC 9449).
 *
 * In: a key, a token, requests. Out: proofs, responses. Never: more than one repetition for a nonce.
 */

import { randomUUID } from "node:crypto";
import { invalid, kindOf, readMembers, type Members } from "../validator/members.js";
import { clockReader } from "../validator/options.js";
import { shown } from "../validator/shown.js";
import { signJws } from "./jws.js";
import { checkKey, createTestKey, sha256, type TestKey } from "./keys.js";
import { secondsOf } from "./token.js";
import { flagOf, functionOf, recordOf, textOf } from "./values.js";

/** `fetch`; if the program's types do not know `fetch`, the used part of its type. */
export type TestFetch = typeof globalThis extends { fetch: infer Fetch }
    ? Fetch
    : (input: string, init?: object) => Promise<never>;

/** A `Request`; if the program's types do not know `Request`, its available members. */
export type TestRequest = typeof globalThis extends { Request: { prototype: infer Request } }
    ? Request
    : { readonly url: string; readonly method: string };

/** A `Response`; if the program's types do not know `Response`, any value. */
export type TestResponse = typeof globalThis extends { Response: { prototype: infer Response } }
    ? Response
    : unknown;

/** Options of a test's client. */
export interface DpopClientOptions {
    /**
     * The access token. A function gets the client, since the token must hold its `thumbprint`. It is called once:
     * `token: client => issuer.sign({ sub: "ann" }, { boundTo: client })`.
     */
    token: string | ((client: { readonly thumbprint: string }) => string);
    /** The key for its proofs. Default: a new key of P-256. */
    key?: TestKey | undefined;
    /** The time in milliseconds, for the `iat` of proofs. Default `Date.now`. */
    clock?: (() => number) | undefined;
    /**
     * The function that answers requests, such as the application itself: `fetch: request => app.fetch(request)`.
     * Default: the network.
     */
    fetch?: ((request: TestRequest) => TestResponse | Promise<TestResponse>) | undefined;
}

/** Changes of one proof, for example intended faults. */
export interface ProofOverrides {
    /** Claims that replace the usual ones or are added. A claim that is `undefined` is left out. */
    claims?: { readonly [claim: string]: unknown } | undefined;
    /** Members of the header that replace the usual ones. A member that is `undefined` is left out. */
    header?: { readonly [member: string]: unknown } | undefined;
    /** A nonce of the server (RFC 9449 section 9). Default: the last nonce that `fetch` got from this origin. */
    nonce?: string | undefined;
    /** How many seconds ago it was made. Default 0. A negative number means the future. */
    issuedSecondsAgo?: number | undefined;
    /** The token of the proof. Default: the client's. */
    accessToken?: string | undefined;
    /** Whether it is signed with another key than the one in its header. Default `false`. */
    otherKey?: boolean | undefined;
}

/** A client of a test. */
export interface DpopClient {
    /** The thumbprint of its key, which its tokens hold as `cnf.jkt`. */
    readonly thumbprint: string;
    readonly key: TestKey;
    readonly token: string;
    /**
     * A proof for one request (RFC 9449 section 4.2). Each proof has its own `jti`.
     *
     * @param method - the HTTP method
     * @param url - the absolute URL; query and fragment are left out of the proof
     * @param overrides - what is otherwise with this one
     * @throws TypeError if the URL is invalid, or an override is unknown
     */
    proof(method: string, url: string, overrides?: ProofOverrides): string;
    /** The header fields of one request: `authorization`, and `dpop` with a proof. */
    headers(method: string, url: string, overrides?: ProofOverrides): { authorization: string; dpop: string };
    /**
     * As `fetch`, with the token and a proof. If the server asks for a nonce (`use_dpop_nonce`), the request is sent a
     * second time with the nonce, but not a third time. Nonces in responses are used for later requests to the same
     * server. A redirect is followed as `fetch` does it, with the proof for the first URL.
     */
    readonly fetch: TestFetch;
}

const CLIENT: Members = {
    of: "dpopClient",
    noun: "option",
    names: ["token", "key", "clock", "fetch"] satisfies (keyof DpopClientOptions)[],
    example: "dpopClient({ token: client => issuer.sign({}, { boundTo: client }) })"
};

const PROOF: Members = {
    of: "a proof",
    noun: "option",
    names: [
        "claims",
        "header",
        "nonce",
        "issuedSecondsAgo",
        "accessToken",
        "otherKey"
    ] satisfies (keyof ProofOverrides)[],
    example: 'client.proof("GET", url, { issuedSecondsAgo: 60 })',
    instead: { expired: "issuedSecondsAgo: 60", htm: "claims: { htm }", htu: "claims: { htu }" }
};

/**
 * Makes a client that sends DPoP requests.
 *
 * @throws TypeError if the options make no sense
 * @example
 * ```ts
 * import { createTestIssuer, dpopClient } from "oidc-spa-native/testing";
 *
 * const issuer = createTestIssuer();
 * const client = dpopClient({ token: client => issuer.sign({ sub: "ann" }, { boundTo: client }) });
 * const response = await client.fetch("http://127.0.0.1:3000/me");
 * console.log(response.status);
 * ```
 */
export function dpopClient(options: DpopClientOptions): DpopClient {
    const read = readMembers(options, CLIENT) as unknown as DpopClientOptions;
    const { key = createTestKey(), fetch: own } = read;
    checkKey(key, "dpopClient");
    functionOf("fetch", own, "fetch: request => app.fetch(request)");
    const token = tokenOf(read.token, key);
    const transport = (own ?? globalThis.fetch) as Transport;
    const now = read.clock === undefined ? () => Date.now() : clockReader(read.clock);
    const nonces = new Map<string, string>();

    const proof: DpopClient["proof"] = (method, url, overrides = {}) =>
        writeProof({ key, token, now, nonce: nonces.get(originOf(url)) }, method, url, overrides);
    const headers: DpopClient["headers"] = (method, url, overrides) => ({
        authorization: `DPoP ${token}`,
        dpop: proof(method, url, overrides)
    });
    const send = async (request: Request): Promise<Response> => {
        for (const [name, value] of Object.entries(headers(request.method, request.url))) {
            request.headers.set(name, value);
        }
        const response: unknown = await transport(request);
        if (typeof Object(Object(response).headers).get !== "function") {
            throw invalid(
                `the option "fetch" of dpopClient must return a Response; it returned ${kindOf(response)}`
            );
        }
        const answer = response as Response;
        const nonce = answer.headers.get("dpop-nonce");
        if (nonce !== null) {
            // A redirect that was followed may have led to another server. An application's response has no URL.
            nonces.set(originOf(answer.url || request.url), nonce);
        }
        return answer;
    };
    const fetch = async (input: string | URL | Request, init?: RequestInit): Promise<Response> => {
        const request = new Request(input, init);
        // A body can be read once.
        const again = request.clone();
        const response = await send(request);
        // The proof names the URL that was asked for: where a redirect led, no nonce makes it right.
        if (!asksForNonce(response) || response.redirected) {
            return response;
        }
        await response.body?.cancel();
        return send(again);
    };
    return { thumbprint: key.thumbprint, key, token, proof, headers, fetch: fetch as TestFetch };
}

type Transport = (request: Request) => Response | Promise<Response>;

function tokenOf(token: DpopClientOptions["token"], { thumbprint }: TestKey): string {
    const made: unknown = typeof token === "function" ? token({ thumbprint }) : token;
    if (typeof made !== "string" || made === "") {
        throw invalid(
            `dpopClient: token must be an access token; got ${kindOf(made)}. Write ${CLIENT.example}`
        );
    }
    return made;
}

interface Prover {
    readonly key: TestKey;
    readonly token: string;
    readonly now: () => number;
    readonly nonce: string | undefined;
}

function writeProof(prover: Prover, method: string, url: string, overrides: ProofOverrides): string {
    const { key, token, now } = prover;
    const read: ProofOverrides = readMembers(overrides, PROOF);
    const { nonce = prover.nonce, issuedSecondsAgo = 0, accessToken = token, otherKey } = read;
    textOf("nonce", nonce);
    textOf("accessToken", accessToken);
    recordOf("header", read.header);
    recordOf("claims", read.claims);
    if (typeof method !== "string" || method === "") {
        throw invalid(`a proof is for a method such as "GET"; got ${kindOf(method)}`);
    }
    const target = targetOf(url);
    const header = { alg: key.algorithm, typ: "dpop+jwt", jwk: key.publicJwk, ...read.header };
    const claims = {
        jti: randomUUID(),
        htm: method,
        htu: `${target.origin}${target.pathname}`,
        iat: Math.floor(now() / 1000) - secondsOf(issuedSecondsAgo, "issuedSecondsAgo"),
        ath: sha256(accessToken),
        nonce,
        ...read.claims
    };
    return signJws(
        header,
        claims,
        flagOf("otherKey", otherKey) === true ? createTestKey(key.algorithm) : key
    );
}

function targetOf(url: string): URL {
    if (typeof url !== "string" || !URL.canParse(url)) {
        const got = typeof url === "string" ? JSON.stringify(shown(url)) : kindOf(url);
        throw invalid(`a proof is for an absolute URL, such as "https://api.test/me"; got ${got}`);
    }
    return new URL(url);
}

const originOf = (url: string): string => targetOf(url).origin;

/** RFC 9449 section 9. */
const asksForNonce = ({ status, headers }: Response): boolean =>
    status === 401 &&
    headers.has("dpop-nonce") &&
    /\berror="use_dpop_nonce"/.test(headers.get("www-authenticate") ?? "");
