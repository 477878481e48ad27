// Attacks on, and accidents of, a whole server: K03, M17, O03, O13, Q13, Q17 of the list of attacks.

import { once } from "node:events";
import {
    createServer,
    request as httpRequest,
    type IncomingMessage,
    type OutgoingHttpHeaders
} from "node:http";
import type { AddressInfo } from "node:net";
import express, { type RequestHandler } from "express";
import { createValidator, type Validator, type ValidatorOptions } from "oidc-spa-native";
import { allScopes } from "oidc-spa-native/authorization";
import { protect } from "oidc-spa-native/express";
import { afterAll, beforeAll, expect, test } from "vitest";
import { AUDIENCE, createFixtures, nowInSeconds, type Fixtures } from "../support/fixtures.js";

let fixtures: Fixtures;
let options: ValidatorOptions;

beforeAll(async () => {
    fixtures = await createFixtures();
    options = { issuerUri: fixtures.issuer.issuerUri, expectedAudience: AUDIENCE, publicBaseUrl: AUDIENCE };
});

afterAll(() => fixtures.issuer.close());

function dpop(changes: Record<string, unknown> = {}): OutgoingHttpHeaders {
    const now = nowInSeconds();
    const token = fixtures.boundToken(now);
    return {
        authorization: `DPoP ${token}`,
        dpop: fixtures.proof(now, token, { htu: `${AUDIENCE}/items`, ...changes })
    };
}

/** What an Express application with this guard, and what stands around it, answers. */
async function ask(
    validator: Validator,
    sent: { method?: string; headers: OutgoingHttpHeaders },
    before: RequestHandler = (_req, _res, next) => next(),
    handler: RequestHandler = (_req, res) => void res.json({})
): Promise<IncomingMessage> {
    const app = express().use(before).use(protect(validator), handler);
    const server = createServer(app).listen(0, "127.0.0.1");
    await once(server, "listening");
    try {
        const { port } = server.address() as AddressInfo;
        const request = httpRequest({ port, host: "127.0.0.1", path: "/items", agent: false, ...sent }).end();
        const [response] = (await once(request, "response")) as [IncomingMessage];
        response.resume();
        await once(response, "end");
        return response;
    } finally {
        server.close();
    }
}

test("K03: a proof is for the method on the wire, whatever a field asks for in its place", async () => {
    const validator = createValidator(options);
    const statusOf = async (htm: string) => {
        const headers = { ...dpop({ htm }), "x-http-method-override": "DELETE" };
        return (await ask(validator, { method: "POST", headers })).statusCode;
    };
    expect(await statusOf("POST")).toBe(200);
    expect(await statusOf("DELETE")).toBe(401);
});

test("M17: one DPoP-Nonce, also where the application has set one", async () => {
    const validator = createValidator({ ...options, nonce: "required" });
    const response = await ask(validator, { headers: dpop() }, (_req, res, next) => {
        res.setHeader("DPoP-Nonce", "of-somebody-else");
        next();
    });
    const nonces = response.rawHeaders.filter(
        (_, i) => response.rawHeaders[i - 1]?.toLowerCase() === "dpop-nonce"
    );
    expect([response.statusCode, nonces.length, nonces[0] === "of-somebody-else"]).toEqual([401, 1, false]);
});

test("O13: a nonce with a response to HEAD, with 304, and with a stream that has begun", async () => {
    const validator = createValidator({ ...options, nonce: "on-stale-proof" });
    const answers = {
        HEAD: await ask(validator, { method: "HEAD", headers: dpop({ htm: "HEAD" }) }),
        "304": await ask(
            validator,
            { headers: dpop() },
            undefined,
            (_req, res) => void res.status(304).end()
        ),
        stream: await ask(validator, { headers: dpop() }, undefined, (_req, res) => {
            res.writeHead(200, { "content-type": "text/event-stream" });
            res.write("data: 1\n\n");
            setImmediate(() => res.end());
        })
    };
    for (const [name, { statusCode, headers }] of Object.entries(answers)) {
        expect([statusCode, headers["dpop-nonce"] !== undefined, headers["cache-control"]], name).toEqual([
            name === "304" ? 304 : 200,
            true,
            "no-store"
        ]);
    }
});

test("O03, O04: no option can put into a header what a header cannot hold", () => {
    for (const resource of [
        "https://api.example.com/ü",
        'https://api.example.com/"',
        "https://api.example.com/\r\nX: y",
        "https://api.example.com/\u{1f600}"
    ]) {
        expect(() => createValidator({ ...options, resource } as ValidatorOptions), resource).toThrow(
            TypeError
        );
    }
    for (const scope of ["ü", "a\r\nb", "\u{1f600}"]) {
        expect(() => allScopes([scope]), scope).toThrow(TypeError);
    }
    expect(() => createValidator({ ...options, resource: AUDIENCE } as ValidatorOptions)).not.toThrow();
});

test("Q13: the largest requests, all at once, leave the event loop its turns", async () => {
    const validator = createValidator({ ...options, verification: "threads" });
    await validator.ready();
    const huge = `Bearer ${fixtures.token(nowInSeconds(), { padding: "x".repeat(11_000) })}`;
    let turns = 0;
    const counting = setInterval(() => (turns += 1), 1);
    const verdicts = await Promise.all(
        Array.from({ length: 500 }, (_, i) => {
            // No two are the same: none comes from memory.
            return validator.validateRequest({
                authorization: `${huge.slice(0, -6)}${String(i).padStart(6, "0")}`
            });
        })
    );
    clearInterval(counting);
    expect(verdicts.every(({ isSuccess }) => !isSuccess)).toBe(true);
    expect(turns).toBeGreaterThan(0);
});

test("Q17, L18: a clock that is set back between two requests lets no proof in twice, and stops nothing", async () => {
    let now = nowInSeconds() * 1000;
    const validator = createValidator({ ...options, publicBaseUrl: AUDIENCE, clock: () => now });
    const { authorization, dpop: proof } = dpop() as { authorization: string; dpop: string };
    const verdict = () =>
        validator.validateRequest({ authorization, dpop: proof }, { method: "GET", url: "/items" });
    expect((await verdict()).isSuccess).toBe(true);
    now -= 2_000;
    expect((await verdict()).code).toBe("proof_replayed");
    now += 200_000;
    expect((await verdict()).code).toBe("proof_stale");
    now -= 198_000;
    expect((await verdict()).isSuccess).toBe(false);
});
