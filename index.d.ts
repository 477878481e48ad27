/**
 * oidc-spa-native: decides whether an HTTP request may enter.
 *
 * This page is the public contract, written by hand. All of `ts/` is compiled against it.
 */

/**
 * Every reason to refuse a request. A code is never renamed; new ones may be added in a minor version.
 *
 * `docs/errors.md` says what each code means, which status and challenge the response has, and what to do.
 */
export type ErrorCode =
    | "credentials_missing"
    | "scheme_unsupported"
    | "credentials_malformed"
    | "credentials_repeated"
    | "token_malformed"
    | "token_type_unexpected"
    | "algorithm_not_allowed"
    | "key_unknown"
    | "signature_invalid"
    | "token_expired"
    | "token_not_yet_valid"
    | "claim_missing"
    | "claim_malformed"
    | "issuer_mismatch"
    | "audience_mismatch"
    | "client_mismatch"
    | "token_bound"
    | "certificate_mismatch"
    | "token_unbound"
    | "proof_missing"
    | "proof_repeated"
    | "proof_malformed"
    | "proof_algorithm_not_allowed"
    | "proof_signature_invalid"
    | "proof_key_mismatch"
    | "proof_method_mismatch"
    | "proof_uri_mismatch"
    | "proof_token_mismatch"
    | "proof_stale"
    | "proof_not_yet_valid"
    | "proof_replayed"
    | "proof_nonce_required"
    | "claims_rejected"
    | "scope_insufficient"
    | "role_insufficient"
    | "permission_insufficient"
    | "authentication_insufficient"
    | "keys_unavailable"
    | "replay_memory_unavailable";

/** The three causes that `oidc-spa/server` distinguishes. */
export type ErrorCause =
    | "validation error"
    | "validation error - access token expired"
    | "validation error - invalid signature";

/**
 * Signature algorithms (RFC 7518 section 3.1, RFC 8037, RFC 9864). There is no `none` and no `HS*`. `ML-DSA-*` (FIPS 204,
 * draft-ietf-cose-dilithium: keys of `kty` `AKP`) are accepted only where an option names them; with the larger ones, raise
 * `limits.proofBytes` for DPoP.
 */
export type Algorithm =
    | "RS256"
    | "RS384"
    | "RS512"
    | "PS256"
    | "PS384"
    | "PS512"
    | "ES256"
    | "ES384"
    | "ES512"
    | "EdDSA"
    | "Ed25519"
    | "ML-DSA-44"
    | "ML-DSA-65"
    | "ML-DSA-87";

/** The claims of an access token that was validated (RFC 9068 section 2.2). Unknown claims are kept unchanged. */
export interface AccessTokenClaims extends AnyAccessTokenClaims {
    /** Subject: the user, or the client itself in a client credentials grant. */
    sub: string;
    /** Time of issue, in seconds since 1970-01-01T00:00:00Z. */
    iat: number;
}

/** The claims of an access token, where `optionalClaims` lets a token lack some of them. */
export interface AnyAccessTokenClaims {
    /** Issuer, equal to the configured `issuerUri` (one trailing slash aside). */
    iss: string;
    /** Subject. Absent only where `optionalClaims` holds `"sub"`. */
    sub?: string;
    /** Audience: the resource servers that the token is for. Absent only where `expectedAudience` is `false` or left out. */
    aud?: string | string[];
    /** Expiry, in seconds since 1970-01-01T00:00:00Z. */
    exp: number;
    /** Time of issue, in seconds since 1970-01-01T00:00:00Z. Absent only where `optionalClaims` holds `"iat"`. */
    iat?: number;
    /**
     * The client that asked for the token: a string (RFC 9068 section 2.2). The library checks it only if
     * `expectedClients` is set. Otherwise a value of another type is passed on unchanged.
     */
    client_id?: unknown;
    /** Granted scopes, separated by spaces (RFC 8693 section 4.2); a list at some issuers. */
    scope?: string | string[];
    /** Identifier of the token: a string (RFC 7519 section 4.1.7). A value of another type is passed on unchanged. */
    jti?: unknown;
    /** Not valid before, in seconds since 1970-01-01T00:00:00Z. */
    nbf?: number;
    /**
     * When the user signed in: a number of seconds since 1970-01-01T00:00:00Z (RFC 9068 section 2.2.1). A value of
     * another type (AD FS writes a date as text) is passed on unchanged, and fulfils no step-up.
     */
    auth_time?: unknown;
    /** The key that the token is bound to (RFC 7800). */
    cnf?: Record<string, unknown>;
    [claim: string]: unknown;
}

/** Claims that `optionalClaims` may name. */
export type OptionalClaim = "sub" | "iat";

/** The claims of a validator whose `optionalClaims` are these. */
export type AccessTokenClaimsLacking<Lacking extends OptionalClaim> = [Lacking] extends [never]
    ? AccessTokenClaims
    : AnyAccessTokenClaims & Pick<AccessTokenClaims, Exclude<OptionalClaim, Lacking>>;

/** A schema of the Standard Schema specification, version 1: zod, valibot, arktype and others. */
export interface StandardSchemaLike<Output> {
    readonly "~standard": {
        readonly version: 1;
        readonly vendor: string;
        readonly validate: (value: unknown) => StandardResult<Output> | Promise<StandardResult<Output>>;
        readonly types?: { readonly input: unknown; readonly output: Output } | undefined;
    };
}

/** What a Standard Schema answers. */
export type StandardResult<Output> =
    | { readonly value: Output; readonly issues?: undefined }
    | { readonly issues: ReadonlyArray<{ readonly message: string }> };

/** Anything with a `parse` that returns the typed claims, or a Promise of them, or throws. */
export interface ParserLike<Output, Input = AccessTokenClaims> {
    parse: (claims: Input) => Output | Promise<Output>;
}

/**
 * The application's description of its claims. Any other answer than the agreed one refuses the request with
 * `claims_rejected`. So do `undefined`, `null` and booleans in the place of claims, the answer of a `safeParse`
 * (`{ success, … }`), and an error or what holds one. The validator waits without a limit for a schema that answers with a Promise: what the schema asks
 * for needs a time limit of its own.
 */
export type ClaimsSchema<Claims, Input = AccessTokenClaims> =
    | StandardSchemaLike<Claims>
    | ParserLike<Claims, Input>;

/** One issuer whose access tokens are accepted. */
export type IssuerOptions = IssuerSource & ExpectedRecipient;

/**
 * For which API an issuer's tokens must be (`expectedAudience`), or to which client they must belong
 * (`expectedClients`). Write at least one of the two. `expectedAudience: false` alone checks neither: then the
 * validator accepts any access token of the issuer.
 */
export type ExpectedRecipient =
    | {
          /**
           * What must be in the `aud` claim: one value, or a list of values, one of which is enough. `false` skips the
           * check, and the claim may be absent. Then any access token of the issuer is accepted, also one for another
           * resource server, unless `expectedClients` is set. A function is called for each verified token: see
           * {@link AudienceFunction}.
           */
          expectedAudience: string | readonly string[] | false | AudienceFunction;
          /**
           * `"any"` (default): one expected value in `aud` is enough. `"only"`: every value of `aud` must be an
           * expected one, so a token that is also for other resource servers is refused. Not with
           * `expectedAudience: false`, and not with a function, which sees all values.
           */
          audienceMode?: "any" | "only";
          /**
           * The clients whose tokens are accepted: one client, or a list. It may stand beside the audience or in its
           * place. It is compared with the first of the claims `client_id`, `azp`, `cid` and `appid` that the token
           * has. It serves for issuers whose tokens have no `aud`, such as Amazon Cognito and Clerk. Refusals:
           * `client_mismatch`, `claim_missing`, `claim_malformed`.
           */
          expectedClients?: string | readonly string[];
      }
    | {
          expectedAudience?: never;
          audienceMode?: never;
          /**
           * The clients whose tokens are accepted, in the place of an audience: `aud` is not checked, and may be
           * absent.
           */
          expectedClients: string | readonly string[];
      };

/**
 * Says whether a token is for this API. For audiences that cannot be listed, such as one for each tenant. The library
 * calls it once for each request whose token passed every other check, and never for a token whose signature is not
 * verified. Its arguments are all values of `aud`, which may not be absent, and the configured issuer. It must be
 * synchronous and return exactly `true` to accept. `false` refuses with `audience_mismatch` (401, RFC 9068 section 4).
 * So does any other value, a Promise, and an error that it throws. The message of the error becomes part of
 * `debugErrorMessage`, cut after 300 characters. The DPoP proof of the request, if it has one, is used up by then.
 *
 * Compare whole values. A comparison of parts (`startsWith`, `includes`, a RegExp without `^` and `$`) accepts tokens
 * that are for other APIs.
 *
 * @example
 * ```ts
 * import { createValidator } from "oidc-spa-native";
 *
 * const tenants = new Set(["https://a.api.example.com", "https://b.api.example.com"]);
 *
 * createValidator({
 *     issuerUri: "https://auth.example.com",
 *     expectedAudience: audiences => audiences.length === 1 && audiences.every(audience => tenants.has(audience))
 * });
 * ```
 */
export type AudienceFunction = (
    audiences: readonly string[],
    context: { readonly issuerUri: string }
) => boolean;

