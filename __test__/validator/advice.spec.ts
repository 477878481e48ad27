// What people get wrong with their issuers is told with what to do: `advice` of the check that failed.

import { createValidator, type RequestTarget, type ValidatorOptions } from "oidc-spa-native";
import { createTestIssuer, dpopClient, type SignOverrides, type TokenShape } from "oidc-spa-native/testing";
import { describe, expect, it, test } from "vitest";

const target: RequestTarget = { method: "GET", url: "https://api.test/items" };

const adviceOf = async (options: ValidatorOptions, authorization: string | undefined) => {
    const request = authorization === undefined ? {} : { authorization };
    const { refusal, checks } = await createValidator(options).explain(request, target);
    const failed = checks.find(({ outcome }) => outcome === "failed");
    return { id: failed?.id, advice: failed?.advice ?? null, message: refusal?.debugErrorMessage ?? "" };
};

interface Pitfall {
    readonly name: string;
    readonly shape: TokenShape;
    readonly claims?: Record<string, unknown>;
    readonly token?: SignOverrides;
    /** The text in the place of a token. */
    readonly text?: string;
    readonly options?: object;
    readonly check: string;
    readonly advice: RegExp;
}

const part = (value: object) => Buffer.from(JSON.stringify(value)).toString("base64url");
const GRAPH = "00000003-0000-0000-c000-000000000000";
const ENTRA = "11111111-2222-3333-4444-555555555555";
const B2C = "https://contoso.b2clogin.com/aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee";

const pitfalls: readonly Pitfall[] = [
    {
        name: "Auth0: encrypted, since no audience was asked for",
        shape: "auth0",
        text: [part({ alg: "dir", enc: "A256GCM" }), "", "AA", "AA", "AA"].join("."),
        check: "token.form",
        advice: /^Auth0 gives such a token where the client names no `audience`/
    },
    {
        name: "Auth0: opaque, since no audience was asked for",
        shape: "auth0",
        text: "qEeXyI3pGLZfXBwoQ8Yh2i1rEoSjZTB1",
        check: "token.form",
        advice: /Auth0 gives a JWT where the client names an `audience`/
    },
    {
        name: "Auth0: for its userinfo endpoint",
        shape: "auth0",
        claims: { aud: "https://tenant.auth0.test/userinfo" },
        check: "token.audience",
        advice: /userinfo endpoint: the client names this API .*`audience` at Auth0/
    },
    {
        name: "Keycloak: no audience mapper",
        shape: "keycloak",
        claims: { aud: "account" },
        check: "token.audience",
        advice: /^Keycloak writes account where nothing names an API: add a mapper of the type Audience/
    },
    {
        name: "Keycloak: in a container, by its inner name",
        shape: "keycloak",
        claims: { iss: "http://keycloak:8080/realms/test" },
        check: "token.issuer",
        advice: /^The paths are the same: .*Keycloak in a container.*`issuerUri`.*`jwksUri`/
    },
    {
        name: "azp is the expected audience",
        shape: "keycloak",
        claims: { aud: "account", azp: "https://api.test" },
        check: "token.audience",
        advice: /^What is expected stands in its azp claim, .*`expectedClients`/
    },
    {
        name: "Entra ID: version 1 for an issuer of version 2",
        shape: "entra-v2",
        claims: { iss: "https://sts.windows.net/aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee/" },
        check: "token.issuer",
        advice: /^The token is of version 1 of Entra ID: set `api.requestedAccessTokenVersion`/
    },
    {
        name: "Entra ID: the API as version 1 names it",
        shape: "entra-v2",
        claims: { aud: `api://${ENTRA}` },
        check: "token.audience",
        advice: /^Entra ID names the API by api:\/\/ .* write what the token has as `expectedAudience`/
    },
    {
        name: "Entra ID: for Microsoft Graph, with a nonce in its header",
        shape: "entra-v2",
        claims: { aud: GRAPH },
        token: { header: { nonce: "n" }, otherKey: true },
        check: "token.signature",
        advice: /^The client must ask for a token for this API, with a scope such as api:/
    },
    {
        name: "Entra ID: for Microsoft Graph, and signed by a key that is there",
        shape: "entra-v2",
        claims: { aud: GRAPH },
        check: "token.audience",
        advice: /^The token is for Microsoft Graph\. The client must ask/
    },
    {
        name: "Azure AD B2C: the policy in the path",
        shape: "entra-v2",
        claims: { iss: `${B2C}/v2.0/` },
        options: { issuerUri: `${B2C}/B2C_1_signin/v2.0/` },
        check: "token.issuer",
        advice: /^Azure AD B2C .*as `issuerUri`, .*FLOW\/discovery\/v2\.0\/keys, as `jwksUri`/
    },
    {
        name: "Cognito: no aud",
        shape: "cognito",
        options: { expectedAudience: "https://api.test", expectedClients: undefined },
        check: "token.claims",
        advice: /^Amazon Cognito writes none by design: .*`expectedClients: \["1h57kf5cpq17m0emltest00000"\]`/
    },
    {
        name: "Clerk: no aud",
        shape: "clerk",
        options: { expectedAudience: "https://api.test", expectedClients: undefined },
        check: "token.claims",
        advice: /^Clerk writes none by design: .*`expectedClients: \["https:\/\/app\.test"\]`/
    },
    {
        name: "an ID token",
        shape: "google",
        options: { acceptIdTokens: undefined },
        check: "token.kind",
        advice: /^send the access token that the issuer gave with it/
    },
    {
        name: "clocks that differ",
        shape: "rfc9068",
        token: { expiresInSeconds: -20 },
        check: "token.times",
        advice: /^If the token is fresh, check both clocks; `leewaySeconds`/
    },
    {
        name: "an old token",
        shape: "rfc9068",
        token: { expiresInSeconds: -86_400 },
        check: "token.times",
        advice: /^The client asks the issuer for a new one$/
    }
];

