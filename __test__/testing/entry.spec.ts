// The entry as programs load it: from CommonJS and as a module, without a test framework; and the examples of its types.

import { execFile } from "node:child_process";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import * as kit from "oidc-spa-native/testing";
import { describe, expect, test } from "vitest";
import { NO_NETWORK_VARIABLES, root } from "../support/script.js";

const run = promisify(execFile);

const MEMBERS = [
    "createTestClock",
    "createTestIssuer",
    "createTestKey",
    "dpopClient",
    "fakeValidator",
    "mockValidator",
    "signInput",
    "signJws"
];

const PROGRAM = `
    const issuer = createTestIssuer();
    const client = dpopClient({ token: client => issuer.sign({}, { boundTo: client }) });
    const url = "https://api.test/";
    const validator = createValidator({ ...issuer.options, dpop: "required" });
    const ask = headers => validator.validateRequest(headers, { method: "GET", url });
    ask(client.headers("GET", url))
        .then(async good => {
            const bad = await ask(client.headers("GET", url, { otherKey: true }));
            console.log(JSON.stringify([good.isSuccess, bad.code]));
        });
`;

const node = async (args: readonly string[], env = {}) => {
    const { stdout, stderr } = await run(process.execPath, args, {
        cwd: root,
        env: { ...process.env, ...NO_NETWORK_VARIABLES, NODE_ENV: "test", ...env }
    }).catch((error: { stdout: string; stderr: string }) => error);
    return { stdout: stdout.trim(), stderr };
};

test("has these members", () => {
    expect(Object.keys(kit).sort()).toEqual(MEMBERS);
});

test.each([
    [
        "CommonJS",
        "commonjs",
        `const { createValidator } = require("oidc-spa-native");
         const { createTestIssuer, dpopClient } = require("oidc-spa-native/testing");`
    ],
    [
        "a module",
        "module",
        `import { createValidator } from "oidc-spa-native";
         import { createTestIssuer, dpopClient } from "oidc-spa-native/testing";`
    ]
])("is loaded from %s", async (_, type, imports) => {
    const { stdout } = await node([`--input-type=${type}`, "--eval", imports + PROGRAM]);
    expect(JSON.parse(stdout)).toEqual([true, "proof_signature_invalid"]);
});

describe("mockValidator", () => {
    const make = (modes: readonly string[], env = {}) =>
        node(
            [
                "--eval",
                `const { mockValidator } = require("oidc-spa-native/testing");
                 const options = { issuerUri: "https://issuer.invalid", expectedAudience: "https://api.test" };
                 for (const mode of [${modes.join()}]) mockValidator(options, mode);`
            ],
            env
        );
    const decode = '{ behavior: "decode only" }';

    test("says once in a process that nothing is verified", async () => {
        const { stderr } = await make([decode, decode]);
        expect(stderr.match(/\[OIDC_SPA_NATIVE_MOCK\] oidc-spa-native: mockValidator/g)).toHaveLength(1);
    });

    test("ends a program in production", async () => {
        const { stderr } = await make([decode], { NODE_ENV: "production" });
        expect(stderr).toMatch(/Error: oidc-spa-native: .*anybody may enter/);
    });
});

describe("fakeValidator", () => {
    const NOWHERE = {
        NODE_ENV: undefined,
        VITEST: undefined,
        JEST_WORKER_ID: undefined,
        NODE_TEST_CONTEXT: undefined
    };
    const stderrIn = async (env: object, fake = '{ claims: { sub: "ann" } }') => {
        const program = `const { fakeValidator } = require("oidc-spa-native/testing"); fakeValidator(${fake}); fakeValidator(${fake});`;
        const { stderr } = await node(["--eval", program], { ...NOWHERE, ...env });
        return stderr.match(/\[OIDC_SPA_NATIVE_MOCK\] oidc-spa-native: fakeValidator/g) ?? [];
    };

    test("says once where no test runs that nothing is verified, and nothing in a test", async () => {
        expect(await stderrIn({})).toHaveLength(1);
        expect(await stderrIn({ NODE_ENV: "development" })).toHaveLength(1);
        for (const env of [{ NODE_ENV: "test" }, { VITEST: "true" }, { NODE_TEST_CONTEXT: "child" }]) {
            expect(await stderrIn(env), JSON.stringify(env)).toEqual([]);
        }
        expect(await stderrIn({}, '{ refusal: "token_expired" }')).toEqual([]);
    });
});

test("the package needs no test framework and no other package for it", async () => {
    const folder = join(root, "dist/testing");
    const files = (await readdir(folder)).filter(name => name.endsWith(".js"));
    expect(files.length).toBeGreaterThan(5);
    for (const file of files) {
        const text = await readFile(join(folder, file), "utf8");
        for (const [, needed = ""] of text.matchAll(/require\("([^"]+)"\)/g)) {
            expect(needed, file).toMatch(/^(node:|\.)/);
        }
    }
});

test("no other file of the package needs the kit, but the audit, which is an issuer", async () => {
    const files = await readdir(join(root, "dist"), { recursive: true });
    for (const file of files.filter(name => name.endsWith(".js") && !/^(testing|audit)/.test(name))) {
        expect(await readFile(join(root, "dist", file), "utf8"), file).not.toMatch(/require\("[^"]*testing/);
    }
});

test("every example of its documentation compiles", { timeout: 60_000 }, async () => {
    const folder = await mkdtemp(join(root, "__test__/.examples-"));
    try {
        let count = 0;
        for (const name of await readdir(join(root, "ts/testing"))) {
            const text = await readFile(join(root, "ts/testing", name), "utf8");
            for (const [, block = ""] of text.matchAll(/^ \* ```ts\n(.*?)^ \* ```$/gms)) {
                const code = block.replace(/^ \* ?/gm, "");
                await writeFile(join(folder, `${count++}.ts`), `${code}\nexport {};\n`);
            }
        }
        expect(count).toBeGreaterThanOrEqual(MEMBERS.length);
        const compilerOptions = { noUnusedLocals: false };
        await writeFile(
            join(folder, "tsconfig.json"),
            JSON.stringify({ extends: "../tsconfig.json", compilerOptions, include: ["*.ts"] })
        );
        const { stdout } = await node(["node_modules/typescript/bin/tsc", "--project", folder]);
        expect(stdout).toBe("");
    } finally {
        await rm(folder, { recursive: true });
    }
});

test("its types need no others: not those of Node.js, nor of a browser", { timeout: 60_000 }, async () => {
    const folder = await mkdtemp(join(root, "__test__/.types-"));
    try {
        await writeFile(
            join(folder, "program.ts"),
            `import { createTestIssuer, dpopClient, fakeValidator, type TestKey } from "oidc-spa-native/testing";
             const issuer = createTestIssuer({ shape: "okta" });
             const client = dpopClient({ token: client => issuer.sign({}, { boundTo: client }) });
             const key: TestKey = client.key;
             export const all = [key, fakeValidator({ claims: {} }), client.proof("GET", "https://api.test")];`
        );
        const compilerOptions = {
            strict: true,
            exactOptionalPropertyTypes: true,
            skipLibCheck: false,
            noEmit: true,
            target: "es2022",
            lib: ["es2022"],
            types: []
        };
        const config = { compilerOptions: { ...compilerOptions, module: "nodenext" }, include: ["*.ts"] };
        await writeFile(join(folder, "tsconfig.json"), JSON.stringify(config));
        const { stdout } = await node(["node_modules/typescript/bin/tsc", "--project", folder]);
        expect(stdout).toBe("");
    } finally {
        await rm(folder, { recursive: true });
    }
});
