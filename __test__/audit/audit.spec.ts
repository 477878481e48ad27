// `oidc-spa-native audit`, run as a program against servers that are good and servers with one fault.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { program } from "../cli/program.js";
import { root } from "../support/script.js";

const folder = mkdtempSync(join(tmpdir(), "oidc-spa-native-audit-"));
afterAll(() => rmSync(folder, { recursive: true }));

interface Result {
    readonly id: string;
    readonly level: "must" | "should" | "may";
    readonly outcome: string;
    readonly answer: string;
    readonly meaning: string;
}

const LONG = 180_000;

/** A program that starts another one, in its own group, and ends when that one listens. */
const LEAVING = `
    const { spawn } = require("node:child_process");
    spawn(process.argv[1], process.argv.slice(2), { stdio: "ignore" }).unref();
    const look = () => fetch("http://127.0.0.1:" + process.env.PORT).then(() => process.exit(), () => setTimeout(look, 50));
    look();
`;

async function listening(answer: Parameters<typeof createServer>[1]): Promise<Server & { origin: string }> {
    const server = createServer(answer).listen(0, "127.0.0.1");
    await once(server, "listening");
    return Object.assign(server, { origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}` });
}

async function freePort(): Promise<number> {
    const server = await listening(() => undefined);
    const { port } = new URL(server.origin);
    server.close();
    return Number(port);
}

/** Audits a server of server.mjs as fast as it may be done. */
async function audited(kind: string, options: readonly string[] = [], log?: string, env = {}) {
    const port = await freePort();
    const server = [process.execPath, join(import.meta.dirname, "server.mjs"), kind, ...(log ? [log] : [])];
    return program(
        ["audit", `http://127.0.0.1:${port}/me`, "--rate", "50", ...options, "--", ...server],
        "",
        { PORT: String(port), ...env }
    );
}

async function reported(kind: string, options: readonly string[] = [], log?: string, env = {}) {
    const { exit, out, err } = await audited(kind, ["--json", ...options], log, env);
    const report = out === "" ? undefined : JSON.parse(out);
    const results: readonly Result[] = report?.results ?? [];
    const wrong = results.filter(({ outcome }) => outcome !== "passed");
    const ids = (outcome: string) =>
        wrong.filter(result => result.outcome === outcome).map(({ id }) => id.split("/").slice(2).join("/"));
    return { exit, err, report, results, wrong, ids };
}

test("a server on this package: nothing wrong, not even what it only should do", {
    timeout: LONG
}, async () => {
    const log = join(folder, "good.log");
    const junit = join(folder, "good.xml");
    const { exit, report, results, wrong } = await reported("good", ["--strict", "--junit", junit], log);
    expect(exit).toBe(0);
    expect(report.schemes).toEqual(["Bearer", "DPoP"]);
    expect(report.ended).toBeNull();
    expect(wrong).toEqual([]);
    expect(report.answers).toEqual([]);
    expect(results.length).toBeGreaterThan(300);
    const xml = readFileSync(junit, "utf8");
    expect(xml).toContain(`tests="${results.length}" failures="0"`);
    // One connection at a time.
    const seen = readFileSync(log, "utf8").trim().split("\n");
    expect(seen.length).toBeGreaterThan(results.length);
    expect(new Set(seen.map(line => JSON.parse(line).open))).toEqual(new Set([1]));
});

test("a server that asks for nonces gets them", { timeout: LONG }, async () => {
    const { exit, report, wrong } = await reported("nonce", ["--dpop", "required"]);
    expect(exit).toBe(0);
    expect(report.schemes).toEqual(["Bearer", "DPoP"]);
    expect(wrong.filter(({ level }) => level === "must")).toEqual([]);
});

test("a server that believes any token: each kind of forgery is named", { timeout: LONG }, async () => {
    const junit = join(folder, "credulous.xml");
    const { exit, report, results, ids } = await reported("credulous", ["--junit", junit]);
    expect(exit).toBe(1);
    expect(report.schemes).toEqual(["Bearer"]);
    expect(ids("got-in")).toEqual(
        expect.arrayContaining([
            ...["A01-none", "A09-hmac-spki", "F24-stranger", "F26-other-payload", "C25-jwk"],
            ...["E01-long-over", "E15-aud-other", "D39-nbf-far", "B02-no-signature"]
        ])
    );
    expect(ids("got-in")).not.toContain("E07-iss-behind");
    const forged = results.find(({ id }) => id.endsWith("F24-stranger"));
    expect(forged).toMatchObject({
        level: "must",
        answer: "200",
        meaning: "a token that the issuer did not sign is believed"
    });
    // It takes no DPoP, so nothing can be said about tokens that are bound to a key.
    expect(results.find(({ id }) => id.endsWith("N01-bound-as-bearer"))?.outcome).toBe("untested");
    expect(report.answers).toMatchObject([{ name: "401 without WWW-Authenticate" }]);
    const must = results.filter(({ level, outcome }) => level === "must" && outcome === "got-in");
    expect(readFileSync(junit, "utf8").match(/<failure type="got-in"/g)).toHaveLength(must.length);
});