/** An issuer, and how its tokens are verified. */
export interface IssuerSource {
    /**
     * The issuer's identifier, as in its tokens' `iss` claim: https (http for a loopback address), without query
     * or fragment. Metadata is read from its `.well-known/openid-configuration`, then from
     * `.well-known/oauth-authorization-server` (RFC 8414 section 3.1).
     *
     * Beside `jwksUri` or `keys` nothing is fetched from it, and any StringOrURI (RFC 7519 section 2) is allowed: the
     * http name of AD FS, `"urn:example:issuer"`, `"auth.example.com"`. It must not hold control characters. If it
     * holds a colon, it must be a URI.
     *
     * `{tenantid}` in its path stands for the token's `tid` claim: with
     * `"https://login.microsoftonline.com/{tenantid}/v2.0"` tokens of every Entra ID tenant are accepted. Check `tid`
     * in your handler if not every tenant may enter.
     */
    issuerUri: string;
    /**
     * Further names of the issuer in the `iss` of its tokens, from 1 to 16. Each is a StringOrURI, as `issuerUri`
     * beside `keys`. Google's two names, `https://accounts.google.com` and `accounts.google.com`, are known: write them
     * only with `profile: "rfc9068"`. The verdict's `issuerUri` stays the configured one. No two issuers share a name.
     */
    issuerAliases?: readonly string[] | undefined;
    /** Algorithms that this issuer may sign with. Default: all of {@link Algorithm} except `ML-DSA-*`. */
    algorithms?: readonly Algorithm[] | undefined;
    /**
     * URL of the issuer's JWK Set, or a list of URLs. With a list, the next URL is asked if one fails. No metadata is
     * fetched then. Default: the `jwks_uri` of the issuer's metadata.
     */
    jwksUri?: string | readonly string[] | undefined;
    /**
     * The issuer's keys, known in advance: then nothing is fetched. Or several key sets whose keys all count. Not
     * beside `jwksUri`.
     */
    keys?: StaticKeys | KeySets | undefined;
}

/**
 * Several key sets of one issuer, from 1 to 16: a token may be signed by a key of any of them. Each set is fetched by
 * itself. While one set is missing, tokens signed by keys of the other sets pass. A token whose key is unknown gets
 * `keys_unavailable` (503) then, since its key may be in the missing set.
 *
 * @example
 * ```ts
 * import { createValidator } from "oidc-spa-native";
 *
 * createValidator({
 *     issuerUri: "https://auth.example.com",
 *     expectedAudience: "https://api.example.com",
 *     keys: { sets: ["metadata", { jwksUri: "https://old-auth.example.com/jwks" }, { file: "./emergency-key.pem" }] }
 * });
 * ```
 */
export interface KeySets {
    /**
     * `"metadata"`: the set that the issuer's metadata names. `{ jwksUri }`: a set at a URL; with a list of URLs, the
     * next URL is asked if one fails. The others: as {@link StaticKeys}.
     */
    sets: readonly ("metadata" | { jwksUri: string | readonly string[] } | StaticKeys)[];
}

/** Keys that are not fetched over the network. They are read once, when the validator is made. */
export type StaticKeys =
    | {
          /** A JWK Set (RFC 7517 section 5), as an object. */
          jwks: { readonly keys: readonly object[] };
      }
    | {
          /**
           * Public keys in PEM (`BEGIN PUBLIC KEY`), one or several, one after the other. A line end may be written as
           * the two characters `\n`. They fit any `kid`; up to 16 are tried for one token.
           */
          pem: string;
      }
    | {
          /** Path of a file that holds a JWK Set or PEM. */
          file: string;
      }
    | {
          /** Name of an environment variable of the process that holds a JWK Set or PEM. */
          env: string;
      };

/** How issuers are reached. */
export interface NetworkOptions {
    /** Time to connect, in milliseconds. Default 2000. From 100 to 30000. */
    connectTimeoutMs?: number | undefined;
    /** Time for a whole exchange, a slow body included, in milliseconds. Default 5000. From 100 to 60000. */
    timeoutMs?: number | undefined;
    /**
     * Accept http URLs of other hosts than loopback, for an issuer inside a private network. Default `false`: an
     * attacker who can change an http answer on its way could give you keys of their own.
     */
    allowHttp?: boolean | undefined;
    /**
     * Whether requests may go to private addresses. These are the addresses of private networks, of this machine, of
     * its link (where clouds serve the credentials of their machines), and all others that the internet does not route.
     * Default: the `issuerUri` and the `jwksUri` that you write may lead to any address; the `jwks_uri` of an issuer's
     * metadata may lead as near to this machine as the address that the metadata came from, and no nearer. `true`:
     * every URL may lead to any address. `false`: no URL may lead to a private address, not even one that you write.
     *
     * The library checks, for each connection, the addresses that a host name resolves to. With a forward proxy, the
     * proxy resolves the names: then the library checks only addresses that are written in the URL.
     */
    privateAddresses?: boolean | undefined;
    /**
     * Further certificates to trust, in PEM: of authorities, or a server's own. The certificates of the system's
     * authorities and of `NODE_EXTRA_CA_CERTS` are trusted too; where the system has none, those of Node.js. A
     * certificate that is not an authority's (RFC 5280 section 4.2.1.9) is trusted only for the server that shows it,
     * and not for certificates signed with its key.
     */
    ca?: string | undefined;
    /** Client certificate for mutual TLS, in PEM. */
    clientCertificate?: { cert: string; key: string } | undefined;
    /**
     * Header fields that requests for metadata and keys carry, such as `{ authorization: "Bearer ..." }`, for servers
     * that ask for credentials. They are sent to one origin only: that of `jwksUri`, or of `issuerUri` if no `jwksUri`
     * is written. Options that name several origins are refused beside them. The library never sends them to another
     * origin that metadata or a redirect names, and never writes them into a message. Values are visible ASCII
     * characters; fields of the exchange itself, such as `host`, cannot be set.
     */
    headers?: { readonly [name: string]: string } | undefined;
    /**
     * URL of an http or https proxy; `false`: none. Default: `HTTPS_PROXY` or `ALL_PROXY`, and `NO_PROXY`, of the
     * environment, in capitals or small letters. No proxy is used for http URLs, nor for loopback addresses.
     */
    proxy?: string | false | undefined;
    /**
     * Makes the requests for metadata and keys, in the place of the library's own client: an instrumented client, undici with
     * a dispatcher of its own, or a mock in a test. Default: none; the library makes the requests.
     *
     * The library still decides what is asked and what an answer means: the order of requests, redirects (at most 3, to the
     * same origin), `timeoutMs` for each exchange with its body, `limits.metadataBytes` and `limits.jwkSetBytes` for the
     * decoded body, https except on loopback, and one fetch at a time. The function makes one request and returns its
     * Response. If it throws, rejects, gives no answer in time or something else than a Response, the fetch fails like one
     * that a server does not answer, and `health()` says why.
     *
     * Validators of one thread share keys if their other options about keys and this function are the same. `connectTimeoutMs`,
     * `ca`, `clientCertificate` and `proxy` are refused beside it: the function makes the connections. Addresses are checked as
     * they stand in the URL; the function resolves the names.
     *
     * @example
     * ```ts
     * import { createValidator } from "oidc-spa-native";
     *
     * const validator = createValidator({
     *     issuerUri: "https://auth.example.com",
     *     expectedAudience: "https://api.example.com",
     *     network: {
     *         fetch: (url, init) => {
     *             console.log(`Fetching keys: ${url}`);
     *             return fetch(url, init);
     *         }
     *     }
     * });
     * ```
     */
    fetch?: FetchFunction | undefined;
}

/**
 * Makes one GET request for metadata or keys. It has the signature of `fetch`, and gets the URL as a text. It must pass on its
 * second argument: it has the header fields, and says that redirects are not followed.
 */
export type FetchFunction = (url: string, init: FetchInit) => PromiseLike<FetchedResponse>;

/** The second argument of a `FetchFunction`: the members of a `RequestInit` that the library sets. */
export interface FetchInit {
    /** May hold the secrets of `network.headers`. */
    headers: [name: string, value: string][];
    /** A redirect is an answer: the library decides whether it is followed. */
    redirect: "manual";
    /** The library keeps documents for as long as their issuer says. */
    cache: "no-store";
    /** An `AbortSignal`, which aborts after `network.timeoutMs`. */
    signal: ExpirySignal;
}

/** The members of a `Response` that the library reads. The body must not have been read. */
export interface FetchedResponse {
    readonly status: number;
    readonly headers: { forEach(callback: (value: string, name: string) => void): void };
    /** A `ReadableStream` of bytes, decoded. */
    readonly body: object | null;
    readonly bodyUsed: boolean;
    /** Whether redirects were followed: then the answer is not used. */
    readonly redirected: boolean;
}

/** Size limits of what is read. A longer input is refused before it is decoded. */
export interface Limits {
    /** Bytes of an access token. Default 16384. From 1024 to 65536. */
    accessTokenBytes?: number | undefined;
    /** Bytes of a DPoP proof. Default 8192. From 1024 to 65536. */
    proofBytes?: number | undefined;
    /**
     * DPoP proofs that the memory of this process holds, about 35 bytes each. All validators of the process share it,
     * and the largest of their numbers counts. A validator with its own `clock` has its own memory. When it is full,
     * new proofs are refused with `replay_memory_unavailable`. Default 1000000; with WebAssembly 100000 for each thread
     * or isolate. From 1000 to 100000000. Not with `dpop: "disabled"`.
     */
    replayMemoryEntries?: number | undefined;
    /** Bytes of an issuer's metadata document, decoded. Default 262144. From 1024 to 16777216. */
    metadataBytes?: number | undefined;
    /** Bytes of an issuer's JWK Set, decoded. Default 524288. From 1024 to 16777216. */
    jwkSetBytes?: number | undefined;
}

/**
 * `"allowed"`: Bearer and DPoP. `"required"`: DPoP only. `"disabled"`: Bearer only; tokens bound to a key are refused.
 */
export type DpopMode = "allowed" | "required" | "disabled";

/** Whether a token must be bound to a key or certificate: `"allowed"`, it may be; `"required"`, it must be. */
export type BindingMode = "allowed" | "required";

