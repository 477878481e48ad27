// `oidc-spa-native inspect`, run as a program: the verdict of the library, in a table that a person reads.

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createTestIssuer, dpopClient } from "oidc-spa-native/testing";
import { afterAll, describe, expect, test } from "vitest";
import { clientCredentials, startIssuer, API } from "../support/real-issuer.js";
import { program } from "./program.js";

const NOW = 1_800_000_000;
const URL_OF_ITEMS = "https://api.test/items";
const issuer = createTestIssuer({ shape: "keycloak", clock: () => NOW * 1000 });
const client = dpopClient({
    token: bound => issuer.sign({}, { boundTo: bound }),
    clock: () => NOW * 1000
});
const folder = mkdtempSync(join(tmpdir(), "oidc-spa-native-cli-"));
const keys = join(folder, "keys.json");
writeFileSync(keys, JSON.stringify(issuer.jwks));
afterAll(() => rmSync(folder, { recursive: true }));

const GIVEN = [
    "--issuer",
    issuer.issuerUri,
    "--audience",
    "https://api.test",
    "--keys",
    keys,
    "--at",
    `${NOW}`
];
const inspect = (input: string, ...options: string[]) => program(["inspect", ...GIVEN, ...options], input);
const CONTROLS = /[\p{Cc}\u200b-\u200f\u2028-\u202e]/u;

/** What changes with each run of the tests. */
const steady = (text: string) =>
    text
        .replaceAll(/kid [\w-]{8,}…?/g, "kid KID")
        .replaceAll(/(header\.kid +)\S+/g, "$1KID")
        .replaceAll(/(the token is bound to +)\S{20,}/g, "$1THUMBPRINT");

describe("the page", () => {
    test("of a token that would be granted", async () => {
        const { exit, out, err } = await inspect(issuer.sign());
        expect(steady(out)).toMatchSnapshot();
        expect([exit, err]).toEqual([0, ""]);
    });

    test("of one that would be refused, with what to do", async () => {
        const { exit, out } = await inspect(issuer.sign({ aud: "account" }, { expiresInSeconds: -20 }));
        expect(steady(out)).toMatchSnapshot();
        expect(exit).toBe(1);
    });

    test("of a DPoP proof for another URL, out of a curl command", async () => {
        const curl = `curl '${URL_OF_ITEMS}' \\\n  -X POST \\\n  -H 'Authorization: DPoP ${client.token}' \\\n  -H "DPoP: ${client.proof("POST", "http://api.test/items")}" | jq`;
        const { exit, out } = await inspect(curl);
        expect(steady(out)).toMatchSnapshot();
        expect(exit).toBe(1);
    });

    test("without an issuer: what the token says of itself, and the command to type", async () => {
        const { exit, out } = await program(["inspect"], issuer.sign());
        expect(steady(out)).toMatchSnapshot();
        expect(exit).toBe(2);
    });
});

test.each(["GET", "POST"])("a good proof is granted as an argument and out of curl: %s", async method => {
    const proof = client.proof(method, URL_OF_ITEMS);
    const curl = `curl ${URL_OF_ITEMS} -X ${method} -H 'Authorization: DPoP ${client.token}' -H 'DPoP: ${proof}'`;
    expect((await inspect(curl)).exit).toBe(0);
    const apart = ["--proof", proof, "--method", method, "--url", URL_OF_ITEMS];
    expect((await inspect(client.token, ...apart)).exit).toBe(0);
    expect((await program(["inspect", ...GIVEN, ...apart, client.token])).exit).toBe(0);
    expect((await inspect(client.token, ...apart.slice(0, -1), "https://api.test/other")).exit).toBe(1);
});

test("--json holds what explain says", async () => {
    const { exit, out } = await inspect(issuer.sign({ aud: "account" }), "--json");
    const { judged, refusal, checks } = JSON.parse(out);
    expect([judged, refusal.code, exit]).toEqual([true, "audience_mismatch", 1]);
    expect(checks.find(({ id }: { id: string }) => id === "token.audience").advice).toMatch(
        /^Keycloak writes/
    );
    const unjudged = JSON.parse((await program(["inspect", "--json"], issuer.sign())).out);
    expect(unjudged).toMatchObject({ judged: false, says: { iss: issuer.issuerUri, azp: "test-client" } });
});

