// Every example of `examples/` on a real port, with tokens of a real issuer; and its difference from the program on
// oidc-spa/server, as it is written beside it.

import { readFile } from "node:fs/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { BEYOND_REST, commandOf, compile, diffOf, diffPath, EXAMPLES } from "../../examples/programs.mjs";
import { createCredentials, type Credentials } from "../drop-in/programs/credentials.js";
import { startProgram, type Running } from "../drop-in/programs/programs.js";
import { API } from "../support/real-issuer.js";
import { root } from "../support/script.js";

let credentials: Credentials;

beforeAll(async () => {
    [credentials] = await Promise.all([createCredentials(), compile()]);
}, 60_000);

afterAll(() => credentials?.issuer.close());

describe.each(Object.keys(EXAMPLES).filter(name => !BEYOND_REST.includes(name)))("%s", name => {
    let program: Running;

    beforeAll(async () => {
        const env = { OIDC_ISSUER_URI: credentials.issuer.issuerUri, OIDC_AUDIENCE: API };
        program = await startProgram(commandOf(name) as [string, string], root, env);
    }, 60_000);

    afterAll(() => program?.stop());

    const ask = async (path: string, headers: Record<string, string> = {}) => {
        const response = await fetch(program.baseUrl + path, { headers });
        const challenge = response.headers.get("www-authenticate");
        const body = (await response.json()) as Record<string, unknown>;
        return { status: response.status, challenge, body };
    };
    const bearer = (token: string) => ({ authorization: `Bearer ${token}` });

    test("the public route", async () => {
        expect(await ask("/api/public")).toEqual({ status: 200, challenge: null, body: { open: true } });
        expect((await ask("/api/public", bearer("nonsense"))).status).toBe(200);
    });

    test("the protected route", async () => {
        expect((await ask("/api/items", bearer(credentials.bearer.good))).body).toEqual({
            owner: "reader",
            items: ["apple"]
        });
        for (const [token, code] of [
            [credentials.bearer.expired, "token_expired"],
            [credentials.bearer.otherAudience, "audience_mismatch"],
            [credentials.bearer.ofAnotherKey, "signature_invalid"]
        ] as const) {
            const { status, challenge, body } = await ask("/api/items", bearer(token));
            expect({ status, code: body.code }).toEqual({ status: 401, code });
            expect(challenge).toMatch(/^Bearer error="invalid_token"/);
        }
        expect(await ask("/api/items")).toMatchObject({ status: 401, body: { code: "credentials_missing" } });
    });

    test("the protected route with DPoP: a proof is good once", async () => {
        const accessToken = credentials.bound.reader;
        const headers = {
            authorization: `DPoP ${accessToken}`,
            dpop: credentials.proof({ url: `${program.baseUrl}/api/items`, accessToken })
        };
        expect(await ask("/api/items", headers)).toMatchObject({ status: 200, body: { owner: "reader" } });
        expect(await ask("/api/items", headers)).toMatchObject({
            status: 401,
            body: { code: "proof_replayed" }
        });
    });

    test("the route for a role", async () => {
        const { bearer: tokens } = credentials;
        expect((await ask("/api/reports", bearer(tokens.editor))).body).toEqual({
            editor: "editor",
            roles: ["editor"]
        });
        expect(await ask("/api/reports", bearer(tokens.good))).toMatchObject({
            status: 403,
            body: { code: "role_insufficient" }
        });
        expect((await ask("/api/reports")).status).toBe(401);
    });

    test("the route where credentials are optional", async () => {
        expect((await ask("/api/greeting")).body).toEqual({ hello: "stranger" });
        expect((await ask("/api/greeting", bearer(credentials.bearer.good))).body).toEqual({
            hello: "reader"
        });
        expect((await ask("/api/greeting", bearer(credentials.bearer.expired))).status).toBe(401);
    });

    test("what is written beside it is the difference from the program on oidc-spa/server", async () => {
        expect(await readFile(diffPath(name), "utf8"), "`npm run example:diffs` writes it").toBe(
            await diffOf(name)
        );
    });
});
