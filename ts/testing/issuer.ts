/**
 * `createTestIssuer`: an issuer for tests, with or without a server.
 *
 * In: the shape of its tokens. Out: options for `createValidator`, tokens. Never: a request to another machine.
 */

import type { IssuerSource } from "../../index.js";
import { invalid, kindOf, readMembers, unexpected, type Members } from "../validator/members.js";
import { clockReader } from "../validator/options.js";
import type { IntrospectionClient } from "./introspection-client.js";
import { IssuerKeys, type TestJwkSet } from "./issuer-keys.js";
import { checkKey, createTestKey, type SigningAlgorithm, type TestKey } from "./keys.js";
import { listenOn, type IssuerServer, type ListenOptions } from "./listening.js";
import { shown } from "../validator/shown.js";
import { SHAPES, TOKEN_SHAPES, type TokenShape } from "./shapes.js";
import { textOf } from "./values.js";
import { notAShape, writeToken, type SignOverrides, type TestClaims, type Writer } from "./token.js";

/** Options of a test's issuer. */
export interface TestIssuerOptions {
    /**
     * The issuer whose tokens it imitates, with their header, claims and algorithm. `options` are those that a
     * validator needs for these tokens. Default `"rfc9068"`.
     */
    shape?: TokenShape | undefined;
    /** Its identifier. Default: one like that of the shape, such as `"https://keycloak.test/realms/test"`. */
    issuerUri?: string | undefined;
    /**
     * The audience of its tokens. Default: that of the shape. Not for `"cognito"` and `"clerk"`, whose tokens have no
     * `aud`.
     */
    audience?: string | readonly string[] | undefined;
    /** The client in its tokens. Default: that of the shape. */
    clientId?: string | undefined;
    /**
     * The algorithms of its keys. The first one signs, unless an override names another. Default: that of the shape.
     */
    algorithms?: readonly SigningAlgorithm[] | undefined;
    /**
     * Its keys, in the place of new ones: from `createTestKey`, or as JSON from another process. Not beside
     * `algorithms`.
     */
    keys?: readonly TestKey[] | undefined;
    /** The time in milliseconds, for the issuer and for its `options`. Default `Date.now`. */
    clock?: (() => number) | undefined;
}

/** The audience or clients that a validator of these tokens expects. */
export type TestRecipient =
    | { readonly expectedAudience: string | readonly string[]; readonly acceptIdTokens?: boolean }
    | { readonly expectedAudience?: never; readonly expectedClients: string };

/** Options of `createValidator` that accept the tokens of a test issuer. */
export type TestValidatorOptions = Pick<IssuerSource, "issuerUri" | "keys"> &
    TestRecipient & { readonly clock?: () => number };

/** An issuer of a test without a server: nothing is fetched. */
export interface TestIssuer {
    readonly issuerUri: string;
    /**
     * The options with which `createValidator` accepts its tokens. They hold the keys, so nothing is fetched. Add your
     * own: `createValidator({ ...issuer.options, dpop: "required" })`.
     */
    readonly options: TestValidatorOptions;
    /** Its JWK Set. */
    readonly jwks: TestJwkSet;
    /** The names of its keys. */
    readonly kids: readonly string[];
    /**
     * Makes a token.
     *
     * @param claims - in the place of those of the shape, or beside them; `undefined` leaves one out
     * @param overrides - what is otherwise with this one, or wrong on purpose
     * @throws TypeError if an override is unknown
     */
    sign(claims?: TestClaims, overrides?: SignOverrides): string;
    /**
     * Starts a server on this machine for this issuer, with the same keys and its own identifier. Close it when the
     * test ends.
     */
    listen(options?: ListenOptions): Promise<ListeningIssuer>;
}

