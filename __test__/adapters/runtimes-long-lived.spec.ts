// Sockets of Bun and Deno, whose servers give no `ws`: closed at the expiry by `closeAtExpiry`, as the pages have it.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { afterAll, beforeAll, expect, onTestFinished, test } from "vitest";
import { WebSocket } from "ws";
import { AUDIENCE, createFixtures, nowInSeconds, type Fixtures } from "../support/fixtures.js";
import { NO_NETWORK_VARIABLES, root } from "../support/script.js";

let fixtures: Fixtures;
let folder: string;

beforeAll(async () => {
    fixtures = await createFixtures();
    // Bun and Deno find the package as in an application that has installed it.
    await mkdir(join(root, "target"), { recursive: true });
    folder = await mkdtemp(join(root, "target/runtimes-"));
    await mkdir(join(folder, "node_modules"));
    await symlink(root, join(folder, "node_modules/oidc-spa-native"));
    await writeFile(join(folder, "package.json"), '{ "type": "module" }');
});
afterAll(async () => {
    await fixtures.issuer.close();
    await rm(folder, { recursive: true });
});

const VALIDATOR = `
import { createValidator } from "oidc-spa-native";
import { protect } from "oidc-spa-native/fetch";
import { closeAtExpiry } from "oidc-spa-native/websocket";
import process from "node:process";
const validator = createValidator({ issuerUri: process.env.ISSUER, expectedAudience: "${AUDIENCE}" });
`;

const PROGRAMS = {
    bun: `${VALIDATOR}
        const server = Bun.serve({
            port: 0,
            hostname: "127.0.0.1",
            fetch: protect(validator, { subprotocolToken: true }, (request, auth, server) => {
                return server.upgrade(request, { data: { auth } }) ? undefined : new Response(null, { status: 400 });
            }),
            websocket: {
                open: ws => {
                    ws.data.stop = closeAtExpiry(validator, ws, ws.data.auth);
                    ws.send(ws.data.auth.claims.sub);
                },
                message: () => undefined,
                close: ws => ws.data.stop()
            }
        });
        console.log(server.port);`,
    deno: `${VALIDATOR}
        const handler = protect(validator, { subprotocolToken: true }, (request, auth) => {
            const [protocol] = request.headers.get("sec-websocket-protocol").split(",");
            const { socket, response } = Deno.upgradeWebSocket(request, { protocol });
            socket.addEventListener("open", () => {
                closeAtExpiry(validator, socket, auth);
                socket.send(auth.claims.sub);
            });
            return response;
        });
        Deno.serve({ port: 0, hostname: "127.0.0.1", onListen: ({ port }) => console.log(port) }, handler);`
};

const COMMANDS = {
    bun: [join(root, "node_modules/bun/bin/bun.exe"), "run"],
    deno: [
        join(root, "node_modules/deno/deno"),
        ..."run --cached-only --no-lock --no-prompt --allow-net --allow-env --allow-read --allow-ffi".split(
            " "
        )
    ]
};

/** Runs a program until the test has ended: the port that it says, and what it has written to stderr. */
async function serving(name: keyof typeof COMMANDS, file: string, program: string) {
    await writeFile(join(folder, file), program);
    const [command = "", ...args] = COMMANDS[name];
    const child = spawn(command, [...args, join(folder, file)], {
        cwd: folder,
        env: { ...process.env, ...NO_NETWORK_VARIABLES, ISSUER: fixtures.issuer.issuerUri }
    });
    onTestFinished(() => void child.kill());
    let said = "";
    child.stderr.on("data", (data: Buffer) => {
        said += data.toString();
    });
    const { value: port } = await createInterface({ input: child.stdout })[Symbol.asyncIterator]().next();
    expect(Number(port), said).toBeGreaterThan(0);
    return { port: Number(port), said: () => said, child };
}

test.each(["bun", "deno"] as const)("%s", { timeout: 60_000 }, async name => {
    const { port, said } = await serving(name, `${name}.mjs`, PROGRAMS[name]);
    const opened = async (seconds: number) => {
        const exp = nowInSeconds() + seconds;
        const token = fixtures.token(nowInSeconds(), { exp });
        const socket = new WebSocket(`ws://127.0.0.1:${port}/`, [`authorization_bearer_${token}`]);
        onTestFinished(() => socket.terminate());
        const [message] = await once(socket, "message");
        expect(String(message)).toBe("user-1");
        return { socket, due: exp * 1000 };
    };
    const [lasting, brief] = [await opened(600), await opened(3)];
    const [code] = (await once(brief.socket, "close")) as [number];
    expect([code, said()]).toEqual([4401, ""]);
    expect(Date.now()).toBeGreaterThanOrEqual(brief.due);
    expect(lasting.socket.readyState).toBe(WebSocket.OPEN);
});

test("the page's stream on Bun ends no process, whatever a client does with it", {
    timeout: 60_000
}, async () => {
    const page = await readFile(join(root, "docs/adapters.md"), "utf8");
    const [snippet = ""] = /import [^`]*new ReadableStream[^`]*/.exec(page) ?? [];
    const { port, said, child } = await serving(
        "bun",
        "stream.ts",
        `import { createValidator } from "oidc-spa-native";
        const validator = createValidator({ issuerUri: process.env.ISSUER!, expectedAudience: "${AUDIENCE}" });
        ${snippet}
        console.log(Bun.serve({ port: 0, hostname: "127.0.0.1", fetch: me }).port);`
    );
    const ask = async (method: string, exp: number) => {
        const token = fixtures.token(nowInSeconds(), { exp });
        return fetch(`http://127.0.0.1:${port}/`, { method, headers: { authorization: `Bearer ${token}` } });
    };
    // Longer than the stream's step: what it does after the client has left is what matters.
    const brief = await ask("GET", nowInSeconds() + 3);
    expect((await ask("HEAD", nowInSeconds() + 600)).status).toBe(200);
    await (await ask("GET", nowInSeconds() + 600)).body?.cancel();
    expect(await brief.text()).toMatch(/^(data: tick\n\n)+$/);
    expect([(await ask("GET", nowInSeconds() - 60)).status, child.exitCode, said()]).toEqual([401, null, ""]);
});
