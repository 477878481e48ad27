// The program as users get it: from a tarball, installed, by npx, with what a terminal and NO_COLOR do to it.

import { execFileSync } from "node:child_process";
import {
    copyFileSync,
    cpSync,
    mkdirSync,
    mkdtempSync,
    readdirSync,
    readFileSync,
    rmSync,
    writeFileSync
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { createTestIssuer } from "oidc-spa-native/testing";
import { afterAll, beforeAll, expect, test } from "vitest";
import { root } from "../support/script.js";
import { ended, program } from "./program.js";

const issuer = createTestIssuer();
const folder = mkdtempSync(join(tmpdir(), "oidc-spa-native-packed-"));
const project = join(folder, "project");
const keys = join(folder, "keys.json");
const inspect = ["inspect", "--issuer", issuer.issuerUri, "--audience", "https://api.test", "--keys", keys];
afterAll(() => rmSync(folder, { recursive: true }));

const npmPack = (from: string): string => {
    const args = ["pack", "--json", "--ignore-scripts", "--loglevel=error", "--pack-destination", folder];
    const [{ filename }] = JSON.parse(execFileSync("npm", args, { cwd: from, encoding: "utf8" }));
    return join(folder, filename);
};

beforeAll(() => {
    writeFileSync(keys, JSON.stringify(issuer.jwks));
    const main = npmPack(root);
    const addon = readdirSync(join(root, "binding")).find(name => name.endsWith(".node")) ?? "";
    const [of = ""] = readdirSync(join(root, "npm")).filter(name => addon.includes(name));
    const platform = join(folder, "platform");
    cpSync(join(root, "npm", of), platform, { recursive: true });
    copyFileSync(join(root, "binding", addon), join(platform, addon));
    mkdirSync(project);
    writeFileSync(join(project, "package.json"), JSON.stringify({ name: "project", private: true }));
    const install = [
        "install",
        "--offline",
        "--no-audit",
        "--no-fund",
        "--legacy-peer-deps",
        "--loglevel=error"
    ];
    execFileSync("npm", [...install, main, npmPack(platform)], { cwd: project });
}, 180_000);

const environment = (): Record<string, string> => ({
    PATH: `${dirname(process.execPath)}:/usr/bin:/bin`,
    HOME: folder
});
const npx = (...args: string[]) =>
    ended(["npx", "--no-install", "oidc-spa-native", ...args], issuer.sign(), environment(), project);

test("npx runs it, and it says what the tree's says", async () => {
    const { exit, out } = await npx(...inspect, "--at", `${Math.floor(Date.now() / 1000)}`);
    expect([exit, out.split("\n")[0]]).toEqual([0, "It would be granted."]);
    expect((await npx(...inspect, "--audience", "https://other.test")).exit).toBe(0);
    expect((await npx("inspect", "--issuer", "https://other.test", ...inspect.slice(3))).exit).toBe(1);
    expect((await npx("doctor", issuer.issuerUri, "--keys", keys)).exit).toBe(0);
    expect((await npx("nonsense")).exit).toBe(2);
    expect((await npx("--help")).out).toBe((await program(["--help"])).out);
});

test("the package has the vectors, and the program that makes them", { timeout: 60_000 }, async () => {
    const { exit, err } = await npx("audit", "http://127.0.0.1:1/", "--wait", "1");
    expect([exit, err]).toEqual([2, expect.stringContaining("no good token got in")]);
});

test("it brings no dependency along", () => {
    const manifest = JSON.parse(
        readFileSync(join(project, "node_modules/oidc-spa-native/package.json"), "utf8")
    );
    expect(manifest.dependencies).toBeUndefined();
    expect(readdirSync(join(project, "node_modules")).filter(name => !name.startsWith("."))).toHaveLength(2);
});

test("colours on a terminal alone, and not where NO_COLOR is set", async () => {
    const token = issuer.sign();
    const command = `'${process.execPath}' '${join(root, "dist/cli/main.js")}' ${inspect.join(" ")} ${token}`;
    // The command `script` gives it a terminal.
    const onTerminal = (env: Record<string, string>) =>
        ended(["script", "-qec", command, "/dev/null"], "", { ...environment(), TERM: "xterm", ...env });
    const { out } = await onTerminal({});
    expect(out).toContain("\u001b[32mIt would be granted.");
    expect((await onTerminal({ NO_COLOR: "1" })).out).not.toContain("\u001b");
    expect((await onTerminal({ NO_COLOR: "" })).out).toContain("\u001b[32m");
    expect((await program([...inspect, token])).out).not.toContain("\u001b");
});