/**
 * What a resource server or a gateway needs to ask an issuer whether a token is active (RFC 7662).
 *
 * @example
 * ```ts
 * import { createTestIssuer } from "oidc-spa-native/testing";
 *
 * const issuer = await createTestIssuer().listen();
 * const { endpoint, clientId, clientSecret } = issuer.introspection;
 * const ask = async (token: string) => {
 *     const body = new URLSearchParams({ token, client_id: clientId, client_secret: clientSecret });
 *     return (await fetch(endpoint, { method: "POST", body })).json();
 * };
 * const token = issuer.sign({ scope: "items:read" });
 * console.log(await ask(token)); // { active: true, scope: "items:read", … }
 * issuer.revoke(token);
 * console.log(await ask(token)); // { active: false }
 * await issuer.close();
 * ```
 */
export interface TestIntrospection extends IntrospectionClient {
    /** The URL, as the metadata's `introspection_endpoint` names it. */
    readonly endpoint: string;
}

/** An issuer of a test with a server on loopback: metadata and keys are fetched from it. */
export interface ListeningIssuer extends Omit<TestIssuer, "listen"> {
    /** The address at which it listens, with the path of the original `issuerUri`. */
    readonly issuerUri: string;
    /** The options with which `createValidator` accepts its tokens. The keys are fetched. */
    readonly options: TestValidatorOptions;
    /** The names of the keys that it publishes, the newest last. */
    readonly kids: readonly string[];
    /** The origin at which it listens. */
    readonly listensAt: string;
    /** How many requests came, for its documents and to its endpoints. */
    readonly requests: {
        readonly metadata: number;
        readonly jwks: number;
        readonly introspection: number;
        readonly revocation: number;
    };
    /** Where to ask whether a token is active, and the client that may. */
    readonly introspection: TestIntrospection;
    /**
     * Lets the introspection answer from now on that this token is not active. A validator that does not ask, as that of
     * this package, notices nothing.
     *
     * @throws TypeError if this issuer did not sign it, with a key that it publishes
     */
    revoke(token: string): void;
    /** Makes new keys and signs with them from now on. The others stay published. */
    rotate(): void;
    /** Stops publishing a key. */
    withdraw(kid: string): void;
    /** Lets every request get this status from now on. Default 503. From 400 to 599. */
    fail(status?: number): void;
    /** Ends what `fail` began. */
    recover(): void;
    /** Ends the server and its connections: from now on there is no answer. */
    close(): Promise<void>;
    /** Listens again at the same address, with the same keys. */
    reopen(): Promise<void>;
}

const ISSUER: Members = {
    of: "createTestIssuer",
    noun: "option",
    names: [
        "shape",
        "issuerUri",
        "audience",
        "clientId",
        "algorithms",
        "keys",
        "clock"
    ] satisfies (keyof TestIssuerOptions)[],
    example: 'createTestIssuer({ shape: "keycloak" })',
    instead: { issuer: 'issuerUri: "https://issuer.test"', expectedAudience: 'audience: "https://api.test"' }
};

/**
 * Makes an issuer: its key, its tokens, and the options with which a validator accepts them. There is no server and
 * nothing to close, unless `listen` is called.
 *
 * @throws TypeError if the options make no sense
 * @example
 * ```ts
 * import { createValidator } from "oidc-spa-native";
 * import { createTestIssuer } from "oidc-spa-native/testing";
 *
 * const issuer = createTestIssuer({ shape: "keycloak" });
 * const validator = createValidator(issuer.options);
 *
 * const authorization = `Bearer ${issuer.sign({ realm_access: { roles: ["editor"] } })}`;
 * console.log((await validator.validateRequest({ authorization })).isSuccess); // true
 *
 * const old = `Bearer ${issuer.sign({}, { expiresInSeconds: -60 })}`;
 * console.log((await validator.validateRequest({ authorization: old })).code); // "token_expired"
 * ```
 */
