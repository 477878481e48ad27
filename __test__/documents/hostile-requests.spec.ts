// Examples and pages are code that people copy. Each server among them is sent what no client should send: its process lives,
// and nobody without credentials gets anything.

import { execFile, spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { commandOf, EXAMPLES } from "../../examples/programs.mjs";
import { NO_NETWORK_VARIABLES, root } from "../support/script.js";

const run = promisify(execFile);

/** An issuer that is not there: nobody here has a token. */
const ISSUER = "http://127.0.0.1:9";

const TARGETS = [
    "//",
    "///x",
    "/%",
    "/%00",
    "/..;/admin",
    "/?%",
    "http://evil/",
    "http://",
    "http://[",
    "http:/\\/\\x",
    "https://a:b@evil:99999/x",
    "*",
    "?",
    "x",
    "//[",
    `/${"a".repeat(8192)}`,
    `/${"%".repeat(8192)}`,
    `/?${"a=%&".repeat(2048)}`
];
const HOSTS = ["Host: x\r\n", "", "Host: x\r\nHost: y\r\n", "Host: [\r\n", "Host: //\r\n", "Host: %\r\n"];
const UPGRADE = `Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${Buffer.alloc(16).toString("base64")}\r\n`;
const PREFLIGHT = "Connection: close\r\nOrigin: http://evil\r\nAccess-Control-Request-Method: GET\r\n";

const REQUESTS = TARGETS.flatMap(target =>
    HOSTS.flatMap(host => [
        `GET ${target} HTTP/1.1\r\n${host}Connection: close\r\n\r\n`,
        `GET ${target} HTTP/1.1\r\n${host}${UPGRADE}\r\n`
    ])
).concat(
    ["*", "//", "/%"].map(target => `OPTIONS ${target} HTTP/1.1\r\nHost: x\r\n${PREFLIGHT}\r\n`),
    ["//", "*"].map(target => `GET ${target} HTTP/1.0\r\n\r\n`),
    ["evil:443", "//"].map(target => `CONNECT ${target} HTTP/1.1\r\nHost: x\r\n\r\n`)
);

/** The status of the answer; 0 where none comes in time or the connection just ends. */
function statusOf(port: number, request: string): Promise<number> {
    return new Promise(resolve => {
        let answer = "";
        const socket = connect(port, "127.0.0.1", () => socket.write(request));
        const status = () => resolve(Number(/^HTTP\/1\.[01] (\d{3})/.exec(answer)?.[1] ?? 0));
        socket.setTimeout(1_500, () => socket.destroy());
        socket.on("data", data => {
            answer += data.toString("latin1");
            if (answer.includes("\r\n\r\n")) {
                socket.destroy();
            }
        });
        socket.on("error", () => undefined);
        socket.on("close", status);
    });
}

/** Sends everything, some at a time. */
async function statusesOf(port: number): Promise<[string, number][]> {
    const waiting = [...REQUESTS];
    const statuses: [string, number][] = [];
    const worker = async () => {
        for (let request = waiting.pop(); request !== undefined; request = waiting.pop()) {
            statuses.push([request.slice(0, 60), await statusOf(port, request)]);
        }
    };
    await Promise.all(Array.from({ length: 24 }, worker));
    return statuses;
}

interface Program {
    readonly child: ChildProcess;
    readonly lines: AsyncIterator<string>;
    said: string;
}

function start(command: readonly string[], env: Record<string, string> = {}): Program {
    const [program = "", ...args] = command;
    const child = spawn(program, args, {
        cwd: root,
        env: {
            ...process.env,
            ...NO_NETWORK_VARIABLES,
            PORT: "0",
            OIDC_ISSUER_URI: ISSUER,
            OIDC_AUDIENCE: "x",
            ...env
        }
    });
    const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
    const started: Program = { child, lines, said: "" };
    child.stderr.on("data", (data: Buffer) => {
        started.said += data.toString();
    });
    return started;
}

/** Every request, and then: the process lives, and it gave nobody anything. */
async function withstands({ child, said }: Program, port: number): Promise<void> {
    const statuses = await statusesOf(port);
    await new Promise(resolve => setTimeout(resolve, 100));
    expect(child.exitCode, said).toBeNull();
    expect(
        statuses.filter(([, status]) => status === 101 || (status >= 200 && status < 300 && status !== 204))
    ).toEqual([]);
    // It still answers, if only that there is nothing.
    await expect(
        new Promise((resolve, reject) =>
            connect(port, "127.0.0.1", resolve as () => void).on("error", reject)
        )
    ).resolves.toBeUndefined();
}

/** Where the examples are compiled to. */
const EXAMPLES_DIR = "target/examples-attacked";
beforeAll(async () => {
    await run(
        process.execPath,
        ["node_modules/typescript/bin/tsc", "--project", "examples", "--outDir", EXAMPLES_DIR],
        { cwd: root }
    );
}, 60_000);

describe("examples", () => {
    const programs: Record<string, () => readonly string[]> = {
        ...Object.fromEntries(
            Object.keys(EXAMPLES).map(name => [
                name,
                () => commandOf(name).map((part: string) => part.replace("target/examples", EXAMPLES_DIR))
            ])
        ),
        mcp: () => [
            process.execPath,
            "--input-type=module",
            "--eval",
            `const { createMcpApplication } = await import("./examples/mcp/server.mjs");
             const app = createMcpApplication({ issuerUri: "${ISSUER}", resource: "http://127.0.0.1/mcp" });
             const server = app.listen(0, "127.0.0.1", () => console.log("http://127.0.0.1:" + server.address().port));`
        ],
        demo: () => [
            process.execPath,
            "--input-type=module",
            "--eval",
            `const { startApi } = await import("./examples/demo/api.mjs");
             console.log((await startApi({ issuerUri: "${ISSUER}", expectedAudience: "x" })).url);`
        ]
    };

    test.each(Object.keys(programs))("%s", { timeout: 60_000 }, async name => {
        const program = start((programs[name] as () => readonly string[])());
        onTestFinished(() => void program.child.kill());
        const { value } = await program.lines.next();
        const port = Number(/127\.0\.0\.1:(\d+)/.exec(String(value))?.[1]);
        expect(port, program.said).toBeGreaterThan(0);
        await withstands(program, port);
    });
});

test("the socket of an example that is open to everybody outlives what is no frame", {
    timeout: 60_000
}, async () => {
    const program = start(
        commandOf("websocket").map((part: string) => part.replace("target/examples", EXAMPLES_DIR))
    );
    onTestFinished(() => void program.child.kill());
    const { value } = await program.lines.next();
    const port = Number(/127\.0\.0\.1:(\d+)/.exec(String(value))?.[1]);
    const answerTo = (frame: readonly number[]) =>
        new Promise<string>(resolve => {
            let answer = "";
            const socket = connect(port, "127.0.0.1", () =>
                socket.write(`GET /api/public HTTP/1.1\r\nHost: x\r\n${UPGRADE}\r\n`)
            );
            socket.once("data", () => socket.write(Buffer.from(frame)));
            socket.on("data", data => {
                answer += data.toString("latin1");
                if (answer.includes("everybody said")) {
                    socket.destroy();
                }
            });
            socket.on("error", () => undefined);
            socket.on("close", () => resolve(answer));
        });
    // Reserved bits; a control frame that is too long; a length beyond what a number holds; text that is not UTF-8.
    for (const frame of [
        [0xff, 0xff, 1, 2, 3, 4],
        [0x89, 0xfe, 0xff, 0xff, 0, 0, 0, 0],
        [0x82, 0xff, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff],
        [0x81, 0x81, 0, 0, 0, 0, 0xff]
    ]) {
        expect(await answerTo(frame)).toContain("101 Switching Protocols");
        expect(program.child.exitCode, program.said).toBeNull();
    }
    expect(await answerTo([0x81, 0x81, 0, 0, 0, 0, 0x61])).toContain("everybody said a");
});

/** What makes a block one that serves, wherever it listens. */
const SERVES =
    /createServer\(|createHTTPServer\(|express\(\)|Fastify\(\)|new Koa\(|new Hono[<(]|new Server\(|export const me =|class AppModule/;

/** What a reader supplies to a block that names it without saying what it is. */
const SUPPLIED: Record<string, string> = {
    createValidator: 'import { createValidator } from "oidc-spa-native";',
    validator: `import { createValidator as make } from "oidc-spa-native";
        const validator = make({ issuerUri: "${ISSUER}", expectedAudience: "https://api.example.com" });`,
    app: "const app = globalThis.express();"
};

async function blocks(): Promise<{ name: string; code: string }[]> {
    const pages = [
        "README.md",
        "index.d.ts",
        ...(await readdir(join(root, "docs")))
            .filter(name => name.endsWith(".md"))
            .map(name => `docs/${name}`)
    ];
    const found: { name: string; code: string }[] = [];
    for (const page of pages) {
        const text = (await readFile(join(root, page), "utf8")).replace(/^ +\* ?/gm, "");
        for (const { 1: code = "", index } of text.matchAll(/^```(?:ts|js|mjs)\n(.*?)^```$/gms)) {
            // A block that names its file is a program that runs elsewhere, on packages that are not here.
            const isFile = /<!-- \S+ -->\n$/.test(text.slice(0, index));
            if (SERVES.test(code) && !isFile) {
                found.push({
                    name: `${page.replace(/\W/g, "-")}-${text.slice(0, index).split("\n").length}.mjs`,
                    code
                });
            }
        }
    }
    return found;
}

describe("blocks of the pages", () => {
    let folder: string;
    let program: Program;
    const ports: { name: string; port: number }[] = [];
    let names: string[];

    beforeAll(async () => {
        folder = await mkdtemp(join(root, "__test__/.served-"));
        const found = await blocks();
        names = found.map(({ name }) => name);
        for (const { name, code } of found) {
            const supplied = Object.entries(SUPPLIED).filter(
                ([word]) =>
                    new RegExp(`\\b${word}\\b`).test(code) &&
                    !new RegExp(`(const|import( type)?) [^;=]*\\b${word}\\b`).test(code)
            );
            const made = ["app", "fastify", "api", "me", "AppModule"].map(
                word => `${word}: typeof ${word} === "undefined" ? undefined : ${word}`
            );
            const text = [
                ...supplied.map(([, line]) => line),
                code,
                `export const served = () => ({ ${made.join(", ")} });`
            ];
            await writeFile(join(folder, name.replace(/mjs$/, "mts")), text.join("\n"));
        }
        // That they compile without a complaint is another test's.
        const compilerOptions = {
            module: "nodenext",
            target: "es2022",
            types: ["node"],
            experimentalDecorators: true,
            emitDecoratorMetadata: true,
            noCheck: true
        };
        await writeFile(
            join(folder, "tsconfig.json"),
            JSON.stringify({ compilerOptions, include: ["*.mts"] })
        );
        await run(process.execPath, [join(root, "node_modules/typescript/bin/tsc"), "--project", folder]);
        program = start([
            process.execPath,
            join(root, "__test__/documents/serve-snippets.mjs"),
            ...names.map(name => join(folder, name))
        ]);
        for (;;) {
            const { value, done } = await program.lines.next();
            if (done === true) {
                throw new Error(program.said);
            }
            const message = JSON.parse(String(value)) as { name: string; port: number };
            if (message.name === "all") {
                break;
            }
            ports.push(message);
        }
    }, 60_000);

    afterAll(async () => {
        program?.child.kill();
        await rm(folder, { recursive: true });
    });

    test("each that serves is served", () => {
        expect(names.length).toBeGreaterThan(20);
        expect([...new Set(ports.map(({ name }) => name))].sort()).toEqual([...names].sort());
    });

    test("each withstands", { timeout: 300_000 }, async () => {
        for (const { name, port } of ports) {
            await withstands(program, port).catch((error: unknown) => {
                throw new Error(`${name}: ${String(error)}\n${program.said}`);
            });
        }
    });
});

test("what parses a request's target with `new URL` does not withstand, and no page does so", async () => {
    const naive = `const { createServer } = require("node:http");
        const server = createServer((req, res) => res.writeHead(404).end(new URL(req.url, "http://x").pathname));
        server.listen(0, "127.0.0.1", () => console.log(server.address().port));`;
    const program = start([process.execPath, "--eval", naive]);
    const { value } = await program.lines.next();
    const ended = once(program.child, "exit");
    await statusOf(Number(value), REQUESTS[0] as string);
    expect(((await ended) as [number])[0]).toBe(1);
    for (const { name, code } of await blocks()) {
        expect(code, name).not.toMatch(/new URL\((req|request)\.url/);
    }
});
