// Requests whose objects a server uses again, and targets that a program passes on as the client sent them.

import { createHash, randomBytes } from "node:crypto";
import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { connect, type AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { createValidator, type Validator, type ValidatorOptions } from "oidc-spa-native";
import { protect } from "oidc-spa-native/express";
import * as nodeHttp from "oidc-spa-native/node-http";
import { afterAll, beforeAll, expect, test } from "vitest";
import { AUDIENCE, createFixtures, ITEMS, nowInSeconds, type Fixtures } from "../support/fixtures.js";

let fixtures: Fixtures;
let options: ValidatorOptions;

beforeAll(async () => {
    fixtures = await createFixtures();
    options = { issuerUri: fixtures.issuer.issuerUri, expectedAudience: AUDIENCE };
});

afterAll(() => fixtures.issuer.close());

type Guard = ReturnType<typeof protect>;

/** The status that a guard answers to a request, or 200. */
const judged = (guard: Guard, request: object): Promise<number> =>
    new Promise((resolve, reject) => {
        const response = {
            statusCode: 0,
            headersSent: false,
            getHeader: () => undefined,
            setHeader: () => undefined,
            end: () => resolve(response.statusCode)
        };
        guard(request as IncomingMessage, response as unknown as ServerResponse, error =>
            error === undefined ? resolve(200) : reject(error as Error)
        );
    });

function newRequest(headers: Record<string, string>, socket: object = {}) {
    return { method: "GET", url: "/v1/items", headers, rawHeaders: Object.entries(headers).flat(), socket };
}

test("a proof that comes again in the object of the request before is one that was used", async () => {
    const guard = protect(createValidator({ ...options, publicBaseUrl: AUDIENCE }));
    const token = fixtures.boundToken(nowInSeconds());
    const headers = {
        authorization: `DPoP ${token}`,
        dpop: fixtures.proof(nowInSeconds(), token)
    };
    const pooled = newRequest(headers);
    expect(await judged(guard, pooled)).toBe(200);
    // The same request, at a second guard: it is judged once.
    expect(await judged(guard, pooled)).toBe(200);
    Object.assign(pooled, newRequest({ ...headers }));
    expect(await judged(guard, pooled)).toBe(401);
    Object.assign(pooled, newRequest({ ...headers, dpop: fixtures.proof(nowInSeconds(), token) }));
    expect(await judged(guard, pooled)).toBe(200);
});

test("a request is another one if its token, its proof or its object of fields is, each alone", async () => {
    const guard = protect(createValidator({ ...options, publicBaseUrl: AUDIENCE }));
    const token = fixtures.boundToken(nowInSeconds());
    const headers = {
        authorization: `DPoP ${token}`,
        dpop: fixtures.proof(nowInSeconds(), token)
    };
    const request = newRequest({ ...headers });
    expect(await judged(guard, request)).toBe(200);
    // Changed in place, so that the other two stay as they were.
    request.headers.authorization = `${headers.authorization.slice(0, -4)}AAAA`;
    expect(await judged(guard, request)).toBe(401);
    Object.assign(request, newRequest({ ...headers, dpop: fixtures.proof(nowInSeconds(), token) }));
    expect(await judged(guard, request)).toBe(200);
    request.headers.dpop = fixtures.proof(nowInSeconds(), token, { htu: `${ITEMS}/other` });
    expect(await judged(guard, request)).toBe(401);
    // Middleware that replaces `headers` makes no other request.
    Object.assign(request, newRequest({ ...headers, dpop: fixtures.proof(nowInSeconds(), token) }));
    expect(await judged(guard, request)).toBe(200);
    request.headers = { ...request.headers };
    expect(await judged(guard, request)).toBe(200);
    // Without `rawHeaders`, a new object of fields is a new request, whose proof was used.
    const { rawHeaders: _, ...plain } = newRequest({
        ...headers,
        dpop: fixtures.proof(nowInSeconds(), token)
    });
    expect(await judged(guard, plain)).toBe(200);
    expect(await judged(guard, plain)).toBe(200);
    plain.headers = { ...plain.headers };
    expect(await judged(guard, plain)).toBe(401);
});

test("what a guard refuses, or lets pass without credentials, a second guard refuses too", async () => {
    const validator = createValidator(options);
    const [optional, needed] = [protect(validator, { optional: true }), protect(validator)];
    const anonymous = newRequest({});
    expect(await judged(optional, anonymous)).toBe(200);
    expect(await judged(needed, anonymous)).toBe(401);
    const bad = newRequest({ authorization: "Bearer none" });
    expect(await judged(optional, bad)).toBe(401);
    expect(await judged(needed, bad)).toBe(401);
});

test("a grant counts for another guard of the request where its rules grant such a request too", async () => {
    const certificate = randomBytes(64);
    const thumbprint = createHash("sha256").update(certificate).digest("base64url");
    const socket = { encrypted: true, getPeerX509Certificate: () => ({ raw: certificate }) };
    const cnf = { "x5t#S256": thumbprint };
    const now = nowInSeconds();
    const byProof = (claims: Record<string, unknown>) => () => {
        const token = fixtures.boundToken(now, claims);
        return newRequest({ authorization: `DPoP ${token}`, dpop: fixtures.proof(now, token) }, socket);
    };
    const { jkt } = fixtures;
    const requests: Record<string, () => ReturnType<typeof newRequest>> = {
        bearer: () => newRequest({ authorization: `Bearer ${fixtures.token(now)}` }, socket),
        certificate: () => newRequest({ authorization: `Bearer ${fixtures.token(now, { cnf })}` }, socket),
        DPoP: byProof({}),
        both: byProof({ cnf: { jkt, ...cnf } })
    };
    const validator = createValidator({ ...options, publicBaseUrl: AUDIENCE });
    const first = protect(validator);
    const found: Record<string, string> = {};
    for (const rule of ["dpop", "certificate", "senderConstrained"] as const) {
        for (const value of rule === "dpop" ? ["allowed", "required", "disabled"] : ["allowed", "required"]) {
            const second = protect(validator, { [rule]: value } as object);
            for (const [name, make] of Object.entries(requests)) {
                const alone = await judged(second, make());
                const request = make();
                expect(await judged(first, request)).toBe(200);
                // A proof that is read once more was used.
                expect([rule, value, name, await judged(second, request)]).toEqual([
                    rule,
                    value,
                    name,
                    alone
                ]);
                found[`${rule} ${value}`] = `${found[`${rule} ${value}`] ?? ""}${alone === 200 ? "+" : "-"}`;
            }
        }
    }
    expect(found).toEqual({
        "dpop allowed": "++++",
        "dpop required": "--++",
        "dpop disabled": "++--",
        "certificate allowed": "++++",
        "certificate required": "-+-+",
        "senderConstrained allowed": "++++",
        "senderConstrained required": "-+++"
    });
});

test("a validator of an application's test, which names no rules, judges once for two guards", async () => {
    const real = createValidator({ ...options, publicBaseUrl: AUDIENCE });
    let judgements = 0;
    const plain = {
        validateRequest: (...asked: Parameters<Validator["validateRequest"]>) => {
            judgements += 1;
            return real.validateRequest(...asked);
        },
        hasExpired: real.hasExpired
    } as Validator;
    const token = fixtures.boundToken(nowInSeconds());
    const proof = fixtures.proof(nowInSeconds(), token);
    for (const headers of [
        { authorization: `Bearer ${fixtures.token(nowInSeconds())}` },
        { authorization: `DPoP ${token}`, dpop: proof }
    ]) {
        judgements = 0;
        const request = newRequest(headers as Record<string, string>);
        expect(await judged(protect(plain), request)).toBe(200);
        expect(await judged(protect(plain), request)).toBe(200);
        expect(judgements).toBe(1);
    }
});

test.each([
    ["nothing", undefined],
    ["null", null],
    ["a text", ITEMS],
    ["a Promise", Promise.resolve({ method: "GET", url: ITEMS })],
    ["a function with the members", Object.assign(() => undefined, { method: "GET", url: ITEMS })]
])("a rule target that returns %s lets no request be judged by another URL", async (_, said) => {
    const guard = protect(createValidator(options), { target: () => said as never });
    const request = newRequest({ authorization: `Bearer ${fixtures.token(nowInSeconds())}` });
    await expect(judged(guard, request)).rejects.toThrow(/rule "target" must return \{ method, url \}/);
});

test("a certificate of the connection before is not that of the next request in the same object", async () => {
    const certificate = randomBytes(64);
    const thumbprint = createHash("sha256").update(certificate).digest("base64url");
    const token = fixtures.token(nowInSeconds(), { cnf: { "x5t#S256": thumbprint } });
    const connection = (raw?: Buffer) => ({
        encrypted: true,
        getPeerX509Certificate: () => (raw === undefined ? undefined : { raw })
    });
    for (const rules of [{}, { subprotocolToken: true }]) {
        const guard = protect(createValidator(options), rules);
        const headers: Record<string, string> =
            "subprotocolToken" in rules
                ? { "sec-websocket-protocol": `authorization_bearer_${token}` }
                : { authorization: `Bearer ${token}` };
        const pooled = newRequest(headers, connection(certificate));
        expect(await judged(guard, pooled)).toBe(200);
        Object.assign(pooled, newRequest({ ...headers }, connection()));
        expect(await judged(guard, pooled)).toBe(401);
        Object.assign(pooled, newRequest({ ...headers }, connection(certificate)));
        expect(await judged(guard, pooled)).toBe(200);
    }
});

/** Sends a proof for `htu` with this target, and returns what the server says of it. */
async function codeOf(judge: (req: IncomingMessage) => Promise<string>, target: string, htu: string) {
    const server = createServer((req, res) => void judge(req).then(code => res.end(code)));
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const socket = connect((server.address() as AddressInfo).port, "127.0.0.1");
    const token = fixtures.boundToken(nowInSeconds());
    const fields = [
        "Host: api.example.com",
        "X-Forwarded-Proto: https",
        `Authorization: DPoP ${token}`,
        `DPoP: ${fixtures.proof(nowInSeconds(), token, { htu })}`,
        "Connection: close"
    ];
    socket.write(`GET ${target} HTTP/1.1\r\n${fields.join("\r\n")}\r\n\r\n`);
    try {
        return (await text(socket)).split("\r\n\r\n")[1];
    } finally {
        server.close();
    }
}

const FOREIGN = "https://evil.example/v1/items";

test("a target in absolute form is the client's word, also where a program passes it on", async () => {
    const validator: Validator = createValidator({ ...options, trustProxy: true });
    const judge = async (req: IncomingMessage) => {
        const verdict = await validator.validateRequest(req, {
            method: req.method ?? "",
            url: req.url ?? ""
        });
        return verdict.isSuccess ? "granted" : verdict.code;
    };
    expect(await codeOf(judge, FOREIGN, FOREIGN)).toMatch(/proof_uri_mismatch/);
    expect(await codeOf(judge, ITEMS, ITEMS)).toMatch(/granted/);
    expect(await codeOf(judge, "/v1/items", ITEMS)).toMatch(/granted/);
    // A URL of the program's own goes before what the headers say.
    const own = async (req: IncomingMessage) => {
        const verdict = await validator.validateRequest(req, { method: "GET", url: FOREIGN });
        return verdict.isSuccess ? "granted" : verdict.code;
    };
    expect(await codeOf(own, "/v1/items", FOREIGN)).toMatch(/granted/);
});

test("the same by the rule target", async () => {
    const validator = createValidator({ ...options, trustProxy: true });
    const guard = nodeHttp.protect(
        validator,
        { target: req => ({ method: req.method ?? "", url: req.url ?? "" }) },
        (_req, res) => void res.end("granted")
    );
    const statusOf = async (target: string, htu: string) => {
        const server = createServer(guard).listen(0, "127.0.0.1");
        await once(server, "listening");
        const socket = connect((server.address() as AddressInfo).port, "127.0.0.1");
        const token = fixtures.boundToken(nowInSeconds());
        const proof = fixtures.proof(nowInSeconds(), token, { htu });
        socket.write(
            `GET ${target} HTTP/1.1\r\nHost: api.example.com\r\nX-Forwarded-Proto: https\r\n` +
                `Authorization: DPoP ${token}\r\nDPoP: ${proof}\r\nConnection: close\r\n\r\n`
        );
        const answer = await text(socket);
        server.close();
        return answer.slice(9, 12);
    };
    expect(await statusOf(FOREIGN, FOREIGN)).toBe("401");
    expect(await statusOf(ITEMS, ITEMS)).toBe("200");
});

test("a Fetch request whose URL is passed beside it is judged as without", async () => {
    const validator = createValidator(options);
    const ask = async (url: string, host: string) => {
        const token = fixtures.boundToken(nowInSeconds());
        const fields: Record<string, string> = {
            host,
            authorization: `DPoP ${token}`,
            dpop: fixtures.proof(nowInSeconds(), token, { htu: url })
        };
        const request = { method: "GET", url, headers: { get: (name: string) => fields[name] ?? null } };
        const verdict = await validator.validateRequest(request, { method: "GET", url });
        return verdict.isSuccess ? "granted" : verdict.code;
    };
    expect(await ask(FOREIGN, "api.example.com")).toBe("proof_uri_mismatch");
    expect(await ask(ITEMS, "api.example.com")).toBe("granted");
});
