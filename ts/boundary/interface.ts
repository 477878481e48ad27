/**
 * The types of an engine's functions: of the addon, and of WebAssembly in its place.
 *
 * In: nothing. Out: types, and the numbers that both sides know. Never: a rule about tokens, a word about which engine runs.
 */

import type { BindingMode, DpopMode, ResourceMetadata, ValidatorMetrics } from "../../index.js";

/** A verdict as it crosses the boundary: the JSON text of a list. `engine/src/verdict_text.rs` says what each position means. */
export type VerdictText = string;

/** The addon's verdict. */
export type NativeVerdict = NativeGrant | NativeRefusal;

/** The request may enter. */
export interface NativeGrant {
    readonly isGranted: true;
    /** The claims, in an object for this request only. */
    readonly claims: unknown;
    /** The access token, if the addon took it out of a field. */
    readonly accessToken: string;
    readonly scheme: "Bearer" | "DPoP";
    /** The issuer's position among the configured ones, and its identifier. */
    readonly issuer: number;
    readonly issuerUri: string;
    /** The fields of the response, if it needs any. */
    readonly headers: HeaderFields | null;
    /** The same credentials are granted the same from and until then, in milliseconds since 1970-01-01T00:00:00Z, */
    readonly from: number;
    readonly until: number;
    /** as long as this is the number of the issuer's keys. */
    readonly epoch: number;
    /** The number of a bound token that the addon remembered; otherwise zero. */
    readonly number: number;
}

/** The claims of a bound token, under its number: the addon does not send them again to a thread that has them. */
export interface KnownClaims {
    readonly number: number;
    readonly claims: unknown;
}

/** The request must not enter. */
export interface NativeRefusal {
    readonly isGranted: false;
    readonly code: string;
    readonly errorCause: string;
    readonly debugErrorMessage: string;
    readonly status: number;
    /** The fields of the response. */
    readonly headers: HeaderFields;
}

/** Fields of a response, by their names. */
export type HeaderFields = Readonly<Record<string, string>>;

/** A field that came more than once is passed once, with its bit set here. */
export const AUTHORIZATION_REPEATED = 1;
export const DPOP_REPEATED = 2;
export const HOST_REPEATED = 4;

/**
 * What the addon reads of a request, by position: building an object for it costs more than the call. For a request
 * without proof and certificate it reads only the first two, since the others have no effect then.
 */
export type RequestParts = readonly [flags: number, authorization: string | null] | WholeRequestParts;

type WholeRequestParts = readonly [
    flags: number,
    authorization: string | null,
    dpop: string | null,
    method: string | null,
    url: string | null,
    connectionScheme: string | null,
    host: string | null,
    forwarded: string | null,
    xForwardedProto: string | null,
    xForwardedHost: string | null,
    xForwardedPort: string | null,
    xForwardedFor: string | null,
    remoteAddress: string | null,
    xForwardedPrefix: string | null,
    clientCert: string | null,
    /** In DER. */
    peerCertificate: Uint8Array | null
];

/** The arguments of the drop-in, in the place of a request. */
export type CredentialParts = readonly [
    scheme: "Bearer" | "DPoP",
    accessToken: string,
    rejectIfBound: boolean,
    proof: string | null,
    expectedHtm: string | null,
    expectedHtu: string | null
];

/** A request whose verdict waits for keys, or for Redis. It holds the parts, so that they are read only once. */
export interface NativeWait {
    /** The answer comes to the inbox, under the ticket. */
    answerUnder(ticket: number): void;
}

/** A request that passed every check except that of the application's own replay store. It shows no claims. */
export interface NativeUnsettled {
    /** The proof's name in the replay store. */
    readonly key: string;
    /** When the replay store may forget it, in milliseconds. */
    readonly expiresAt: number;
    /** The verdict: `true` if the proof is new, `false` if it is not, `null` and a reason if there is no answer. */
    settle(isNew: boolean | null, trouble: string | null): VerdictText;
}

/** The inbox for answers of other threads. */
export interface NativeInbox {
    take(): readonly [tickets: readonly number[], answers: ReadonlyArray<VerdictText | NativeUnsettled>];
}

/** The addon's first answer for a request. */
export type NativeAnswer = VerdictText | NativeWait | NativeUnsettled;

/** The rules of a route, two bits for each rule: `RequestRules::from_bits` of the addon. Zero: no rule. */
export type RuleBits = number;