test("no part of the token or of who the user is, unless it is asked for", async () => {
    const token = issuer.sign({ aud: "account" });
    for (const options of [[], ["--json"]]) {
        for (const { out } of [
            await inspect(token, ...options),
            await program(["inspect", ...options], token)
        ]) {
            for (const secret of [...token.split("."), "test-user"]) {
                expect(out).not.toContain(secret);
            }
        }
        for (const { out } of [
            await inspect(token, "--show-token", ...options),
            await program(["inspect", "--show-token", ...options], token)
        ]) {
            expect(out).toContain(token);
            expect(out).toContain("test-user");
        }
    }
});

describe("hostile tokens", () => {
    const HOSTILE = "x\u001b[31m\u001b]0;t\u0007\r\n\u0085\u009b2J\u202e\u2028\u200b'; touch /tmp/pwned #";
    const part = (value: object) => Buffer.from(JSON.stringify(value)).toString("base64url");
    const claims = {
        iss: HOSTILE,
        aud: [HOSTILE, HOSTILE],
        azp: HOSTILE,
        scope: HOSTILE,
        [HOSTILE]: HOSTILE
    };
    const unsigned = `${part({ alg: HOSTILE, kid: HOSTILE, typ: HOSTILE })}.${part(claims)}.AA`;

    test.each([
        ["unsigned", unsigned],
        ["signed", issuer.sign(claims)],
        ["of another key", issuer.sign(claims, { otherKey: true, header: { kid: "x\u001b[31m" } })]
    ])("%s: no control character reaches the terminal", async (_, token) => {
        for (const options of [[], ["--json"], ["--show-token", "--all"]]) {
            for (const { out, err } of [
                await inspect(token, ...options),
                await program(["inspect", ...options], token)
            ]) {
                for (const line of `${out}${err}`.split("\n")) {
                    expect(line).not.toMatch(CONTROLS);
                }
            }
        }
        // And no command to copy is made of it.
        expect((await program(["inspect"], token)).out).not.toContain("npx ");
    });

    test("a name with quotes is quoted in the command to type", async () => {
        const { out } = await program(["inspect"], issuer.sign({ iss: "https://a.test/'; touch x #" }));
        expect(out).toContain("--issuer 'https://a.test/'\\''; touch x #'");
    });

    test.each([
        ["huge", "a".repeat(2 * 1024 * 1024), 2],
        ["long", `${"a".repeat(500_000)}.b.c`, 1],
        ["deep", `${part({ alg: "RS256" })}.${Buffer.from("[".repeat(10_000)).toString("base64url")}.AA`, 1],
        ["binary", "\u0000\u0001\u00ff", 1],
        // With a pattern that reads a run of spaces more than once, each of these takes minutes.
        ["many spaces before a token", `${" ".repeat(900_000)}x`, 1],
        ["many spaces in a field", `authorization: a${" ".repeat(900_000)}b`, 1],
        ["empty", "", 2]
    ])("%s", async (_, text, exit) => {
        const ended = await inspect(text);
        expect(ended.exit).toBe(exit);
        expect(ended.out.length).toBeLessThan(10_000);
    });
});

describe("a command line that makes no sense", () => {
    test.each<[string, string[], RegExp]>([
        ["no command", [], /which command/],
        ["another command", ["explain"], /inspect, doctor and audit/],
        ["an unknown option", ["inspect", "--isuer", "x"], /Unknown option '--isuer'/],
        ["one without its value", ["inspect", "--issuer"], /--issuer/],
        ["nobody to be for", ["inspect", "--issuer", "https://a.test", "a.b.c"], /whom are the tokens for/],
        [
            "no issuer at all",
            ["inspect", ...GIVEN, "--issuer", "nonsense", "a.b.c", "--keys", ""],
            /--keys|issuerUri/
        ],
        ["a wrong profile", ["inspect", ...GIVEN, "--profile", "x", "a.b.c"], /profile: expected/],
        ["a wrong mode", ["inspect", ...GIVEN, "--dpop", "x", "a.b.c"], /"dpop"/],
        ["a file that is not there", ["inspect", ...GIVEN, "--keys", "/nowhere", "a.b.c"], /--keys.*ENOENT/],
        ["a time that is none", ["inspect", ...GIVEN, "--at", "noon", "a.b.c"], /--at takes/],
        ["a time-out that is none", ["inspect", ...GIVEN, "--timeout", "0", "a.b.c"], /--timeout takes/],
        ["an option of the other", ["doctor", "--proof", "x", "https://a.test"], /of inspect/],
        ["no issuer for doctor", ["doctor"], /doctor takes one issuer/]
    ])("%s: 2, and what to do", async (_, args, message) => {
        const { exit, out, err } = await program(args);
        expect([exit, out]).toEqual([2, ""]);
        expect(err).toMatch(message);
    });

    test("--help: 0", async () => {
        const { exit, out } = await program(["--help"]);
        expect(exit).toBe(0);
        expect(out).toMatchSnapshot();
    });
});

