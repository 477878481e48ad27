// The guides of oidc-spa/server, each written out as a program, and run with it and with oidc-spa-native/server: nothing
// but the import is changed, and clients see the same answers, or a difference that is listed.

import { once } from "node:events";
import { request, type IncomingHttpHeaders, type IncomingMessage } from "node:http";
import { text } from "node:stream/consumers";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { WebSocket } from "ws";
import { INTENDED_DIFFERENCES } from "../intended-differences.js";
import { API } from "../../support/real-issuer.js";
import { createCredentials, type Credentials } from "./credentials.js";
import { buildPrograms, GUIDES, LIBRARIES, type Library, type Programs, type Running } from "./programs.js";
import { CASES, DIFFERENCES, UPGRADES, type Case, type Difference } from "./requests.js";

interface Answer {
    readonly status: number;
    readonly headers: IncomingHttpHeaders;
    readonly body: string;
}

let credentials: Credentials;
let programs: Programs;

beforeAll(async () => {
    [credentials, programs] = await Promise.all([createCredentials(), buildPrograms()]);
}, 60_000);

afterAll(async () => {
    await programs?.remove();
    await credentials?.issuer.close();
});

async function ask(url: string, headers: Record<string, string>): Promise<Answer> {
    const sent = request(url, { headers, agent: false });
    sent.end();
    const [response] = (await once(sent, "response")) as [IncomingMessage];
    return answerOf(response);
}

async function answerOf(response: IncomingMessage): Promise<Answer> {
    const { date: _, ...headers } = response.headers;
    return { status: response.statusCode ?? 0, headers, body: await text(response) };
}

/** Opens a WebSocket as a browser does, says a word, and closes it. */
async function upgrade(url: string, headers: Record<string, string>): Promise<Answer> {
    const { "sec-websocket-protocol": protocols } = headers;
    const socket = new WebSocket(url.replace(/^http/, "ws"), protocols?.split(",") ?? []);
    return new Promise((resolve, reject) => {
        const heard: string[] = [];
        socket.on("message", data => {
            heard.push(String(data));
            if (heard.length === 1) {
                socket.send("something");
            } else {
                socket.close();
                resolve({
                    status: 101,
                    headers: { "sec-websocket-protocol": socket.protocol },
                    body: heard.join("\n")
                });
            }
        });
        socket.on("unexpected-response", (_request, response) => {
            answerOf(response).then(resolve, reject);
        });
        socket.on("error", reject);
    });
}

const differenceOf = (program: string, name: string): Difference | undefined =>
    DIFFERENCES.find(
        ({ programs, cases }) =>
            cases.includes(name) && (programs === undefined || programs.includes(program))
    );

describe.each(GUIDES)("%s", program => {
    const running = new Map<Library, Running>();

    beforeAll(async () => {
        const env = { OIDC_ISSUER_URI: credentials.issuer.issuerUri, OIDC_AUDIENCE: API };
        const starts = await Promise.allSettled(
            LIBRARIES.map(async library => {
                running.set(library, await programs.start(library, program, env));
            })
        );
        for (const start of starts) {
            if (start.status === "rejected") {
                throw start.reason;
            }
        }
    });

    afterAll(() => Promise.all([...running.values()].map(({ stop }) => stop())));

    const isUpgraded = program.startsWith("websocket-");

    async function answer(library: Library, { route, fields, isRepeated = false }: Case): Promise<Answer> {
        const { baseUrl } = running.get(library) as Running;
        const url = `${baseUrl}/api/${route}`;
        const headers = fields(credentials, url);
        const send = isUpgraded ? upgrade : ask;
        const first = isRepeated ? await send(url, headers) : undefined;
        if (library === "oidc-spa-native" && first !== undefined) {
            expect(first.status, "the first time").toBe(200);
        }
        return send(url, headers);
    }

    test.each(isUpgraded ? UPGRADES : CASES)("$name: $status", async requestCase => {
        const [theirs, ours] = await Promise.all([
            answer("oidc-spa", requestCase),
            answer("oidc-spa-native", requestCase)
        ]);
        const context = () =>
            LIBRARIES.map(library => `${library}: ${running.get(library)?.output()}`).join("\n");
        expect(ours.status, context()).toBe(requestCase.status);
        const difference = differenceOf(program, requestCase.name);
        if (difference === undefined) {
            expect(ours, context()).toEqual(theirs);
        } else {
            expect(theirs.status, `${context()}\nlisted as ${difference.id}`).toBe(difference.status);
            expect(theirs.status, `${difference.id} is listed, but does not differ any more`).not.toBe(
                ours.status
            );
        }
    });
});

test("every guide in the folder is run", () => {
    expect(GUIDES.toSorted()).toEqual(programs.names.toSorted());
});

test("every listed difference is an intended one, of a case and a program that exist", () => {
    const known = INTENDED_DIFFERENCES.map(({ id }) => id);
    const cases = [...CASES, ...UPGRADES].map(({ name }) => name);
    for (const { id, cases: listed, programs = [] } of DIFFERENCES) {
        expect(known).toContain(id);
        expect(cases).toEqual(expect.arrayContaining([...listed]));
        expect(GUIDES).toEqual(expect.arrayContaining([...programs]));
    }
});