/** The functions of a validator that each request calls. Arguments that are left out at the end count as null. */
export interface NativeDoors {
    /**
     * `scopes` are the scopes that the route requires, separated by spaces. `knownToken` is the number of a token whose
     * claims need not be sent again, or zero.
     */
    authorizeRequest(
        this: void,
        now: number,
        rules: RuleBits,
        scopes: string | null,
        knownToken: number,
        ...parts: RequestParts
    ): NativeAnswer;
    authorizeCredentials(
        this: void,
        now: number,
        knownToken: number,
        ...parts: CredentialParts
    ): NativeAnswer;
    /** The answer comes to the inbox, under the ticket. */
    submitRequest(
        this: void,
        ticket: number,
        now: number,
        rules: RuleBits,
        scopes: string | null,
        knownToken: number,
        ...parts: RequestParts
    ): void;
    submitCredentials(
        this: void,
        ticket: number,
        now: number,
        knownToken: number,
        ...parts: CredentialParts
    ): void;
    /** Every check of the credentials comes to the inbox, under the ticket; `readExplanation` reads it. */
    explainCredentials(
        this: void,
        ticket: number,
        now: number,
        knownToken: number,
        ...parts: CredentialParts
    ): void;
    /** The same of a request. */
    explainRequest(
        this: void,
        ticket: number,
        now: number,
        rules: RuleBits | null,
        scopes: string | null,
        knownToken: number,
        ...parts: RequestParts
    ): void;
    /** Null comes to the inbox when every issuer has keys, or a failure; `readReadiness` reads it. */
    ready(this: void, ticket: number, timeoutMs: number, failFast: boolean): void;
    /** The number of the keys with which an issuer's tokens are verified now; -1 for none. */
    keysEpoch(this: void, issuer: number): number;
}

/** The addon's validator. */
export interface NativeValidator {
    doors(inbox: NativeInbox): NativeDoors;
    refuse(
        now: number,
        rules: RuleBits,
        code: string,
        scheme: string | null,
        debugErrorMessage: string,
        scopes: readonly string[],
        acrValues: readonly string[],
        maxAgeSeconds: number | null
    ): VerdictText;
    /**
     * The issuer that a request's unverified token names, if the name is valid, and whether the token may be good.
     */
    namedIssuer(
        now: number,
        flags: number,
        authorization: string | null,
        dpop: string | null
    ): readonly [iss: string, mayPass: boolean] | null;
    /** Whether an issuer of the options has this name. */
    acceptsIssuer(name: string): boolean;
    /** Retires the validator: it gets no more requests, and keys that no other validator uses are no longer fetched. */
    retire(): void;
    /** JSON text of `Settings`. */
    settings(): string;
    /** The fetched keys that are in use now, for the option `keysSnapshot`. */
    snapshot(): string;
    /** JSON text of a `ValidatorHealth`. */
    health(): string;
    /**
     * Why the rules that are tried (`shadow`) would refuse a token that was granted a moment ago: the code, and the message for
     * developers.
     */
    objection(
        now: number,
        rules: RuleBits,
        issuer: number,
        scheme: string,
        accessToken: string
    ): readonly [code: string, debugErrorMessage: string] | null;
    /** JSON text of `NativeMetrics`. */
    metrics(): string;
}

/** What the addon counts. */
export type NativeMetrics = Pick<ValidatorMetrics, "keys" | "replayMemory">;

/** Internal settings, which the public options do not have. */
export interface Internals {
    /** The rules are those of `oidc-spa/server`. */
    readonly dropIn?: boolean;
    /** The validator has its own clock, and so its own memory of proofs. */
    readonly ownClock?: boolean;
    /** The application asks its replay store itself. */
    readonly applicationStore?: boolean;
    /** The options name no issuer: the application is asked for an issuer when a token names it. */
    readonly asksForIssuers?: boolean;
    /** The application's function that makes the requests for keys, by its number. */
    readonly fetch?: number;
}

/** The requests for keys that functions of this environment make. */
export interface NativeFetches {
    /** What the function got: the status, the header fields as a JSON list of pairs, and the body. */
    answered(ticket: number, status: number, fields: string, body: Uint8Array): void;
    /** Why it got no answer: its number in `exchange.ts`, and a message. */
    failed(ticket: number, kind: number, message: string): void;
}