/** How long a request waits for the replay store, and what happens without an answer. */
export interface ReplayStoreLimits {
    /** How long a request waits for an answer, connecting included, in milliseconds. Default 250. From 10 to 10000. */
    timeoutMs?: number | undefined;
    /**
     * What happens if there is no answer in time. `"refuse"` (default): `replay_memory_unavailable`, 503 with
     * `Retry-After`. `"process-memory"`: the memory of this process decides; until the store is back, each process
     * accepts the same proof once.
     */
    onUnavailable?: "refuse" | "process-memory" | undefined;
}

/**
 * A replay store in Redis 2.6.12 or later, or Valkey. One `SET key 1 NX PX …` a proof, over one connection that
 * all validators and worker threads of the process share. Set `maxmemory-policy noeviction` there.
 *
 * @example
 * ```ts
 * import { createValidator } from "oidc-spa-native";
 *
 * createValidator({
 *     issuerUri: "https://auth.example.com",
 *     expectedAudience: "https://api.example.com",
 *     replayStore: { redis: process.env.REDIS_URL ?? "redis://127.0.0.1:6379" }
 * });
 * ```
 */
export interface RedisReplayStore extends ReplayStoreLimits {
    /**
     * A server: `redis://user:password@host:6379/0`. A server that Sentinels watch:
     * `redis-sentinel://user:password@host:26379,host2:26379/mymaster/0`, with `?sentinelUsername=` and
     * `&sentinelPassword=` if they have a login of their own. A Cluster: `redis-cluster://host:7001,host2:7002`. With
     * TLS, `rediss` for `redis`. User and password are percent-encoded; the user may be left out.
     */
    redis: string;
    /** Beginning of every key. Default `"oidc-spa-native:dpop:"`. At most 256 bytes. */
    prefix?: string | undefined;
    /**
     * With TLS: certificates of the authorities to trust, in PEM. Default: those of the system. One that is a server's own
     * (not `CA:TRUE`) is an error: what its key signs would be trusted for every server.
     */
    ca?: string | undefined;
    /** With TLS: the client's certificate, in PEM. */
    clientCertificate?: { cert: string; key: string } | undefined;
}

/** Your own replay store. Any other result than `true` or `false`, or a late one, counts as no answer. */
export interface CustomReplayStore extends ReplayStoreLimits {
    /**
     * Stores the key unless it is stored already, in one atomic step that all processes see. It is called once for each
     * proof, after every other check has passed.
     *
     * @param key - 43 characters of base64url
     * @param expiresAt - until when the key must be kept, in milliseconds since 1970-01-01T00:00:00Z: six minutes from
     * now or from the proof's `iat`, whichever is later. It does not depend on the options of this validator, since
     * other processes may have others
     * @returns `true` if the key was not stored before; `false` if it was
     */
    checkAndStore(key: string, expiresAt: number): Promise<boolean>;
}

