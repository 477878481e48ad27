// The examples whose answers are not those of a plain API of HTTP: tRPC and WebSocket, on real ports with a real issuer.

import { execFile } from "node:child_process";
import { copyFile, mkdir, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { WebSocket } from "ws";
import { BEYOND_REST, diffOf, diffPath } from "../../examples/programs.mjs";
import { createCredentials, type Credentials } from "../drop-in/programs/credentials.js";
import { startProgram, type Running } from "../drop-in/programs/programs.js";
import { API } from "../support/real-issuer.js";
import { root } from "../support/script.js";

const run = promisify(execFile);
const compiled = "target/examples-beyond-rest";

let credentials: Credentials;
const programs = new Map<string, Running>();

beforeAll(async () => {
    await mkdir(join(root, compiled), { recursive: true });
    const options =
        "--ignoreConfig --strict --module nodenext --target es2022 --types node --exactOptionalPropertyTypes --noUnusedLocals --skipLibCheck";
    const files = BEYOND_REST.map(name => `examples/${name}/server.mts`);
    // tRPC has types for modules and for CommonJS: the program must compile as both.
    await copyFile(join(root, "examples/trpc/server.mts"), join(root, "examples/trpc/.commonjs.cts"));
    files.push("examples/trpc/.commonjs.cts");
    const compiling = run(
        process.execPath,
        [
            "node_modules/typescript/bin/tsc",
            ...options.split(" "),
            "--rootDir",
            "examples",
            "--outDir",
            compiled,
            ...files
        ],
        { cwd: root }
    )
        .catch((error: { stdout: string }) => {
            throw new Error(`The examples do not compile:\n${error.stdout}`);
        })
        .finally(() => rm(join(root, "examples/trpc/.commonjs.cts")));
    [credentials] = await Promise.all([createCredentials(), compiling]);
    const env = { OIDC_ISSUER_URI: credentials.issuer.issuerUri, OIDC_AUDIENCE: API };
    for (const name of BEYOND_REST) {
        programs.set(
            name,
            await startProgram([process.execPath, join(root, compiled, name, "server.mjs")], root, env)
        );
    }
}, 60_000);

afterAll(async () => {
    await Promise.all([...programs.values()].map(program => program.stop()));
    await credentials?.issuer.close();
});

const urlOf = (name: string, route: string): string => `${programs.get(name)?.baseUrl}/api/${route}`;

test.each(BEYOND_REST)("%s: what is written beside it is the difference", async name => {
    expect(await readFile(diffPath(name), "utf8")).toBe(await diffOf(name));
});

test("tRPC", async () => {
    const ask = async (route: string, headers: Record<string, string> = {}) => {
        const response = await fetch(urlOf("trpc", route), { headers });
        const { result, error } = (await response.json()) as {
            result?: { data: unknown };
            error?: { data: { reason: string } };
        };
        return [response.status, result?.data ?? error?.data.reason];
    };
    const bearer = (token: string) => ({ authorization: `Bearer ${token}` });
    const { good, editor, expired } = credentials.bearer;
    expect(await ask("public", bearer("nonsense"))).toEqual([200, { open: true }]);
    expect(await ask("greeting")).toEqual([200, { hello: "stranger" }]);
    expect(await ask("greeting", bearer(good))).toEqual([200, { hello: "reader" }]);
    expect(await ask("greeting", bearer(expired))).toEqual([401, "token_expired"]);
    expect(await ask("items")).toEqual([401, "credentials_missing"]);
    expect(await ask("items", bearer(good))).toEqual([200, { owner: "reader", items: ["apple"] }]);
    expect(await ask("reports", bearer(good))).toEqual([403, "role_insufficient"]);
    expect(await ask("reports", bearer(editor))).toEqual([200, { editor: "editor", roles: ["editor"] }]);

    const accessToken = credentials.bound.reader;
    const proved = {
        authorization: `DPoP ${accessToken}`,
        dpop: credentials.proof({ url: urlOf("trpc", "items"), accessToken })
    };
    expect(await ask("items", proved)).toEqual([200, { owner: "reader", items: ["apple"] }]);
    expect(await ask("items", proved)).toEqual([401, "proof_replayed"]);
});

describe("WebSocket", () => {
    const open = (route: string, token?: string, headers: Record<string, string> = {}): Promise<unknown> => {
        const socket = new WebSocket(
            urlOf("websocket", route).replace(/^http/, "ws"),
            token === undefined ? [] : [`authorization_bearer_${token}`],
            { headers }
        );
        return new Promise((resolve, reject) => {
            socket.on("message", data => {
                resolve([101, String(data)]);
                socket.close();
            });
            socket.on("unexpected-response", (_request, response) => {
                text(response).then(
                    body => resolve([response.statusCode, (JSON.parse(body) as { code: string }).code]),
                    reject
                );
            });
            socket.on("error", reject);
        });
    };

    test("public, optional, protected, and for a role", async () => {
        const { good, editor, expired } = credentials.bearer;
        expect(await open("public", "nonsense")).toEqual([101, "Hello everybody"]);
        expect(await open("greeting")).toEqual([101, "Hello stranger"]);
        expect(await open("greeting", good)).toEqual([101, "Hello reader"]);
        expect(await open("greeting", expired)).toEqual([401, "token_expired"]);
        expect(await open("items")).toEqual([401, "credentials_missing"]);
        expect(await open("items", good)).toEqual([101, "Hello reader"]);
        expect(await open("reports", good)).toEqual([403, "role_insufficient"]);
        expect(await open("reports", editor)).toEqual([101, "Hello editor"]);
    });

    test("a proof for the handshake is good once", async () => {
        const accessToken = credentials.bound.reader;
        const proved = {
            authorization: `DPoP ${accessToken}`,
            dpop: credentials.proof({ url: urlOf("websocket", "items"), accessToken })
        };
        expect(await open("items", undefined, proved)).toEqual([101, "Hello reader"]);
        expect(await open("items", undefined, proved)).toEqual([401, "proof_replayed"]);
    });
});
