// Every row of the conformance table, through every framework on a real port, plain and mounted under a prefix.

import * as http from "node:http";
import * as http2 from "node:http2";
import { text } from "node:stream/consumers";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { FRAMEWORKS, type Framework, type Running } from "./servers.js";
import { TRPC } from "./trpc.js";
import {
    newApplication,
    rejected,
    rowsFor,
    type Context,
    type Request,
    type Response,
    type Row
} from "./rows.js";
import { createFixtures, nowInSeconds, type Fixtures } from "../support/fixtures.js";

/** Of the connection and the message, not of what is said. */
const TRANSPORT = new Set([
    "connection",
    "content-length",
    "date",
    "keep-alive",
    "transfer-encoding",
    ":status"
]);

function toResponse(
    status: number,
    headers: http.IncomingHttpHeaders,
    body: string
): Response & { nonce?: string } {
    const sent = Object.entries(headers).filter(([name]) => !TRANSPORT.has(name));
    const nonce = headers["dpop-nonce"] as string | undefined;
    return {
        status,
        headers: Object.fromEntries(
            sent.map(([name, value]) => [
                name,
                /^[\w-]{43}$/.test(String(value)) && name === "dpop-nonce" ? "<nonce>" : String(value)
            ])
        ),
        body,
        ...(nonce !== undefined && { nonce })
    };
}

async function overHttp1(port: number, path: string, { method, headers }: Request) {
    const lines = [["Host", `127.0.0.1:${port}`], ["Connection", "close"], ...headers].flat();
    const response = await new Promise<http.IncomingMessage>((resolve, reject) => {
        // As a flat list, lines of the same name stay lines of their own.
        http.request({ port, host: "127.0.0.1", method, path, headers: lines as never }, resolve)
            .on("error", reject)
            .end();
    });
    return toResponse(response.statusCode ?? 0, response.headers, await text(response));
}

async function overHttp2(port: number, path: string, { method, headers }: Request) {
    const session = http2.connect(`http://127.0.0.1:${port}`);
    try {
        const fields: Record<string, string | string[]> = {};
        for (const [name, value] of headers) {
            const before = fields[name.toLowerCase()];
            fields[name.toLowerCase()] = before === undefined ? value : [before, value].flat();
        }
        const stream = session.request({ ":method": method, ":path": path, ...fields }, { endStream: true });
        const answered = await new Promise<http2.IncomingHttpHeaders>((resolve, reject) => {
            stream.on("response", resolve).on("error", reject);
        });
        return toResponse(
            Number(answered[":status"]),
            answered as http.IncomingHttpHeaders,
            await text(stream)
        );
    } finally {
        session.close();
    }
}

/** The body without the random name of the refusal, and the name. Responses to HEAD have neither. */
function withoutId<Answer extends Response>(answer: Answer): [Answer, string | undefined] {
    const [, id] = /,"refusalId":"([0-9a-f]{16})"/.exec(answer.body) ?? [];
    return [{ ...answer, body: answer.body.replace(`,"refusalId":"${id}"`, "") }, id];
}

/** What `onRejected` is told before this response. */
function toldOf({ status, body, headers }: Response): unknown[] {
    if (status < 400 || headers["content-type"] !== "application/problem+json") {
        return [];
    }
    // A response to HEAD has no body to say it.
    return [body === "" ? expect.any(String) : (JSON.parse(body) as { code: string }).code];
}

let fixtures: Fixtures;
const warnings = vi.spyOn(process, "emitWarning").mockImplementation(() => undefined);

beforeAll(async () => {
    fixtures = await createFixtures();
});

afterAll(async () => {
    await fixtures.issuer.close();
    // One issuer is cut off on purpose.
    const warned = warnings.mock.calls.map(([, how]) => (how as unknown as { code: string }).code);
    expect(new Set(warned)).toEqual(new Set(["OIDC_SPA_NATIVE_ON_REJECTED", "OIDC_SPA_NATIVE_KEYS"]));
    warnings.mockRestore();
});

describe.each(Object.entries({ ...FRAMEWORKS, ...TRPC }))(
    "%s",
    (_name, { start, transport, idiom, leavesOut }: Framework) => {
        describe.each([
            ["plain", ""],
            ["mounted", "/api/v2"]
        ])("%s", (_how, prefix) => {
            let running: Running;

            beforeAll(async () => {
                running = await start(newApplication(fixtures, prefix));
            });

            afterAll(() => running.close());

            const send = (request: Request) => {
                const path = request.at === "root" ? request.path : prefix + request.path;
                return (transport === "http2" ? overHttp2 : overHttp1)(running.port, path, request);
            };

            // The rows' names do not depend on the fixtures, which are not there yet when tests are listed.
            const listed: readonly Row[] = rowsFor({ issuer: { issuerUri: "" } } as Fixtures);
            const carried = listed
                .map((row, i) => [row.name, i, row.only] as const)
                .filter(
                    ([name, , only]) => transport.startsWith(only ?? "") && leavesOut?.test(name) !== true
                );

            test.each(carried)("%s", async (_row, i) => {
                const { steps } = rowsFor(fixtures)[i] as Row;
                let nonce: string | undefined;
                rejected.length = 0;
                for (const { request, response } of steps) {
                    const context: Context = {
                        fixtures,
                        now: nowInSeconds(),
                        base: `http://127.0.0.1:${running.port}${prefix}`,
                        nonce
                    };
                    const sent = request(context);
                    const [{ nonce: given, ...answer }, id] = withoutId(await send(sent));
                    expect(answer).toEqual(
                        idiom === undefined || sent.at === "root" ? response : idiom(response, sent.path)
                    );
                    nonce = given;
                    const told = rejected.splice(0);
                    expect(told.map(({ code }) => code)).toEqual(toldOf(response));
                    // Support finds the line by the name that the client has.
                    if (id !== undefined) {
                        expect(told.map(({ refusalId }) => refusalId)).toEqual([id]);
                    }
                    expect(id !== undefined).toBe(answer.body.includes('"about:blank"'));
                }
            });
        });
    }
);

test("the table has a refusal and a grant for each scheme", () => {
    const rows = rowsFor({ issuer: { issuerUri: "" } } as Fixtures);
    expect(rows.length).toBeGreaterThan(50);
    expect(new Set(rows.map(({ name }) => name)).size).toBe(rows.length);
});