/** Options that hold for every issuer of a validator. */
export interface CommonOptions<Claims, Lacking extends OptionalClaim = never> {
    /** The shape of the application's claims. Without it, claims are {@link AccessTokenClaims}. */
    claims?: ClaimsSchema<Claims, AccessTokenClaimsLacking<Lacking>> | undefined;
    /**
     * `"default"` accepts the access tokens of the common issuers: it requires the claims that it decides by, and
     * checks the types of these claims only. `"rfc9068"` requires all of RFC 9068 sections 2.2 and 4: `typ` of
     * `at+jwt`, `aud`, `client_id`, `jti`, the types of all claims, and an `iss` that equals `issuerUri` to the letter.
     */
    profile?: "default" | "rfc9068" | undefined;
    /**
     * Accept ID tokens in the place of access tokens, and access tokens that look like them (Dex writes `at_hash` into
     * its own). Default `false`. Not with `profile: "rfc9068"`.
     */
    acceptIdTokens?: boolean | undefined;
    /**
     * Claims that a token may lack although RFC 9068 requires them: `"sub"` and `"iat"`. Some issuers leave `sub` out
     * of tokens for machines (IdentityServer, Keycloak without the client scope `basic`). The TypeScript type of the
     * claims follows. Default: no claim. A claim that is present must have the right type. Not with
     * `profile: "rfc9068"`. Without a schema `claims` may lack them; `rawClaims` may too, whatever its type says.
     */
    optionalClaims?: readonly Lacking[] | undefined;
    /**
     * Greatest age of a token, in seconds since its `iat`, independent of its `exp`. Default: no limit. From 1 to
     * 31536000. A token that is older is refused with `token_expired`. Not with `"iat"` in `optionalClaims`.
     */
    maxTokenAgeSeconds?: number | undefined;
    /**
     * Leeway on `exp` and `nbf`, in seconds: how far the clock of this server and the issuer's clock may be apart.
     * Default: 0 for `exp`, 10 for `nbf`, since issuers round `nbf` up. From 0 to 300; a value that you write holds for
     * both.
     */
    leewaySeconds?: number | undefined;
    /**
     * `"allowed"` (default): Bearer and DPoP. `"required"`: DPoP only. `"disabled"`: Bearer only; tokens bound to
     * a key are refused. The rule `dpop` of a route comes before the first two; what is `"disabled"` here stays so on every
     * route, and an option about proofs beside it is an error.
     */
    dpop?: DpopMode | undefined;
    /**
     * `"required"`: a token must be bound to a TLS client certificate (`cnf["x5t#S256"]`, RFC 8705 section 3), and the
     * request must come with this certificate; see `clientCertificate`. Other tokens are refused with `token_unbound`.
     * Default `"allowed"`. With `dpop: "required"`, tokens must be bound to both.
     */
    certificate?: BindingMode | undefined;
    /**
     * `"required"`: a token must be bound to a DPoP key or to a TLS client certificate, as FAPI 2.0 Security Profile
     * section 5.3.2.1 asks. Others are refused with `token_unbound`. Default `"allowed"`.
     */
    senderConstrained?: BindingMode | undefined;
    /**
     * Stricter rules to try. Each granted request is judged by them a second time, and no request is refused by them.
     * `metrics().shadow` and the channel `oidc-spa-native:shadow` show which requests they would refuse. Default: none,
     * and no cost. Each rule must be stricter than the other options. Not together with a function in `issuers`.
     */
    shadow?: ShadowRules | undefined;
    /** Algorithms that clients may sign DPoP proofs with. Default: all of {@link Algorithm} except `ML-DSA-*`. */
    proofAlgorithms?: readonly Algorithm[] | undefined;
    /**
     * Greatest age of a DPoP proof by its `iat`, in seconds (RFC 9449 section 4.3, check 11). Default 40. From 1 to
     * 300.
     */
    proofMaxAgeSeconds?: number | undefined;
    /**
     * How many seconds the `iat` of a DPoP proof may lie ahead of this server's clock, since the clocks of clients
     * differ. The clock of another process that gave a nonce may be ahead by the same time, but not by more than one
     * nonce period. Default 10, as FAPI 2.0 asks. From 0 to 300.
     */
    proofLeewaySeconds?: number | undefined;
    /**
     * Whether clients must put a nonce of this server into their DPoP proofs (RFC 9449 section 9). `"off"` (default).
     * `"on-stale-proof"`: only if the `iat` of a proof is not fresh, so that a client with a wrong clock succeeds at
     * its second try. `"required"`: always, so that a proof made in advance is refused.
     *
     * Send the verdict's `headers` with every response, also of a granted request: they hold `DPoP-Nonce` (and then
     * `Cache-Control: no-store`). For clients in browsers, expose it:
     * `Access-Control-Expose-Headers: WWW-Authenticate, DPoP-Nonce`.
     */
    nonce?: "off" | "on-stale-proof" | "required" | undefined;
    /**
     * The secret that nonces are derived from: at least 32 characters that an attacker cannot guess, the same in every
     * process behind one URL. Default: a random secret for each process.
     */
    nonceSecret?: string | undefined;
    /**
     * How long the server gives out one nonce, in seconds. The nonce is accepted for the same time again. Default 60.
     * From 5 to 600. Not with `nonce: "off"`.
     */
    noncePeriodSeconds?: number | undefined;
    /**
     * How many seconds a proof's `iat` may lie before or after this server's clock if the proof holds a good nonce. A
     * client's clock may be wrong by that much. Default 300. From 0 to 300. Not with `nonce: "off"`.
     */
    nonceLeewaySeconds?: number | undefined;
    /**
     * The replay store, a memory of DPoP proofs that all processes behind one URL share: Redis or Valkey, or your own
     * store. Default: no store. Then each process remembers proofs for itself, and each accepts the same proof once.
     */
    replayStore?: RedisReplayStore | CustomReplayStore | undefined;
    /**
     * Whether `Forwarded` and `X-Forwarded-*` are read to learn how the client saw this server. Default `false`. `true`
     * takes the first value of each. A number from 1 to 16 takes the value that the nth proxy wrote, counted from this
     * server (and a scheme that stands alone). A list of addresses and networks (`["10.0.0.0/8"]`) takes the value of
     * the outermost of these proxies; it is found by the connection's address and `X-Forwarded-For` (requests of
     * Node.js only). An IPv4 address may be written as an IPv6 one (`"::ffff:10.0.0.1"`, `"::ffff:10.0.0.0/104"`). The
     * schemes `wss` and `ws` mean `https` and `http`. Where the two kinds of fields contradict each other, DPoP
     * requests are refused. Trust only proxies that overwrite or append to these fields: the check of a DPoP proof's
     * URL depends on them. `docs/proxies.md` says what to write for the common proxies. Not together with
     * `publicBaseUrl`.
     *
     * With `false` and without `publicBaseUrl`, **`Host` decides for which host a proof must be**, and the sender of a
     * request writes it. If another server has the same path and accepts the same access token, a proof that a client
     * made for that server is accepted here, with that server's name in `Host`. Set `publicBaseUrl`, or let the server
     * or proxy take requests for its own hosts only. If a proof is granted for a host that no https URL of
     * `expectedAudience` and `resource` names, the library warns once (code `OIDC_SPA_NATIVE_HOST_DIFFERS`; not for
     * loopback hosts).
     */
    trustProxy?: boolean | number | readonly string[] | undefined;
    /**
     * The URL under which clients see this server, such as `"https://api.example.com"` or `"https://example.com/api"`.
     * With it, no header, not even `Host`, decides which URL a DPoP proof must name. This is the safest choice. A
     * request target in absolute form (RFC 9112 section 3.2.2) must name its origin.
     */
    publicBaseUrl?: string | undefined;
    /**
     * The identifier of this API as a protected resource (RFC 9728 section 1.2): an https URL (http for a loopback
     * address) without fragment, in its normal form. With it, `validator.resourceMetadata` holds the document to serve,
     * and every challenge holds `resource_metadata`, so that clients find the authorization server by themselves. It
     * should be one of `expectedAudience`; the library warns if it is not.
     */
    resource?: string | undefined;
    /** Further members of the metadata that do not follow from other options (RFC 9728 section 2). */
    resourceMetadata?: ResourceDescription | undefined;
    /**
     * Whether `X-Forwarded-Prefix` of the proxies that `trustProxy` names is read too: the part of the path that each
     * proxy removed. Default `false`, since most proxies pass on the value that a client wrote. Make your proxy set or
     * remove the field in every request. With `publicBaseUrl`, write the prefix into that URL.
     */
    trustProxyPrefix?: boolean | undefined;
    /**
     * The source of the TLS client certificate that a token may be bound to (`cnf["x5t#S256"]`, RFC 8705 section 3).
     * `"socket"` (default): the connection of a Node.js request. Its server must ask for the certificate
     * (`requestCert: true`); any signer of the certificate will do. `"header"`: the `Client-Cert` field (RFC 9440) of a
     * proxy that `trustProxy` names; the proxy must remove the field from what clients send. `false`: neither. A
     * certificate that you pass as `clientCertificate` beside `method` and `url` counts in any case.
     */
    clientCertificate?: "socket" | "header" | false | undefined;
    /** How long a request waits for keys that are being fetched, in milliseconds. Default 5000. From 0 to 60000. */
    keysTimeoutMs?: number | undefined;
    /** Least time between two refreshes caused by unknown keys, in seconds. Default 30. From 1 to 3600. */
    keysCooldownSeconds?: number | undefined;
    /**
     * How long keys are fresh if the issuer's `Cache-Control` gives no time, in seconds. Default 600. From 60 to 86400.
     * The library refreshes them in the background before that time ends.
     */
    keysAgeSeconds?: number | undefined;
    /**
     * How long keys that are no longer fresh are still used while the issuer cannot be reached, in seconds. Default
     * 43200 (12 hours). From 0 to 31536000, or `"forever"`. After this time requests get `keys_unavailable` (503).
     */
    keysOutageSeconds?: number | "forever" | undefined;
    /**
     * Keys that another process fetched, as `validator.snapshot()` gave them, for a start without a wait (serverless
     * functions). The validator uses them at once. Their age counts from the time when the other process fetched them,
     * and they are refreshed in the background before this age ends; keys that are older are refreshed at once. Until
     * the issuer has answered, they are used no longer than `keysSnapshotMaxAgeSeconds` after they were fetched.
     *
     * **A person who can write this text can give themselves access**: keep it where only your program can write. A
     * snapshot that is malformed, too old, of another version or of other issuers is not used. Then a warning says why
     * (`OIDC_SPA_NATIVE_OPTIONS`), and the keys are fetched. Not where `issuers` is a function.
     */
    keysSnapshot?: string | undefined;
    /**
     * How long the keys of `keysSnapshot` are used after they were fetched, in seconds, if the issuer has not answered
     * yet. A key that the issuer has withdrawn may work for that time. Default 3600. From 60 to 86400.
     */
    keysSnapshotMaxAgeSeconds?: number | undefined;
    /** How issuers are reached. */
    network?: NetworkOptions | undefined;
    /**
     * Which thread verifies signatures. `"auto"` (default): the calling thread while requests come one at a time; other
     * threads of the process when many come at once, or when a signature takes long (ES384, ES512, long RSA keys), so
     * that the event loop stays free. `"inline"`: always the calling thread. `"threads"`: always other threads. The
     * verdict is the same.
     */
    verification?: "auto" | "inline" | "threads" | undefined;
    /**
     * Size of each of two memories of verified tokens, in bytes; one of them is for DPoP-bound tokens. Every validator
     * has its own memories in every JavaScript thread. Default 16777216. From 65536 to 1073741824; `false`: no memory.
     * A token that comes again is not verified again while it is valid and the issuer's keys stay the same; proofs are
     * checked each time. The memory does not change which tokens are accepted: with and without it, a JWT is accepted
     * until its `exp`, even if the issuer has revoked it.
     */
    verifiedTokenMemory?: number | false | undefined;
    /** Size limits of what is read. */
    limits?: Limits | undefined;
    /**
     * Called once for each refusal, with the refusal and the request, to log it. The guards of the adapters call it for all
     * routes, with the request of the framework, after the route's own `onRejected`. A request that a route lets pass
     * (`optional`) is not a refusal. Without a guard, `validateRequest`, `validateRequestOrThrow` and
     * `validateRequestSync` call it with their first argument. `authorize` and `explain` do not call it. The answer does not
     * wait for it and does not depend on it. If it throws or rejects, the process warns once.
     *
     * @example
     * ```ts
     * import { createValidator } from "oidc-spa-native";
     *
     * const validator = createValidator({
     *     issuerUri: "https://auth.example.com",
     *     expectedAudience: "https://api.example.com",
     *     onRejected: ({ refusalId, code, debugErrorMessage }) => console.warn(refusalId, code, debugErrorMessage)
     * });
     * ```
     */
    onRejected?: ((refusal: Refused, request: unknown) => void) | undefined;
    /**
     * The body of the responses to refused requests, of all routes that have no `respond` of their own: a text
     * (`text/plain`), an object (JSON), or `{ contentType, body }`. Status, challenge and the other header fields stay as
     * they are. Default: a problem document (RFC 9457). Where the function throws, or returns a Promise or anything else, the
     * problem document is sent, and a warning says so once. Not with `rejection: "throw"`. tRPC and socket.io have error
     * formats of their own and do not ask it.
     *
     * @example
     * ```ts
     * import { createValidator } from "oidc-spa-native";
     *
     * const validator = createValidator({
     *     issuerUri: "https://auth.example.com",
     *     expectedAudience: "https://api.example.com",
     *     respond: ({ code, refusalId }) => ({ error: { code, support: refusalId } })
     * });
     * ```
     */
    respond?: ((refusal: Refused, request: unknown) => RefusalBody) | undefined;
    /**
     * `"respond"` (default): guards answer refused requests themselves. `"throw"`: they hand a {@link RefusedError} with
     * status and header fields to the framework's own error handler, for all routes that do not say otherwise. `/node-http`,
     * WebSocket upgrades and socket.io have no such handler, and answer always; tRPC gets an error always.
     */
    rejection?: Rejection | undefined;
    /**
     * Told where a trouble begins and where it ends: keys of an issuer that cannot be fetched or are beyond their age, a
     * replay store that gives no answer, a function `issuers` that fails. Default: none; the process warns
     * (`process.emitWarning`, type `oidc-spa-native`), once whatever the number of its threads. With it the process does
     * not warn of this validator's troubles. Of one thing a trouble is told once in 10 minutes at most, of all together 20;
     * the end of each that was told is told. It is not waited for; what it throws or rejects with is a warning, once.
     *
     * @example
     * ```ts
     * import { createValidator } from "oidc-spa-native";
     *
     * const validator = createValidator({
     *     issuerUri: "https://auth.example.com",
     *     expectedAudience: "https://api.example.com",
     *     onWarning: ({ code, state, message }) => console.warn(code, state, message)
     * });
     * ```
     */
    onWarning?: ((warning: OperatorWarning) => void) | undefined;
    /**
     * The time in milliseconds since 1970-01-01T00:00:00Z. Default `Date.now`. For tests. A validator with a clock
     * of its own has a replay memory of its own.
     */
    clock?: (() => number) | undefined;
}

/** Members of the protected resource metadata (RFC 9728 section 2) that only the application knows. */
export interface ResourceDescription {
    /** `scopes_supported`: the scopes that clients may ask for. */
    scopesSupported?: readonly string[] | undefined;
    /** `resource_name`: a name for people. */
    resourceName?: string | undefined;
    /** `resource_documentation`: URL of a page for developers. */
    resourceDocumentation?: string | undefined;
    /** `resource_policy_uri`: URL of a page on how data may be used. */
    resourcePolicyUri?: string | undefined;
    /** `resource_tos_uri`: URL of the terms of service. */
    resourceTosUri?: string | undefined;
}

/**
 * The protected resource metadata of a validator (RFC 9728). It is made of the options only, and does not depend on a
 * request.
 */
export interface ResourceMetadata {
    /**
     * The URL where clients look for it: the well-known path stands between host and path of `resource` (section 3.1).
     */
    url: string;
    /** Path of `url`, with its query if it has one. Serve the document there, without authentication. */
    path: string;
    /** The document, to be served as JSON. */
    document: { resource: string; [member: string]: unknown };
}