export function createTestIssuer(options: TestIssuerOptions = {}): TestIssuer {
    const { writer, clock } = readIssuer(options);
    const { issuerUri, keys } = writer;
    return {
        issuerUri,
        options: { issuerUri, ...recipientOf(writer), keys: { jwks: keys.jwks }, ...clock },
        jwks: keys.jwks,
        kids: keys.kids,
        sign: signing(writer),
        listen: async (options = {}) => {
            const server = await listenOn(options, new URL(issuerUri).pathname, {
                keys: keys.copy(),
                now: writer.now
            });
            const there: Writer = { ...writer, issuerUri: server.issuerUri, keys: server.keys };
            return {
                issuerUri: server.issuerUri,
                options: { issuerUri: server.issuerUri, ...recipientOf(there), ...clock },
                get jwks() {
                    return server.keys.jwks;
                },
                get kids() {
                    return server.keys.kids;
                },
                listensAt: server.origin,
                requests: server.requests,
                introspection: { endpoint: server.urlOf("introspect"), ...server.client },
                revoke: token => revoke(server, token),
                sign: signing(there),
                rotate: () => server.keys.rotate(),
                withdraw: kid => server.keys.withdraw(kid),
                fail: status => server.fail(status),
                recover: () => server.recover(),
                close: () => server.close(),
                reopen: () => server.reopen()
            };
        }
    };
}

function revoke({ tokens }: IssuerServer, token: string): void {
    if (typeof token !== "string" || !tokens.revoke(token)) {
        throw invalid(
            `revoke takes a token that this issuer signed, with a key that it publishes; got ${kindOf(token)}`
        );
    }
}

const signing =
    (writer: Writer): TestIssuer["sign"] =>
    (claims = {}, overrides = {}) =>
        writeToken(writer, claims, overrides);

function readIssuer(options: TestIssuerOptions) {
    const read: TestIssuerOptions = readMembers(options, ISSUER);
    const { shape: name = "rfc9068", clock } = read;
    if (!TOKEN_SHAPES.includes(name)) {
        throw notAShape(name);
    }
    const shape = SHAPES[name];
    const { issuerUri = shape.issuerUri, clientId = shape.clientId, audience = shape.audience } = read;
    if (shape.audience === null && read.audience !== undefined) {
        throw invalid(`tokens of the shape ${name} have no aud. Write clientId in the place of audience`);
    }
    checkRecipient(read);
    if (typeof issuerUri !== "string" || !URL.canParse(issuerUri)) {
        const got = typeof issuerUri === "string" ? JSON.stringify(shown(issuerUri)) : kindOf(issuerUri);
        throw invalid(
            `issuerUri must be a URL such as "${shape.issuerUri}"; got ${got}. For a name that is no URL, write sign({ iss })`
        );
    }
    const writer: Writer = {
        issuerUri,
        audience,
        clientId,
        shape: name,
        keys: IssuerKeys.of(keysOf(read, shape.algorithm)),
        now: clock === undefined ? () => Date.now() : clockReader(clock)
    };
    return { writer, clock: clock === undefined ? {} : { clock } };
}

/** A wrong audience would be in the tokens and in the validator's options, and so never be noticed. */
function checkRecipient({ audience, clientId }: TestIssuerOptions): void {
    textOf("clientId", clientId, 'clientId: "web"');
    const audiences: unknown = typeof audience === "string" || audience === undefined ? [] : audience;
    if (!Array.isArray(audiences) || audiences.some(one => typeof one !== "string")) {
        throw unexpected(
            "option",
            "audience",
            "a text or a list of texts",
            audience,
            'audience: "https://api.test"'
        );
    }
}

function keysOf({ algorithms, keys }: TestIssuerOptions, usual: SigningAlgorithm): readonly TestKey[] {
    if (algorithms !== undefined && keys !== undefined) {
        throw invalid("keys have their algorithms: write keys or algorithms, not both");
    }
    for (const [name, list] of Object.entries({ algorithms, keys })) {
        if (list !== undefined && (!Array.isArray(list) || list.length === 0)) {
            throw invalid(`${name} must be a list of at least one; got ${kindOf(list)}`);
        }
    }
    for (const key of keys ?? []) {
        checkKey(key, "createTestIssuer");
    }
    return keys ?? [...new Set(algorithms ?? [usual])].map(algorithm => createTestKey(algorithm));
}

function recipientOf({ shape, audience, clientId }: Writer): TestRecipient {
    const { acceptIdTokens } = SHAPES[shape];
    return audience === null
        ? { expectedClients: clientId }
        : { expectedAudience: audience, ...(acceptIdTokens && { acceptIdTokens }) };
}