test("a good request that is kept out is a finding too", { timeout: LONG }, async () => {
    const { exit, ids } = await reported("narrow", ["--dpop", "disabled"]);
    expect(exit).toBe(1);
    expect(ids("kept-out")).toContain("E15-aud-among-others");
    expect(ids("got-in")).toEqual([]);
});

test("a server that a request ends is started again, and the run goes on", { timeout: LONG }, async () => {
    const { exit, report, results } = await reported("fragile", ["--dpop", "disabled"]);
    expect(exit).toBe(1);
    const of = (id: string) => results.find(result => result.id.endsWith(id));
    expect(of("A01-none")).toMatchObject({ outcome: "crashed", answer: "ended" });
    expect(of("F24-stranger")).toMatchObject({ outcome: "passed" });
    expect(report.ended).toBeNull();
});

test.each([
    ["closing", "closed"],
    ["malformed", "malformed"]
])(
    "a server whose refusals are no answers (%s) is audited to the end",
    { timeout: LONG },
    async (kind, answer) => {
        const { exit, report, ids, results } = await reported(kind, ["--dpop", "disabled"]);
        expect(exit).toBe(1);
        expect(report.ended).toBeNull();
        expect(results.length).toBeGreaterThan(200);
        expect(ids("got-in")).toEqual([]);
        expect(ids("kept-out")).toEqual([]);
        expect(results.find(({ id }) => id.endsWith("F24-stranger"))).toMatchObject({
            outcome: "crashed",
            answer
        });
    }
);

test("a server that hangs from one request on ends the run within its time", { timeout: LONG }, async () => {
    const limits = ["--timeout", "0.5", "--within", "10"];
    const { exit, out } = await audited("hanging", ["--dpop", "disabled", ...limits]);
    expect(exit).toBe(1);
    expect(out).toMatch(/The run ended early: the server does not answer any more after \S+-none/);
});

test("tokens and stack traces in answers are found", { timeout: LONG }, async () => {
    const { exit, report } = await reported("talkative", ["--dpop", "disabled"]);
    expect(exit).toBe(0);
    expect(report.answers.map(({ name }: { name: string }) => name).sort()).toEqual([
        "a stack trace in the body",
        "the token, or a part of it, in the answer"
    ]);
});

test("a run that takes too long ends, and is no praise", { timeout: LONG }, async () => {
    const { exit, report } = await reported("good", ["--within", "1", "--rate", "5"]);
    expect(exit).toBe(2);
    expect(report.ended).toBe("the time of 1 seconds is over");
    expect(report.results.length).toBeLessThan(20);
    const { out } = await audited("good", ["--within", "1", "--rate", "5"]);
    expect(out).toContain("Until then no request got a wrong verdict on what every server must do");
    expect(out).not.toContain("\nNo request got");
});

test.each([[[]], [["--dpop", "required"]]])(
    "a server that refuses everything after some refusals gets no praise (%j)",
    { timeout: LONG },
    async options => {
        const { exit, report, results } = await reported("locking", options);
        expect(report.ended).toContain("good requests are refused too");
        expect(exit).toBe(2);
        const refused = results.filter(({ answer, outcome }) => answer === "403" && outcome === "passed");
        expect(refused).toEqual([]);
        expect(results.filter(({ outcome }) => outcome === "untested").length).toBeGreaterThan(10);
    }
);

const SERVER = [join(import.meta.dirname, "server.mjs"), "good"];

const isServing = (port: number): Promise<boolean> =>
    fetch(`http://127.0.0.1:${port}/`).then(
        () => true,
        () => false
    );

test("a terminal that closes ends the run, and the server with it", { timeout: LONG }, async () => {
    const port = await freePort();
    const words = ["audit", `http://127.0.0.1:${port}/me`, "--rate", "1", "--", process.execPath, ...SERVER];
    const run = spawn(process.execPath, [join(root, "dist/cli/main.js"), ...words], {
        env: { PORT: String(port) },
        stdio: "ignore"
    });
    const ended = once(run, "exit");
    await expect.poll(() => isServing(port)).toBe(true);
    run.kill("SIGHUP");
    await ended;
    await expect.poll(() => isServing(port)).toBe(false);
});

test("a server that its command leaves behind does not outlive the run", { timeout: LONG }, async () => {
    const port = await freePort();
    const words = ["audit", `http://127.0.0.1:${port}/me`, "--within", "1", "--wait", "5"];
    const command = [process.execPath, "-e", LEAVING, process.execPath, ...SERVER];
    const { exit } = await program([...words, "--", ...command], "", { PORT: String(port) });
    // Its command ends at each start.
    expect(exit).not.toBe(0);
    await expect.poll(() => isServing(port)).toBe(false);
});