/**
 * Returns the options of an issuer by its name. For issuers that are not known when the validator is made, such as
 * tenants in a database. The library calls it when a token names an issuer that is not known yet, once for all requests
 * that wait. The argument is the token's `iss`, a StringOrURI of at most 512 bytes. **The sender of the request wrote
 * it**: the token is not verified yet. Look it up as a whole; never make a URL, a path or a query of it.
 *
 * It returns the options of that issuer. Their `issuerUri`, or one of their `issuerAliases`, must be this name (one
 * trailing slash aside). It returns `null` if the name is not one of your issuers: such tokens are refused with
 * `issuer_mismatch`. If it throws, rejects, gives no answer within `issuerLookup.timeoutMs` or returns anything else,
 * requests get `keys_unavailable` (503), and the channel `oidc-spa-native:keys` publishes `lookup-failed`. The message
 * of its error becomes part of `debugErrorMessage`, cut after 300 characters.
 *
 * Requests to private addresses are made only if `network.privateAddresses` is `true`, whatever the options of a tenant
 * say. `network.headers` cannot be written beside such a function.
 *
 * @example
 * ```ts
 * import { createValidator } from "oidc-spa-native";
 *
 * const tenants = new Map([["https://a.auth.example.com", "https://a.api.example.com"]]);
 *
 * createValidator({
 *     issuers: async iss => {
 *         const expectedAudience = tenants.get(iss);
 *         return expectedAudience === undefined ? null : { issuerUri: iss, expectedAudience };
 *     }
 * });
 * ```
 */
export type IssuerFunction = (iss: string) => IssuerOptions | null | PromiseLike<IssuerOptions | null>;

/** Limits on calls of the function `issuers`, and on what is remembered of its answers. Whole numbers. */
export interface IssuerLookup {
    /**
     * Greatest number of known issuers at a time. A new issuer beyond this number replaces the one whose tokens came
     * least recently. The keys of the replaced issuer are no longer fetched. Default 1000. From 1 to 100000.
     */
    maxKnown?: number | undefined;
    /**
     * How long an issuer's options hold, in seconds. After this time the next request calls the function again. The old
     * options are used until it answers, up to twice this time. `forgetIssuer` ends them at once. Default 300. From 1
     * to 86400.
     */
    ageSeconds?: number | undefined;
    /**
     * How many names that belong to no issuer are remembered at a time; the latest ones stay. Default 10000. From 1 to
     * 1000000.
     */
    maxUnknown?: number | undefined;
    /** How long the library remembers that a name belongs to no issuer, in seconds. Default 60. From 1 to 3600. */
    unknownAgeSeconds?: number | undefined;
    /**
     * Calls of the function in one second for names that are not known. Requests with further such names get
     * `keys_unavailable` (503). Requests with known issuers are not affected. Default 50. From 1 to 10000.
     */
    maxPerSecond?: number | undefined;
    /**
     * Unanswered calls at a time for names that are not known, and the same number for known names. Default 16. From 1
     * to 1000.
     */
    maxAtOnce?: number | undefined;
    /** How long the function may take, in milliseconds. Default 3000. From 10 to 60000. */
    timeoutMs?: number | undefined;
}

/** State of the issuers where `issuers` is a function. */
export interface IssuerLookupHealth {
    /** Issuers that are known now. */
    known: number;
    /** Names that belong to no issuer, or whose call of the function failed a moment ago. */
    unknown: number;
    /**
     * The reason of the last failed call; `null` if no call failed. The name in it comes from a client and is not
     * verified.
     */
    lastError: string | null;
}

/** Options of {@link createValidator}: one issuer, or several. */
export type ValidatorOptions<
    Claims = AccessTokenClaims,
    Lacking extends OptionalClaim = never
> = CommonOptions<Claims, Lacking> &
    (
        | (IssuerOptions & { issuers?: never; issuerLookup?: never })
        | {
              /**
               * The issuers whose tokens are accepted; or a function that returns the options of each: {@link
               * IssuerFunction}.
               */
              issuers: readonly IssuerOptions[] | IssuerFunction;
              /** Limits on calls of the function `issuers`, and on what is remembered of its answers. */
              issuerLookup?: IssuerLookup | undefined;
              issuerUri?: never;
              issuerAliases?: never;
              expectedAudience?: never;
              expectedClients?: never;
              audienceMode?: never;
              algorithms?: never;
              jwksUri?: never;
              keys?: never;
          }
    );

/** Header fields by name, as Node gives them (`req.headers`). Names are read without regard to case. */
export type HeadersRecord = { readonly [name: string]: string | readonly string[] | undefined };

/** What the Fetch API calls `Headers`. */
export interface HeadersLike {
    get(name: string): string | null;
}

/** What the Fetch API calls `Request`: Bun, Deno, Next.js, h3. */
export interface FetchRequestLike {
    readonly url: string;
    readonly method: string;
    readonly headers: HeadersLike;
}

/** A request of `node:http`, `node:https` or `node:http2`, and so of Express, NestJS and Connect. */
export interface NodeRequestLike {
    readonly headers: HeadersRecord;
    readonly rawHeaders?: readonly string[];
    readonly method?: string | undefined;
    readonly url?: string | undefined;
    readonly originalUrl?: string | undefined;
    readonly socket: object;
}

/** A request that wraps another one: Hono (`c.req`), Fastify. */
export interface WrappedRequestLike {
    readonly raw: FetchRequestLike | NodeRequestLike;
    readonly originalUrl?: string | undefined;
}

/** Koa's context, or its request: it holds Node's as `req`. */
export interface KoaContextLike {
    readonly req: NodeRequestLike;
    readonly originalUrl?: string | undefined;
}

/** A framework's whole request, accepted wherever headers are. */
export type RequestLike = FetchRequestLike | NodeRequestLike | WrappedRequestLike | KoaContextLike;

/** Method and URL of a request. Needed for DPoP only. */
export interface RequestTarget {
    /** The HTTP method, in its original case. */
    method: string;
    /**
     * The absolute URL as the client saw it; or the request target (`"/v1/items?x=1"`), if `publicBaseUrl` is set or
     * the headers say the rest. An absolute URL has priority over the headers, unless it is the `url` of the request
     * beside it: a client may send that in absolute form. Do not pass `req.url` beside headers alone.
     */
    url: string;
    /**
     * The client's TLS certificate in DER, if this library cannot see the connection: on Fetch-style servers, for
     * example. It has priority over any other.
     *
     * @example
     * ```ts
     * import { TLSSocket } from "node:tls";
     * import { createValidator } from "oidc-spa-native";
     *
     * const validator = createValidator({
     *     issuerUri: "https://auth.example.com",
     *     expectedAudience: "https://api.example.com"
     * });
     *
     * // Behind a bridge from `node:https` to the Fetch API.
     * export const handle = async (request: Request, socket: TLSSocket) => {
     *     const clientCertificate = socket.getPeerX509Certificate()?.raw;
     *     return validator.validateRequest(request, { method: request.method, url: request.url, clientCertificate });
     * };
     * ```
     */
    clientCertificate?: Uint8Array | undefined;
}

/** The request may enter. */
export interface Granted<Claims = AccessTokenClaims> {
    isSuccess: true;
    /** The claims, as the application's schema typed them. */
    claims: Claims;
    /** The claims as they were in the token. */
    rawClaims: AccessTokenClaims;
    /** The access token, for calls on behalf of the client. */
    accessToken: string;
    /** The scheme with which the client sent the token. */
    scheme: "Bearer" | "DPoP";
    /** The configured issuer that the token comes from. */
    issuerUri: string;
    /** Header fields to send with the response: `DPoP-Nonce`, if the client does not have the current one. */
    headers: Record<string, string>;
    code?: never;
    errorCause?: never;
    debugErrorMessage?: never;
    status?: never;
}

/** The request must not enter. */
export interface Refused {
    isSuccess: false;
    /** The reason for programs. A code is never renamed. */
    code: ErrorCode;
    /**
     * The name of this one refusal, 16 random characters from 0 to f. The problem document holds it too: with what a
     * user reads there, support finds the line in your log.
     */
    refusalId: string;
    /** The cause, as `oidc-spa/server` names it. */
    errorCause: ErrorCause;
    /**
     * The reason for developers: what was expected and what came. It never holds a token. Do not send it to clients.
     */
    debugErrorMessage: string;
    /** HTTP status of the response: 400, 401, 403 or 503. */
    status: 400 | 401 | 403 | 503;
    /** Header fields to send with the response: `WWW-Authenticate` (RFC 6750 section 3), `Retry-After`, `DPoP-Nonce`. */
    headers: Record<string, string>;
    claims?: never;
    rawClaims?: never;
    accessToken?: never;
    scheme?: never;
    issuerUri?: never;
}

/** The body of a refusal's response: a text, what becomes JSON, or both told apart by `contentType`. */
export type RefusalBody = string | object | { contentType: string; body: string };

/** What a guard does with a refused request: answer it, or throw a {@link RefusedError}. */
export type Rejection = "respond" | "throw";

/** The answer to a request. `validateRequest` throws for no request that a client can send. */
export type Verdict<Claims = AccessTokenClaims> = Granted<Claims> | Refused;

/**
 * A refusal as an error: what `validateRequestOrThrow` rejects with. Express, Koa, Fastify and others send `status` and
 * `headers` of an error by themselves.
 *
 * @example
 * ```ts
 * import { createValidator, RefusedError } from "oidc-spa-native";
 *
 * const validator = createValidator({
 *     issuerUri: "https://auth.example.com",
 *     expectedAudience: "https://api.example.com"
 * });
 *
 * // The context of a GraphQL server.
 * export const contextOf = async (request: Request) => {
 *     try {
 *         return await validator.validateRequestOrThrow(request);
 *     } catch (error) {
 *         if (error instanceof RefusedError) {
 *             console.warn(error.refusal.debugErrorMessage);
 *         }
 *         throw error;
 *     }
 * };
 * ```
 */
