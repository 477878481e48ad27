// Realms within one thread that come and go, as a test runner makes one for each file of tests.

import { expect, test } from "vitest";
import { AUDIENCE, createFixtures, nowInSeconds } from "../support/fixtures.js";
import { script } from "../support/script.js";

/** `load()` has the package in a realm of its own, `collect()` has garbage collected until nothing more goes. */
const REALMS = `
    const { createContext, compileFunction } = require("node:vm");
    const { createRequire } = require("node:module");
    const { dirname } = require("node:path");
    const { readFileSync } = require("node:fs");
    const { setFlagsFromString } = require("node:v8");
    setFlagsFromString("--expose-gc");
    const gc = require("node:vm").runInNewContext("gc");
    const { ISSUER, AUDIENCE, TOKEN, JWKS } = process.env;
    const load = () => {
        const parsingContext = createContext({ process, Buffer, URL, performance, setTimeout, setImmediate, queueMicrotask });
        const loaded = new Map();
        const inside = path => {
            if (loaded.has(path)) return loaded.get(path).exports;
            const module = { exports: {} };
            const outer = createRequire(path);
            loaded.set(path, module);
            const require = name => {
                const found = outer.resolve(name);
                return found.includes("/dist/") && found.endsWith(".js") ? inside(found) : outer(name);
            };
            const parameters = ["module", "exports", "require", "__filename", "__dirname"];
            compileFunction(readFileSync(path, "utf8"), parameters, { parsingContext, filename: path })(module, module.exports, require, path, dirname(path));
            return module.exports;
        };
        return { realm: new WeakRef(parsingContext), ...inside(require.resolve("oidc-spa-native")) };
    };
    const sleep = ms => new Promise(resolve => setTimeout(resolve, ms));
    const collect = async () => { for (let i = 0; i < 5; i++) { await sleep(150); gc(); } };
    const bearer = { authorization: "Bearer " + TOKEN };
    const options = { issuerUri: ISSUER, expectedAudience: AUDIENCE, verification: "threads" };
`;

async function run(text: string, { isSilent = false } = {}): Promise<string> {
    const f = await createFixtures();
    f.issuer.isSilent = isSilent;
    try {
        const { stdout } = await script(`${REALMS} async function main() {${text}} main();`, "commonjs", {
            ISSUER: f.issuer.issuerUri,
            AUDIENCE,
            TOKEN: f.token(nowInSeconds()),
            JWKS: JSON.stringify(f.issuer.jwks)
        });
        return stdout;
    } finally {
        await f.issuer.close();
    }
}

test("a realm that nobody holds goes, though the addon has its callbacks", async () => {
    const said = await run(`
        const realms = [];
        const use = async () => {
            const { realm, createValidator } = load();
            const validator = createValidator(options);
            realms.push(realm);
            return [(await validator.validateRequest(bearer)).isSuccess, (await validator.validateRequest(bearer)).isSuccess];
        };
        const granted = [];
        for (let i = 0; i < 5; i++) granted.push(await use());
        await collect();
        console.log(granted.flat().filter(Boolean).length, realms.filter(realm => realm.deref() !== undefined).length);`);
    expect(said).toBe("10 0");
});

test("a realm of which a request waits stays until it is answered", async () => {
    const said = await run(
        `
        const answered = [];
        let realm;
        const ask = () => {
            const loaded = load();
            realm = loaded.realm;
            const validator = loaded.createValidator({ ...options, keysTimeoutMs: 1_200 });
            validator.validateRequest(bearer).then(({ code }) => answered.push(code));
            validator.ready({ timeoutMs: 1_000 }).catch(() => answered.push("not ready"));
        };
        ask();
        gc();
        await collect();
        await sleep(1_500);
        const heard = answered.join();
        await collect();
        console.log(heard, realm.deref() === undefined);`,
        { isSilent: true }
    );
    expect(said).toBe("not ready,keys_unavailable true");
});

test("what an AsyncLocalStorage holds of the first request is not held for the next ones", async () => {
    const said = await run(`
        const { AsyncLocalStorage } = require("node:async_hooks");
        const { createValidator } = require("oidc-spa-native");
        const storage = new AsyncLocalStorage();
        let first;
        let seen;
        let validator;
        const begin = () => {
            const store = { name: "first" };
            first = new WeakRef(store);
            return storage.run(store, async () => {
                validator = createValidator({ ...options, keys: { jwks: JSON.parse(JWKS) } });
                await validator.validateRequest(bearer);
                seen = storage.getStore()?.name;
            });
        };
        await begin();
        const alive = setInterval(() => void validator.validateRequest(bearer), 20);
        await collect();
        clearInterval(alive);
        console.log(seen, first.deref() === undefined);`);
    expect(said).toBe("first true");
});

// Node.js runs tasks of V8 once more while it frees a worker that had the addon, when a realm's context is no longer its
// own. The callback of a FinalizationRegistry of such a realm would then end the whole process. V8 runs one registry a
// task, so the worker also has some of the first realm.
test("a worker that ends right after a collection of its realms' validators takes nobody along", async () => {
    const said = await run(`
        const { Worker } = require("node:worker_threads");
        const worker = ${JSON.stringify(`{${REALMS}
            const { channel } = require("node:diagnostics_channel");
            const alive = [];
            const registries = Array.from({ length: 3 }, () => new FinalizationRegistry(() => undefined));
            const drop = createValidator => {
                for (let i = 0; i < 10; i++) createValidator(options);
                registries.forEach(registry => registry.register({}));
                channel("dropped-" + alive.length);
            };
            process.on("exit", () => gc());
            async function main() {
                for (let i = 0; i < 3; i++) {
                    const { createValidator } = load();
                    alive.push(createValidator);
                    await createValidator(options).validateRequest(bearer);
                    drop(createValidator);
                }
            }
            main();
        }`)};
        const ends = [];
        for (let i = 0; i < 3; i++) ends.push(await new Promise(resolve => new Worker(worker, { eval: true }).on("exit", resolve)));
        console.log(ends.join());`);
    expect(said).toBe("0,0,0");
});