/** The options as the addon read them, with defaults. JavaScript does not read them a second time. */
export interface Settings {
    /** Warnings about the application's options. */
    readonly warnings: readonly string[];
    /** The configured issuers, by their position. */
    readonly issuerUris: readonly string[];
    readonly resourceMetadata: ResourceMetadata | null;
    readonly dpop: DpopMode;
    readonly certificate: BindingMode;
    readonly senderConstrained: BindingMode;
    /** Whether the certificate of a connection is the client's. */
    readonly readsPeerCertificate: boolean;
    /** Whether a client's certificate is read from any source. */
    readonly seesCertificates: boolean;
    /** How long after its `exp` a token is accepted. */
    readonly leewaySeconds: number;
    /** How long after its `iat`, without the leeway; `null`: until its `exp`. */
    readonly maxTokenAgeSeconds: number | null;
    /** The hosts by which the options name this API, if a request's `Host` decides for which host a proof must be. */
    readonly ownHosts: readonly string[];
    readonly verification: "auto" | "inline" | "threads";
    /** Size of a memory of verified tokens in bytes; zero: no memory. */
    readonly verifiedTokenBytes: number;
    /** Whether a replay store is asked about proofs. */
    readonly hasReplayStore: boolean;
    /** Whether the option `shadow` has rules to try. */
    readonly hasShadow: boolean;
    readonly storeTimeoutMs: number;
}

/**
 * The result of the drop-in's first step: the access token's place in its field, for `textAt`; with DPoP also the URI
 * that the proof must name; or, for developers, why the request cannot be judged.
 */
export type NativeExtraction = number | readonly [place: number, expectedHtu: string | null] | string;

const PLACES = 2 ** 26;

/** The part of a field that is at a place: its end, times `PLACES`, plus its beginning. */
export function textAt(place: number, field: string | null): string {
    return field === null ? "" : field.slice(place % PLACES, Math.floor(place / PLACES));
}

/** Decides which troubles are reported: once at the beginning and once at the end, within limits. */
export interface NativeTroubles {
    /** 0: no warning; 1: a warning; 2: a warning that says that there are no more for now. */
    begin(thing: string): 0 | 1 | 2;
    end(thing: string): boolean;
}

/** What an engine exports: the addon, or `ts/wasm/` in its place. */
export interface Addon {
    /** Which one it is. */
    readonly engine: "native" | "wasm";
    /** Whether a request that waits keeps the process alive by itself. */
    readonly keepsAlive: boolean;
    /** Those of the process, or new ones. */
    readonly NativeTroubles: new (
        ofProcess: boolean
    ) => NativeTroubles;
    readonly NativeValidator: new (
        options: string,
        internals: Internals,
        fetches?: NativeFetches
    ) => NativeValidator;
    /**
     * `notify` is called with a ticket and the JSON text of a `WantedRequest`. `undefined`: the engine calls the functions
     * itself.
     */
    readonly NativeFetches:
        | (new (
              notify: (ticket: number, request: string) => void
          ) => NativeFetches)
        | undefined;
    /** A number for a function of the application. The process gives each number once. */
    readonly newFetchNumber: () => number;
    /** `notify` is called when there is something to take. It does not keep the environment alive. */
    readonly NativeInbox: new (
        notify: () => void
    ) => NativeInbox;
    readonly extraction: () => {
        extractCredentials(this: void, trustProxy: boolean, ...parts: RequestParts): NativeExtraction | null;
    };
    /** Calls with the JSON text of each `KeysEvent` of the process. It does not keep the environment alive. */
    readonly onKeysEvent: (listener: (event: string) => void) => void;
    /** The table of codes: `description` is what a client may read. */
    readonly errorTable: () => readonly { readonly code: string; readonly description: string }[];
    /** Whether this is the first call in the process. */
    readonly isFirstToAsk: () => boolean;
    /** Whether the system has no certificates of authorities, and none were handed over yet. */
    readonly lacksAuthorities: () => boolean;
    /** Sets the authorities to trust if the system has none, in PEM. */
    readonly trustAuthorities: (authorities: string[]) => void;
}

/** Every check of a request, as the addon made it. */
export interface NativeExplanation {
    readonly refusal: { readonly code: string; readonly debugErrorMessage: string } | null;
    readonly checks: readonly NativeCheck[];
    /** The content of a grant, if every check of the token and its proof passed. */
    readonly admitted: {
        readonly claims: unknown;
        readonly tokenBegin: number;
        readonly tokenEnd: number;
        readonly scheme: "Bearer" | "DPoP";
        readonly issuer: number;
    } | null;
}

/** One check, and its outcome. */
export interface NativeCheck {
    readonly id: string;
    readonly title: string;
    readonly clause: string;
    readonly outcome: "passed" | "failed" | "skipped";
    readonly expected: string | null;
    readonly found: string | null;
    readonly isVerified: boolean;
    readonly code: string | null;
    readonly message: string | null;
    readonly advice: string | null;
}