export class RefusedError extends Error {
    /** Makes an error of a refusal, for example of one that `authorize` returned. */
    constructor(refusal: Refused);
    readonly name: "RefusedError";
    /**
     * The reason in general words that a client may read. The sentence for developers is `refusal.debugErrorMessage`.
     */
    readonly message: string;
    /** The reason for programs. A code is never renamed. */
    readonly code: ErrorCode;
    /** The name of this one refusal, for your log and for the client. */
    readonly refusalId: string;
    /** HTTP status of the response: 400, 401, 403 or 503. */
    readonly status: Refused["status"];
    /** Header fields to send with the response, in an object of its own. */
    readonly headers: Record<string, string>;
    /** The whole refusal. It is not enumerable, so the JSON of the error does not hold it. */
    readonly refusal: Refused;
}

/**
 * Rules that are tried before they are enforced: what the options of the same names would say. At least one is written. The rules of
 * a route (`dpop`, `certificate`, `senderConstrained`) go before them, as they go before the options.
 */
export interface ShadowRules {
    profile?: "rfc9068" | undefined;
    dpop?: "required" | undefined;
    audienceMode?: "only" | undefined;
    certificate?: "required" | undefined;
    senderConstrained?: "required" | undefined;
    /** In seconds; less than the option `maxTokenAgeSeconds`, where that is written. From 1 to 31536000. */
    maxTokenAgeSeconds?: number | undefined;
}

/** Rules for one request. */
export interface RequestRules {
    /** Which schemes are accepted for this request. Default: those of the validator. The challenges follow. */
    dpop?: DpopMode | undefined;
    /** Whether the token must be bound to a client certificate. Default: as the validator says. */
    certificate?: BindingMode | undefined;
    /** Whether the token must be bound to a DPoP key or a client certificate. Default: as the validator says. */
    senderConstrained?: BindingMode | undefined;
}

/**
 * What a good token must permit. `oidc-spa-native/authorization` has functions that make requirements: scopes, roles,
 * step-up, any predicate, and several of these together.
 */
export interface Requirement<Claims = unknown> {
    /**
     * Returns what the token lacks, or `null` if it lacks nothing. `nowSeconds` is the validator's time. If it throws,
     * the request is refused.
     */
    readonly shortfall: (granted: Granted<Claims>, nowSeconds: number) => Shortfall | null;
    /** The scopes that fulfil it, if it is about scopes. */
    readonly scopes?: readonly string[];
}

/**
 * A requirement, or a list of requirements that must all be fulfilled. An empty list is not allowed, since every
 * request would pass it.
 */
export type Requirements<Claims = unknown> =
    | Requirement<Claims>
    | readonly [Requirement<Claims>, ...Requirement<Claims>[]];

/** What a token lacks, and what the challenge says that the client needs. */
export interface Shortfall {
    code:
        | "scope_insufficient"
        | "role_insufficient"
        | "permission_insufficient"
        | "authentication_insufficient";
    /** The reason for developers. Do not send it to clients. */
    debugErrorMessage: string;
    /** `scope` of the challenge (RFC 6750 section 3). */
    scopes?: readonly string[];
    /** `acr_values` of the challenge, the preferred one first (RFC 9470 section 3). */
    acrValues?: readonly string[];
    /** `max_age` of the challenge, in seconds (RFC 9470 section 3). */
    maxAgeSeconds?: number;
}

/**
 * An object that can end: an `AbortSignal`, or an emitter of `close`, such as a response, a socket or a stream of
 * Node.js.
 */
export type Ending =
    | {
          readonly aborted: boolean;
          addEventListener(
              type: "abort",
              listener: () => void,
              options?: { once?: boolean; signal?: ExpirySignal }
          ): void;
      }
    | { once(event: "close", listener: () => void): unknown; readonly destroyed?: boolean };

/** An `AbortSignal`. If the program's types do not know `AbortSignal`, the members of it that the library uses. */
export type ExpirySignal = typeof globalThis extends { AbortSignal: { prototype: infer Signal } }
    ? Signal
    : {
          readonly aborted: boolean;
          readonly reason: unknown;
          addEventListener(type: "abort", listener: () => void, options?: { once?: boolean }): void;
          removeEventListener(type: "abort", listener: () => void): void;
      };

/** A resource server's guard. Made by {@link createValidator}. */
export interface Validator<Claims = AccessTokenClaims> {
    /**
     * Decides whether a request may enter.
     *
     * Validates: the `Authorization` field, the token's signature, type, issuer, audience, times and claims, and for
     * DPoP the twelve checks of RFC 9449 section 4.3 with replay protection. Does not validate: revocation, the
     * request's body, scopes and roles.
     *
     * @param headers - header fields, `rawHeaders`, or the whole request of a framework
     * @param target - method and URL; not needed with a whole request. With header fields alone DPoP is not accepted.
     * @param rules - rules that differ for this request
     * @returns the verdict; the Promise rejects only if this library fails
     * @throws TypeError if `headers` is none of the accepted types
     * @example
     * ```ts
     * import { createServer } from "node:http";
     * import { createValidator } from "oidc-spa-native";
     *
     * const validator = createValidator({
     *     issuerUri: "https://auth.example.com/realms/myrealm",
     *     expectedAudience: "https://api.example.com"
     * });
     *
     * createServer(async (req, res) => {
     *     const verdict = await validator.validateRequest(req);
     *     if (!verdict.isSuccess) {
     *         res.writeHead(verdict.status, verdict.headers).end();
     *         return;
     *     }
     *     res.end(`Hello ${verdict.claims.sub}`);
     * });
     * ```
     */
    validateRequest(
        headers: HeadersLike | HeadersRecord | readonly string[] | RequestLike,
        target?: RequestTarget | null,
        rules?: RequestRules
    ): Promise<Verdict<Claims>>;
    /**
     * As `validateRequest`, for code that wants a grant or an error: resolvers, interceptors, strategies.
     *
     * @returns the grant; the Promise rejects with {@link RefusedError} if the request must not enter, and with another
     * error only if this library fails
     * @throws TypeError as `validateRequest`
     */
    validateRequestOrThrow(
        headers: HeadersLike | HeadersRecord | readonly string[] | RequestLike,
        target?: RequestTarget | null,
        rules?: RequestRules
    ): Promise<Granted<Claims>>;
    /**
     * As `validateRequest`, but synchronous, for code that cannot wait. The calling thread verifies, whatever
     * `verification` says.
     *
     * @returns the verdict; `null` if it must wait for the issuer's keys (call `ready()` first; a new key is not known
     * either) or for a `replayStore`. Then nothing was written, and you can call `validateRequest`
     * @throws TypeError as `validateRequest`, and if the schema in `claims` answers with a Promise
     */
    validateRequestSync(
        headers: HeadersLike | HeadersRecord | readonly string[] | RequestLike,
        target?: RequestTarget | null,
        rules?: RequestRules
    ): Verdict<Claims> | null;
    /**
     * Says why a request would be refused, or that it would be granted. It lists every check in order, with the clause
     * of its standard, what was expected and what came. For developers who look for a fault; do not call it for each
     * request, and do not send its result to clients.
     *
     * It makes the same checks as `validateRequest`, and waits for the issuer's keys too. After a failed check it goes
     * on, where that makes sense. `refusal` is the refusal that `validateRequest` gives for the same request. It grants
     * nothing and remembers nothing, so a proof can be explained any number of times. It does not ask a `replayStore`,
     * and shows neither token nor proof. It runs the schema in `claims` and the requirement.
     *
     * @param rules - the rules of the route, and its requirements as `require`
     * @throws TypeError as `validateRequest`
     * @example
     * ```ts
     * import { createValidator } from "oidc-spa-native";
     *
     * const validator = createValidator({
     *     issuerUri: "https://auth.example.com",
     *     expectedAudience: "https://api.example.com"
     * });
     * const { refusal, checks } = await validator.explain({ authorization: "Bearer eyJ..." });
     * console.log(refusal?.debugErrorMessage ?? "It would be granted");
     * for (const { id, outcome, expected, found } of checks) {
     *     console.log(outcome, id, expected ?? "", found ?? "");
     * }
     * ```
     */
    explain(
        headers: HeadersLike | HeadersRecord | readonly string[] | RequestLike,
        target?: RequestTarget | null,
        rules?: ExplainRules<Claims>
    ): Promise<Explanation>;
    /**
     * Decides whether a good token fulfils a requirement. This is the second step, after `validateRequest` (RFC 9068
     * section 4).
     *
     * The challenge of a refusal is for the scheme that the client used, and says what the client needs:
     * `insufficient_scope` with `scope` (403, RFC 6750 section 3.1), or `insufficient_user_authentication` with
     * `acr_values` and `max_age` (401, RFC 9470 section 3). Roles and predicates are not named to the client (403). A
     * refused verdict is returned as it is. If the request had no credentials, the challenge also names the scopes to
     * ask for (`scope`, RFC 6750 section 3).
     *
     * @param rules - the rules that the request was validated with, so that the challenges agree
     * @throws TypeError if an argument is not a requirement or not a verdict, for example a Promise of a verdict
     * @example
     * ```ts
     * import { createValidator } from "oidc-spa-native";
     * import { allScopes } from "oidc-spa-native/authorization";
     *
     * const validator = createValidator({
     *     issuerUri: "https://auth.example.com",
     *     expectedAudience: "https://api.example.com"
     * });
     * const mayWrite = allScopes(["items:write"]);
     *
     * const verdict = validator.authorize(await validator.validateRequest({ authorization: "Bearer eyJ..." }), mayWrite);
     * ```
     */
    authorize(
        verdict: Verdict<Claims>,
        requirement: Requirements<Claims>,
        rules?: RequestRules
    ): Verdict<Claims>;
    /**
     * Whether the token of a grant has expired by this validator's clock (`exp` and `leewaySeconds`). Then
     * `validateRequest` would refuse it. For messages and events on a connection that lives longer than a request.
     * `null` stands for a request without credentials: the result is `false`.
     *
     * @throws TypeError if it is neither a grant nor `null`
     */
    hasExpired(granted: Granted<Claims> | null): boolean;
    /**
     * A signal that aborts when the token of a grant expires, by this validator's clock, or when `until` ends,
     * whichever comes first. For connections that live longer than a request: sockets, server-sent events,
     * subscriptions, long polls.
     *
     * It aborts no earlier than `exp` plus `leewaySeconds`. If the machine slept or the clock was set, it aborts at
     * most 30 seconds late. One timer serves all grants of a validator, and does not keep the process alive. If the
     * token expired, the signal's `reason` has the `code` `"token_expired"`. `null` stands for a request without
     * credentials: then only `until` ends it. If the token or `until` has ended already, the signal aborts a moment
     * later, so that listeners which are added at once are called. Without `until` the signal is held in memory until
     * the token expires.
     *
     * @param until - ends the signal earlier: a response, a socket, a stream or an `AbortSignal`
     * @throws TypeError if it is neither a grant nor `null`
     * @example
     * ```ts
     * import express from "express";
     * import { createValidator } from "oidc-spa-native";
     * import { protect } from "oidc-spa-native/express";
     *
     * const validator = createValidator({
     *     issuerUri: "https://auth.example.com",
     *     expectedAudience: "https://api.example.com"
     * });
     * const auth = protect(validator);
     *
     * const app = express();
     * app.get("/events", auth, (req, res) => {
     *     const signal = validator.untilExpiry(auth.of(req), res);
     *     const timer = setInterval(() => res.write("data: tick\n\n"), 1000);
     *     signal.addEventListener("abort", () => {
     *         clearInterval(timer);
     *         res.end();
     *     });
     *     res.writeHead(200, { "Content-Type": "text/event-stream" });
     * });
     * ```
     */
    untilExpiry(granted: Granted<Claims> | null, until?: Ending): ExpirySignal;
    /** Which schemes are accepted, unless the rules of a request say otherwise. */
    readonly dpop: DpopMode;
    /** Whether tokens must be bound to a client certificate, unless the rules of a request say otherwise. */
    readonly certificate: BindingMode;
    /** Whether tokens must be bound to a key or a certificate, unless the rules of a request say otherwise. */
    readonly senderConstrained: BindingMode;
    /** What to serve as protected resource metadata; `null` without the option `resource`. */
    readonly resourceMetadata: ResourceMetadata | null;
    /**
     * Resolves when the keys of every issuer are there. Rejects with the reason if they are not there after `timeoutMs`
     * (default 10000), or earlier if no attempt is due in that time: with an `Error` whose `code` is `"keys_unavailable"`.
     * All issuers are asked at once. Calling it is optional: the first request fetches the keys too.
     */
    ready(options?: { timeoutMs?: number | undefined }): Promise<void>;
    /**
     * The state of each issuer's keys and of the memory of DPoP proofs, for a health endpoint. It makes no network
     * call.
     *
     * Changes are published on the channel `oidc-spa-native:keys` of `node:diagnostics_channel`, as {@link KeysEvent}.
     */
    health(): ValidatorHealth;
    /**
     * What this validator has counted since it was made. It makes no network call, and requests pay an addition for it. Each
     * worker thread has validators, and so numbers, of its own. `oidc-spa-native/prometheus` and
     * `oidc-spa-native/opentelemetry` pass them on.
     *
     * @example
     * ```ts
     * import { createValidator } from "oidc-spa-native";
     *
     * const validator = createValidator({
     *     issuerUri: "https://auth.example.com",
     *     expectedAudience: "https://api.example.com"
     * });
     * for (const { code, scheme, count } of validator.metrics().refused) {
     *     console.log(code, scheme ?? "no credentials", count);
     * }
     * ```
     */
    metrics(): ValidatorMetrics;
    /**
     * The fetched keys that are in use now, as a text for `keysSnapshot` of the next process. It is JSON: the JWK Sets
     * as the issuers publish them, when each was fetched and until when it is fresh. It holds no secret, and it is not
     * signed: a person who can write it can give themselves access. It does not hold keys that are known in advance
     * (`keys`), nor those of issuers that a function in `issuers` named.
     *
     * @example
     * ```ts
     * import { readFileSync, writeFileSync } from "node:fs";
     * import { createValidator } from "oidc-spa-native";
     *
     * const path = "/tmp/keys-snapshot.json";
     * const issuer = { issuerUri: "https://auth.example.com", expectedAudience: "https://api.example.com" };
     *
     * const validator = createValidator({ ...issuer, keysSnapshot: readFileSync(path, "utf8") });
     * await validator.ready();
     * writeFileSync(path, validator.snapshot());
     * ```
     */
    snapshot(): string;
    /**
     * Forgets what the function `issuers` returned for this issuer. The next token of the issuer calls the function again.
     * For a tenant that is new, that was removed, or whose options have changed. A known issuer is forgotten under all names
     * that its options accept: with a slash at the end, without it, and under its aliases. Requests that wait for the
     * function already may still get its answer.
     *
     * @param iss - one of its names, as tokens hold it
     * @returns whether the validator had remembered anything of it
     * @throws TypeError where `issuers` is no function
     */
    forgetIssuer(iss: string): boolean;
}