test("no redirect is followed, and no proxy of the environment is used", { timeout: LONG }, async () => {
    let asked = 0;
    const stranger = await listening((_req, res) => {
        asked++;
        res.end();
    });
    const proxy = { HTTP_PROXY: stranger.origin, http_proxy: stranger.origin, NODE_USE_ENV_PROXY: "1" };
    try {
        const { exit, report } = await reported(
            "redirecting",
            ["--dpop", "disabled"],
            stranger.origin,
            proxy
        );
        expect(exit).toBe(0);
        expect(report.answers).toMatchObject([{ name: "a redirect in the place of a refusal" }]);
        expect(asked).toBe(0);
    } finally {
        stranger.close();
    }
});

test("the page says what got in, what it means, and by which clause", { timeout: LONG }, async () => {
    const { exit, out } = await audited("credulous");
    expect(exit).toBe(1);
    expect(out).toContain("ISSUER_URI=http://127.0.0.1:");
    expect(out).toMatch(/✗ requests got in that must not +\d+/);
    expect(out).toMatch(/✗ An empty signature +200/);
    expect(out).toContain("a token that the issuer did not sign is believed");
    expect(out).toContain("RFC 7515 section 7.1; vector rfc7515/compact-form/B02-no-signature");
    expect(out).toMatch(/! 401 without WWW-Authenticate +\d+ answers/);
    expect(out).toMatch(/requests got a wrong verdict\.\n$/);
});

test("a route without a guard, a server that is not there, a command that ends: 2, and no verdict", {
    timeout: LONG
}, async () => {
    const open = await reported("open");
    expect([open.exit, open.report]).toEqual([2, undefined]);
    expect(open.err).toContain("the route takes requests without a token");
    const url = `http://127.0.0.1:${await freePort()}/me`;
    const absent = await program(["audit", url, "--wait", "1"]);
    expect(absent.exit).toBe(2);
    expect(absent.err).toContain("no good token got in (the last answer: unreachable)");
    expect(absent.err).toContain("nobody asked the issuer for its keys");
    const ended = await program(["audit", url, "--", process.execPath, "-e", "0"]);
    expect(ended.exit).toBe(2);
    expect(ended.err).toContain("ended before a good token got in");
    const missing = await program(["audit", url, "--", "no-such-program"]);
    expect(missing.exit).toBe(2);
});

test("a server on another machine is asked for nothing but the run's code, until it shows it", {
    timeout: LONG
}, async () => {
    const asked: (string | undefined)[] = [];
    const server = await listening((req, res) => {
        asked.push(req.url);
        // As an error page of a stranger, which repeats what it was asked for.
        res.end(`nothing at ${req.url} for ${JSON.stringify(req.headers)}`);
    });
    // An address that is not loopback, by its text, and leads to this machine.
    const url = server.origin.replace("127.0.0.1", "0.0.0.0");
    try {
        const { exit, out, err } = await program(["audit", `${url}/me`, "--wait", "3"]);
        expect(exit).toBe(2);
        expect(out).toMatch(/\n {2}audit-[0-9a-f]{32}\n/);
        expect(err).toContain("did not show this run's code");
        expect(new Set(asked)).toEqual(new Set(["/.well-known/oidc-spa-native-audit"]));
    } finally {
        server.close();
    }
});

test.each([
    [["http://ann:secret@127.0.0.1:1/"], "no user and no password"],
    [["ftp://127.0.0.1/"], "the URL of one route"],
    [["nonsense"], "the URL of one route"],
    [[], "the URL of one route"],
    [["http://name.invalid/"], "has no address"],
    [["http://127.0.0.1:1/", "--rate", "51"], "--rate takes requests in a second, from 1 to 50"],
    [["http://127.0.0.1:1/", "--rate", "0"], "--rate takes"],
    [["http://127.0.0.1:1/", "--within", "3601"], "--within takes seconds, from 1 to 3600"],
    [["http://127.0.0.1:1/", "--issuer-port", "x"], "--issuer-port takes a port"],
    [["http://127.0.0.1:1/", "--claims", '{"aud":"x"}'], "--claims cannot set aud"],
    [["http://127.0.0.1:1/", "--claims", "[]"], "--claims takes an object"],
    [["http://127.0.0.1:1/", "--method", "get"], "--method takes a method in capitals"],
    [["http://127.0.0.1:1/", "--dpop", "no"], "--dpop takes allowed, required or disabled"],
    [["http://127.0.0.1:1/", "--proof", "x"], "--proof is an option of inspect, not of audit"]
])("audit %j: 2, and what to do", async (args, message) => {
    const { exit, out, err } = await program(["audit", ...args]);
    expect([exit, out]).toEqual([2, ""]);
    expect(err).toContain(message);
    expect(err).not.toContain("secret");
});
