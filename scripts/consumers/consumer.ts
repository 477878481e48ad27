// A TypeScript program on the installed package, without any types but the language's own.
// `pack-check.mjs` copies it into a fresh project, compiles it under `strict` and runs what comes out.

import { createValidator, type ErrorCode, type Verdict } from "oidc-spa-native";
import { extractRequestAuthContext, oidcSpa, type OidcSpaUtils } from "oidc-spa-native/server";
import { createTestIssuer, dpopClient, fakeValidator } from "oidc-spa-native/testing";

declare const process: { env: Record<string, string>; exitCode: number };
declare const console: { log(text: string): void; error(text: string): void };

type Claims = { sub: string; scopes: string[] };

const claims = {
    parse: ({ sub, scope }: { sub: string; scope?: string | string[] }): Claims => ({
        sub,
        scopes: [scope ?? []].flat().flatMap(text => text.split(" "))
    })
};

const { ISSUER_URI: issuerUri = "", AUDIENCE: expectedAudience = "", TOKEN, TAMPERED_TOKEN } = process.env;

const validator = createValidator({ issuerUri, expectedAudience, claims });

async function codeOrScopes(token: string | undefined): Promise<ErrorCode | string[]> {
    const verdict: Verdict<Claims> = await validator.validateRequest({ authorization: `Bearer ${token}` });
    return verdict.isSuccess ? verdict.claims.scopes : verdict.code;
}

const utils = oidcSpa
    .withExpectedDecodedAccessTokenShape({ decodedAccessTokenSchema: claims })
    .createUtils() satisfies OidcSpaUtils<Claims>;

async function causeOrScopes(token: string | undefined): Promise<string | string[]> {
    const context = extractRequestAuthContext({
        request: {
            url: "https://api.example.com/items",
            method: "GET",
            headers: { get: name => (name.toLowerCase() === "authorization" ? `Bearer ${token}` : null) }
        },
        trustProxy: false
    });
    if (context === undefined || !context.isWellFormed) {
        return "not well-formed";
    }
    const { isSuccess, decodedAccessToken, errorCause } = await utils.validateAndDecodeAccessToken(
        context.accessTokenAndMetadata
    );
    return isSuccess ? decodedAccessToken.scopes : errorCause;
}

/** The test kit: a client of its own issuer, and a validator that says what it is told. */
async function codesOfKit(): Promise<unknown[]> {
    const issuer = createTestIssuer();
    const client = dpopClient({ token: client => issuer.sign({}, { boundTo: client }) });
    const target = { method: "GET", url: "https://api.example.com/items" };
    const kept = createValidator({ ...issuer.options, dpop: "required" });
    const ask = (otherKey: boolean) =>
        kept.validateRequest(client.headers(target.method, target.url, { otherKey }), target);
    const fake = fakeValidator<Claims>({ claims: { scopes: ["items:read"] } });
    return [
        (await ask(false)).isSuccess,
        (await ask(true)).code,
        (await fake.validateRequestOrThrow({})).claims.scopes
    ];
}

await utils.bootstrapAuth({ implementation: "real", issuerUri, expectedAudience });
const answers = [
    await codeOrScopes(TOKEN),
    await codeOrScopes(TAMPERED_TOKEN),
    await causeOrScopes(TOKEN),
    await causeOrScopes(TAMPERED_TOKEN),
    await codesOfKit()
];
const expected = [
    ["items:read"],
    "signature_invalid",
    ["items:read"],
    "validation error - invalid signature",
    [true, "proof_signature_invalid", ["items:read"]]
];
if (JSON.stringify(answers) === JSON.stringify(expected)) {
    console.log(
        "createValidator, the drop-in and the test kit: a real token accepted, a tampered one refused"
    );
} else {
    console.error(`answered ${JSON.stringify(answers)} in the place of ${JSON.stringify(expected)}`);
    process.exitCode = 1;
}