/** Rules for one explained request: the rules of the request, and the requirements of its route. */
export interface ExplainRules<Claims = unknown> extends RequestRules {
    /** What a good token must permit. Default: nothing. */
    require?: Requirements<Claims> | undefined;
}

/** Every check of one request, and its outcome. It is not a grant. */
export interface Explanation {
    /** The refusal that the request gets; `null` if it would be granted. */
    refusal: { code: ErrorCode; debugErrorMessage: string } | null;
    /** All checks, in the order in which they are made. Their number and order do not depend on the request. */
    checks: ExplainedCheck[];
}

/** One check of a request, and its outcome. */
export interface ExplainedCheck {
    /** Its name, such as `"token.audience"`. It does not change between versions. */
    id: string;
    /** What it checks. */
    title: string;
    /** The clause of the standard that asks for it; `null` for a check of the application. */
    clause: string | null;
    /**
     * `"skipped"`: the check was not made, because an earlier one failed or because no option and no token asks for it.
     */
    outcome: "passed" | "failed" | "skipped";
    /** What was expected, if the title does not say it. */
    expected: string | null;
    /** What came, with control characters escaped, cut after 256 characters. */
    found: string | null;
    /** `false` if `found` is not covered by a verified signature: the client may have written anything. */
    isVerified: boolean;
    /** For a failed check: the code that a refusal by this check alone has. */
    code: ErrorCode | null;
    /** For a failed check: what was expected, what came and what to do. */
    message: string | null;
    /** What to do, where there is something to say: the end of `message`. */
    advice: string | null;
}

/** The state of a validator. */
export interface ValidatorHealth {
    /**
     * What runs: the native addon; or WebAssembly, where no addon can be loaded. The verdicts are the same. The variable
     * `OIDC_SPA_NATIVE_ENGINE` (`native` or `wasm`) forces one.
     */
    engine: "native" | "wasm";
    /** One entry for each issuer. If `issuers` is a function: at most the 100 issuers whose tokens came last. */
    issuers: IssuerHealth[];
    /** Only if `issuers` is a function. */
    issuerLookup?: IssuerLookupHealth;
    replayMemory: ReplayMemoryHealth;
}

/**
 * What a validator has counted since it was made. Rows that count nothing are left out. No name in it comes from a request, the clients in `shadow` aside:
 * issuers are those of the options, codes and schemes are from fixed lists.
 */
export interface ValidatorMetrics {
    /**
     * Requests that `validateRequest` and its sisters granted. 100 issuers at most have a row of their own: the others of a
     * function in `issuers` are counted together, under the name `"other"`.
     */
    granted: { issuerUri: string; scheme: "Bearer" | "DPoP"; count: number }[];
    /** Requests that they refused; `scheme` is `null` where the request used neither. */
    refused: { code: ErrorCode; scheme: "Bearer" | "DPoP" | null; count: number }[];
    /** Grants that `authorize` turned into refusals. Each counts in `granted` too. */
    forbidden: { code: ErrorCode; scheme: "Bearer" | "DPoP" | null; count: number }[];
    /**
     * How long `validateRequest` took, waiting included. Measured from the first call of `metrics()` on: until then no
     * request pays for it.
     */
    durations: DurationMetrics[];
    verifications: VerificationMetrics;
    /** The issuers' keys. Where `issuers` is a function: of the 100 at most whose tokens came last. */
    keys: KeysMetrics[];
    replayMemory: ReplayMemoryMetrics;
    /** What the rules that are tried would refuse; `null` without the option `shadow`. */
    shadow: ShadowMetrics | null;
}

/** What stricter rules would make of the requests that were granted. */
export interface ShadowMetrics {
    /** Granted requests that they would grant too. */
    passed: number;
    /** Those that they would refuse, by code and client. */
    refused: {
        code: ErrorCode;
        /**
         * The client, as `client_id`, `azp`, `cid` or `appid` names it, escaped and cut after 100 characters; `null` where none
         * does. 100 clients have rows of their own, and those beyond are counted together as `"other"`.
         */
        clientId: string | null;
        count: number;
    }[];
}

/** A message of the channel `oidc-spa-native:shadow`: a request that was granted, and that the rules in `shadow` would refuse. */
export interface ShadowEvent {
    code: ErrorCode;
    /** As in {@link ShadowMetrics}. */
    clientId: string | null;
    /** The issuer, as configured. */
    issuerUri: string;
    scheme: "Bearer" | "DPoP";
    /** Why, for developers. */
    debugErrorMessage: string;
}

/** How long the verdicts of one kind took. */
export interface DurationMetrics {
    outcome: "granted" | "refused";
    /** `null` where the request used neither. */
    scheme: "Bearer" | "DPoP" | null;
    /** How many there were. */
    count: number;
    /** How long they took together. */
    seconds: number;
    /** How many took no longer than each of these times, from the shortest on. */
    buckets: { upToSeconds: number; count: number }[];
}