describe.each(pitfalls)("$name", ({ shape, claims, token, text, options, check, advice }) => {
    const issuer = createTestIssuer({ shape });
    const configured = { ...issuer.options, ...options } as ValidatorOptions;

    it("is advised on, at the end of the message", async () => {
        const found = await adviceOf(configured, `Bearer ${text ?? issuer.sign(claims, token)}`);
        expect(found.id).toBe(check);
        expect(found.advice).toMatch(advice);
        expect(found.message.endsWith(found.advice ?? "?")).toBe(true);
    });

    it("is granted where the issuer does it right, without advice", async () => {
        const found = await adviceOf(issuer.options as ValidatorOptions, `Bearer ${issuer.sign()}`);
        expect(found).toEqual({ id: undefined, advice: null, message: "" });
    });
});

describe("a proof for the URL that the client called, of which a proxy makes another", () => {
    const issuer = createTestIssuer();
    const client = dpopClient({ token: bound => issuer.sign({}, { boundTo: bound }) });
    const explained = async (url: string, options: object = {}) => {
        const validator = createValidator({ ...issuer.options, ...options } as ValidatorOptions);
        const headers = { authorization: `DPoP ${client.token}`, dpop: client.proof("GET", url) };
        const { checks } = await validator.explain(new Request("http://inner/items", { headers }));
        return checks.find(({ id }) => id === "proof.uri");
    };

    test.each([
        ["the scheme", "https://inner/items", "https://inner"],
        ["the host", "http://api.test/items", "http://api.test"],
        ["a prefix", "https://api.test/v1/items", "https://api.test/v1"]
    ])("%s: the line to write", async (_, url, base) => {
        const check = await explained(url);
        expect(check?.outcome).toBe("failed");
        expect(check?.advice).toContain(`\`publicBaseUrl: "${base}"\``);
        expect((await explained(url, { publicBaseUrl: base }))?.outcome).toBe("passed");
    });

    test("another path is no proxy's work", async () => {
        expect(await explained("https://api.test/orders")).toMatchObject({ outcome: "failed", advice: null });
    });
});

test("no credentials: how they are sent", async () => {
    const { advice } = await adviceOf(createTestIssuer().options as ValidatorOptions, undefined);
    expect(advice).toMatch(/^The client sends its access token as "Authorization: Bearer".*a proxy/);
});