test("the token of a real authorization server, with keys that are fetched", async () => {
    const server = await startIssuer();
    try {
        const token = await clientCredentials(server, { clientId: "service-rs256", resource: API });
        const asked = (audience: string) =>
            program(["inspect", "--issuer", server.issuerUri, "--audience", audience], token);
        expect((await asked(API)).exit).toBe(0);
        expect((await asked("https://other.test")).out).toContain("audience_mismatch");
        const command = (await program(["inspect"], token)).out.match(/npx oidc-spa-native (.*)/)?.[1] ?? "";
        expect((await program(command.split(" "), token)).exit).toBe(0);
    } finally {
        await server.close();
    }
});

describe("what is pasted is no request that can be judged", () => {
    const proved = () =>
        `Authorization: DPoP ${client.token}\r\nDPoP: ${client.proof("POST", URL_OF_ITEMS)}\r\n\r\n`;

    test("a proof without the URL: which option to add; the method is in the first line of a request", async () => {
        const lines = `POST /items HTTP/1.1\r\nHost: api.test\r\n${proved()}`;
        const without = await inspect(lines);
        expect([without.exit, without.out]).toEqual([2, ""]);
        expect(without.err).toContain("add --url");
        expect((await inspect(lines, "--url", URL_OF_ITEMS)).exit).toBe(0);
        expect((await inspect(proved(), "--url", URL_OF_ITEMS)).exit).toBe(1);
        expect((await inspect(proved(), "--url", URL_OF_ITEMS, "--method", "POST")).exit).toBe(0);
    });

    test.each([
        [
            "fetch",
            (token: string) =>
                `fetch("${URL_OF_ITEMS}", {\n "headers": { "authorization": "Bearer ${token}" }\n});`
        ],
        [
            "PowerShell",
            (token: string) => `Invoke-WebRequest -Uri "x" -Headers @{"authorization"="Bearer ${token}"}`
        ],
        ["lines of something else", (token: string) => `GET\n${token}`]
    ])("%s: how to copy it", async (_, text) => {
        const token = issuer.sign();
        const { exit, out, err } = await inspect(text(token));
        expect([exit, out]).toEqual([2, ""]);
        expect(err).toContain("Copy as cURL (bash)");
        expect(err).not.toContain(token.slice(0, 20));
    });

    test.each(["sudo ", "TOKEN=x ", "ann@host:~$ ", "# a remark\n"])(
        "%jcurl: where to begin",
        async before => {
            const token = issuer.sign();
            const { exit, out, err } = await inspect(
                `${before}curl -H 'Authorization: Bearer ${token}' https://api.test`
            );
            expect([exit, out]).toEqual([2, ""]);
            expect(err).toContain("paste it from the word curl on");
            expect(err).not.toContain(token.slice(0, 20));
        }
    );

    test("a message ends with one full stop", async () => {
        for (const { err } of [
            await inspect(issuer.sign(), "--dpop", "reqired"),
            await program(["inspct"]),
            await program([])
        ]) {
            expect(err).toMatch(/[^.?][.?] See oidc-spa-native --help\n$/);
        }
    });
});

test("of an expired token the signature is verified too, with keys that the issuer is asked for", async () => {
    const server = await createTestIssuer().listen();
    const token = server.sign({}, { expiresInSeconds: -100 });
    const other = server.sign({}, { expiresInSeconds: -100, otherKey: true });
    const of = async (text: string) => {
        const args = ["inspect", "--json", "--issuer", server.issuerUri, "--any-audience"];
        const { refusal, checks } = JSON.parse((await program(args, text)).out);
        const signature = checks.find(({ id }: { id: string }) => id === "token.signature");
        return [refusal.code, signature.outcome];
    };
    expect(await of(token)).toEqual(["token_expired", "passed"]);
    expect(await of(other)).toEqual(["signature_invalid", "failed"]);
    await server.close();
});