/**
 * The context of the tracing channel `oidc-spa-native:validate` (`tracingChannel` of `node:diagnostics_channel`): a call of
 * `validateRequest`. The same object comes with each of its events; what is known at the end only is written then. It holds
 * neither token nor claims.
 */
export interface ValidateContext {
    /** How the request came: `null` where it used neither. */
    scheme: "Bearer" | "DPoP" | null;
    /**
     * `"memory"`: answered from memory. `"inline"`: judged by the calling thread. `"threads"`: by another one. Left out where
     * the function `issuers` was asked first.
     */
    path?: "memory" | "inline" | "threads";
    /** At the end. */
    outcome?: "granted" | "refused";
    /** At the end, of a grant: the issuer, as configured. */
    issuerUri?: string;
    /** At the end, of a refusal. */
    code?: ErrorCode;
    /** At the end, of a refusal: the HTTP status. */
    status?: number;
    /** Where the call failed: not for what a client sent. */
    error?: unknown;
}

/**
 * The context of the tracing channel `oidc-spa-native:fetch` (`tracingChannel` of `node:diagnostics_channel`): one question to an
 * issuer's server. Each JavaScript thread that has a validator hears of the questions of the whole process. The times of
 * its events are those at which this thread hears of them.
 */
export interface FetchContext {
    kind: "metadata" | "keys";
    /** The issuer, as configured. */
    issuerUri: string;
    /** The origin that is asked, such as `https://auth.example.com`. */
    server: string;
    /** At the end: the HTTP status, where there was an answer. 304: nothing has changed. */
    status?: number;
    /** At the end: of the document. */
    bytes?: number;
    /** At the end: why there is no document. */
    error?: string;
}

/** A message of the channel `oidc-spa-native:refusal`: a request that `validateRequest` or one of its sisters refused. */
export interface RefusalEvent {
    /** The random name of this refusal, as in the verdict and in the response's problem document. */
    refusalId: string;
    code: ErrorCode;
    status: number;
    scheme: "Bearer" | "DPoP" | null;
    /** Why, for developers. Not for clients. */
    debugErrorMessage: string;
}

/**
 * A message of the channel `oidc-spa-native:replay`. `replayed`: a proof came again. `unavailable`: it is unknown
 * whether a proof is new, because the replay store gave no answer, the memory is full or a client has used up its share.
 */
export interface ReplayEvent {
    type: "replayed" | "unavailable";
    /** Why, for developers. */
    debugErrorMessage: string;
}

/** Where the verdicts of a validator came from. */
export interface VerificationMetrics {
    /** Bearer tokens that were verified before, and answered from memory. */
    memory: number;
    /** Requests that the calling thread judged, those without credentials included. */
    inline: number;
    /** Requests that other threads judged. */
    threads: number;
    /** Of the last two: tokens bound to a DPoP key that were verified before. Their proofs were verified all the same. */
    recalledTokens: number;
}

/** What is counted of one issuer's keys, by all validators of the process that share them: those with the same options. */
export interface KeysMetrics {
    /** The issuer, as configured. */
    issuerUri: string;
    /** Fetches of its keys that ended, well or badly, metadata included where it is asked for. */
    fetches: number;
    /** Those that failed. */
    failures: number;
    /** Those that brought other keys than before. */
    rotations: number;
    /** How long all fetches took together, in seconds. */
    fetchSeconds: number;
    /** Keys that can verify signatures now. */
    usableKeys: number;
    /** How long ago the issuer last answered well, in seconds; `null` where it never did. */
    ageSeconds: number | null;
}

/** What is counted of the memory of DPoP proofs, by all validators that share it. */
export interface ReplayMemoryMetrics {
    /** Proofs that this process remembers. */
    entries: number;
    /** How many it can: `limits.replayMemoryEntries`. */
    capacity: number;
    /** How often the replay store was asked; 0 without a store. */
    storeQuestions: number;
    /** How often it gave no answer in time, or an error. */
    storeUnanswered: number;
}

/** The state of the memory of DPoP proofs. */
export interface ReplayMemoryHealth {
    /** Which memory decides whether a proof is new: this process alone, Redis, or your own store. */
    kind: "process" | "redis" | "custom";
    /** Whether the replay store gave an answer the last time; `null` before the first time, and without a store. */
    reachable: boolean | null;
    /** Why the store gave no answer; `null` if it did. */
    lastError: string | null;
    /** Proofs that this process remembers. */
    entries: number;
    /** How many proofs this process can remember: `limits.replayMemoryEntries`. */
    capacity: number;
    /** What to do if this process is one of several that each remember proofs for themselves; otherwise `null`. */
    notice: string | null;
}

/** The state of one issuer's keys. Times are milliseconds since 1970-01-01T00:00:00Z. */
export interface IssuerHealth {
    /** The issuer, as configured. */
    issuerUri: string;
    /**
     * `"none"`: no fetch has succeeded. `"fresh"`: the keys are within their age. `"stale"`: they are older, and still
     * used while the issuer cannot be reached. `"expired"`: they are no longer used. `"static"`: they are known in
     * advance. With several sets, the state of the worst one.
     */
    state: "none" | "fresh" | "stale" | "expired" | "static";
    /** The keys that can verify signatures. */
    keys: { kid: string | null; algorithms: Algorithm[] }[];
    /** The keys that cannot verify signatures, and why: 20 at most. Also those of the last answer, where none of its keys can. */
    skippedKeys: SkippedKey[];
    /** Time of the issuer's last good answer. */
    fetchedAt: number | null;
    /** When the issuer is asked next, if no request needs its keys earlier. */
    nextFetchAt: number | null;
    /** Since when the keys are stale. */
    staleSince: number | null;
    /** Why the last fetch failed; `null` if it succeeded. */
    lastError: string | null;
    /**
     * By how many seconds the issuer's clock is ahead of this one; negative: behind. It is the `Date` field of its last good
     * answer for keys, beside the middle of the exchange on this machine's clock: exact to about a second, more where an
     * answer takes longer (by half of what it took). `null` where it is unknown: no answer yet, none with `Date`, one of a
     * cache (`Age`), keys that are known in advance.
     */
    clockSkewSeconds: number | null;
}

/** A trouble that began or ended, for the operators of the program. */
export interface OperatorWarning {
    /** What it is of: an issuer's keys, the replay store, the function `issuers`. */
    code: "OIDC_SPA_NATIVE_KEYS" | "OIDC_SPA_NATIVE_REPLAY_STORE" | "OIDC_SPA_NATIVE_ISSUER_LOOKUP";
    /** `"failed"`: it began. `"stale"`: keys are used beyond their age. `"recovered"`: it ended. */
    state: "failed" | "stale" | "recovered";
    /** What happened and what it means, for people. It holds no secret and no token. */
    message: string;
    /** The issuer, as configured; `null` where it is of no one issuer. */
    issuerUri: string | null;
    /** Why; `null` where it ended, and for `"stale"`. */
    error: string | null;
}

/** A key of an issuer's set that cannot verify signatures. */
export interface SkippedKey {
    /** Its `kid`, cut after 256 characters; `null` where it has none. */
    kid: string | null;
    /** Why it is skipped, for people. A key for encryption is skipped too. */
    reason: string;
}

/**
 * A message of the channel `oidc-spa-native:keys` (`node:diagnostics_channel`).
 *
 * `refreshed`: the issuer gave a good answer. `rotated`: the good answer had other keys than the one before. `failed`:
 * the issuer gave no good answer. `stale`: the keys are beyond their age and still used. `recovered`: the issuer gives
 * good answers again after a failure. `lookup-failed`: the function `issuers` gave no answer for a name, or returned
 * options that make no sense. One good answer may publish `refreshed`, then `rotated`, then `recovered`, in this order.
 */
export interface KeysEvent {
    type: "refreshed" | "rotated" | "failed" | "stale" | "recovered" | "lookup-failed";
    /**
     * The issuer, as configured. Empty for `lookup-failed`: the name comes from a client and is not verified, so it
     * stands in `error` only.
     */
    issuerUri: string;
    /** For `failed` and `lookup-failed`: the reason. */
    error?: string;
    /** For `refreshed`: the keys that cannot be used, if there are any, 20 at most. */
    skippedKeys?: SkippedKey[];
}

/**
 * Makes a validator. This call makes no network call: the first request, or `ready()`, fetches the keys. Keys of a
 * `keysSnapshot` that are beyond their age are fetched in the background.
 *
 * @throws TypeError if the options make no sense; the message says what was given and what is allowed
 * @example
 * ```ts
 * import { createValidator } from "oidc-spa-native";
 * import { z } from "zod";
 *
 * const validator = createValidator({
 *     issuerUri: "https://auth.example.com/realms/myrealm",
 *     expectedAudience: "https://api.example.com",
 *     claims: z.object({ sub: z.string(), email: z.string() })
 * });
 *
 * const verdict = await validator.validateRequest(
 *     { authorization: "Bearer eyJ..." },
 *     { method: "GET", url: "https://api.example.com/v1/items" }
 * );
 * if (verdict.isSuccess) {
 *     verdict.claims.email satisfies string;
 * }
 * ```
 */
export function createValidator<Claims = AccessTokenClaims, Lacking extends OptionalClaim = never>(
    options: ValidatorOptions<Claims, Lacking>
): Validator<ClaimsOf<Claims, Lacking>>;

/** The type of a validator's claims: the output of the schema, or the claims of access tokens that may lack some. */
export type ClaimsOf<Claims, Lacking extends OptionalClaim> = [Lacking] extends [never]
    ? Claims
    : AccessTokenClaims extends Claims
      ? AccessTokenClaimsLacking<Lacking>
      : Claims;