describe("what the way of sending lacks", () => {
    const issuer = createTestIssuer();
    const client = dpopClient({ token: bound => issuer.sign({}, { boundTo: bound }) });
    const certified = () => issuer.sign({ cnf: { "x5t#S256": "A".repeat(43) } });
    const dpop = () => client.proof("GET", target.url);
    const proved = () => ({ authorization: `DPoP ${client.token}`, dpop: dpop() });
    const bearer = (token: string) => ({ authorization: `Bearer ${token}` });
    const unreachable = { issuerUri: "http://127.0.0.1:9", keys: undefined, keysTimeoutMs: 300 };

    interface Lack {
        readonly name: string;
        readonly options?: object;
        readonly headers: () => Record<string, string>;
        readonly to?: RequestTarget | null;
        readonly check: string;
        readonly advice: RegExp;
    }

    const lacks: readonly Lack[] = [
        {
            name: "a certificate that every token must be bound to",
            options: { certificate: "required" },
            headers: () => bearer(issuer.sign()),
            check: "presentation.binding",
            advice: /^The client connects with its certificate when it asks the issuer/
        },
        {
            name: "any binding",
            options: { senderConstrained: "required" },
            headers: () => bearer(issuer.sign()),
            check: "presentation.binding",
            advice: /^The client asks the issuer for the token with a DPoP proof or with its certificate/
        },
        {
            name: "DPoP, which is required",
            options: { dpop: "required" },
            headers: () => bearer(issuer.sign()),
            check: "presentation.accepted",
            advice: /^The client asks the issuer for the token with a proof, and sends it as "Authorization: DPoP"/
        },
        {
            name: "the request that a proof is for",
            headers: proved,
            to: null,
            check: "target",
            advice: /^Pass the whole request, or its `{ method, url }`/
        },
        {
            name: "DPoP, which is disabled",
            options: { dpop: "disabled" },
            headers: proved,
            check: "target",
            advice: /^Allow it there, or/
        },
        {
            name: "the certificate that the token is bound to",
            headers: () => bearer(certified()),
            check: "presentation.certificate",
            advice: /^Have this server's connection ask for one .*`clientCertificate: "header"`/
        },
        {
            name: "another certificate than the token is bound to",
            headers: () => bearer(certified()),
            to: { ...target, clientCertificate: Buffer.from("another") },
            check: "presentation.certificate",
            advice: /^The client connects with the certificate that it used/
        },
        {
            name: "a confirmation that can be checked here",
            headers: () => bearer(issuer.sign({ cnf: { kid: "x" } })),
            check: "presentation.scheme",
            advice: /^Have the issuer bind the token to a DPoP key \(jkt\)/
        },
        {
            name: "an issuer that can be reached",
            options: unreachable,
            headers: () => bearer(issuer.sign({ iss: unreachable.issuerUri })),
            check: "issuer.keys",
            advice: /^Where this server runs, type: npx oidc-spa-native doctor http:\/\/127\.0\.0\.1:9$/
        },
        {
            name: "one clock for both",
            headers: () => bearer(issuer.sign({ iat: 4_000_000_000, exp: 4_000_000_100 })),
            check: "token.times",
            advice: /^Check both clocks$/
        }
    ];

    test.each(lacks)("$name", async ({ options, headers, to = target, check, advice }) => {
        const validator = createValidator({ ...issuer.options, ...options } as ValidatorOptions);
        const given = headers();
        const { refusal, checks } = await validator.explain(given, to);
        const failed = checks.find(({ outcome }) => outcome === "failed");
        expect([failed?.id, failed?.advice]).toEqual([check, expect.stringMatching(advice)]);
        expect(refusal?.debugErrorMessage.endsWith(failed?.advice ?? "?")).toBe(true);
        const verdict = await validator.validateRequest(given, to);
        expect(verdict.debugErrorMessage).toBe(refusal?.debugErrorMessage);
    });

    test("nothing, and no advice", async () => {
        const { refusal, checks } = await createValidator(issuer.options).explain(proved(), target);
        expect([refusal, checks.filter(({ advice }) => advice !== null)]).toEqual([null, []]);
    });

    test("the command for an issuer is one that a shell takes as it is", async () => {
        const issuerUri = "http://127.0.0.1:9/$(id);x";
        const validator = createValidator({
            issuerUri,
            expectedAudience: "x",
            keysTimeoutMs: 300
        } as ValidatorOptions);
        const { refusal } = await validator.explain(bearer(issuer.sign({ iss: issuerUri })), target);
        expect(refusal?.code).toBe("keys_unavailable");
        expect(refusal?.debugErrorMessage).toMatch(/npx oidc-spa-native doctor ISSUER$/);
    });
});
