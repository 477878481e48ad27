// `network.fetch`: what a function of the application may do, and what becomes of one that does something else.

import { AsyncLocalStorage } from "node:async_hooks";
import { createContext, runInContext } from "node:vm";
import { createValidator, type FetchFunction, type FetchInit, type ValidatorOptions } from "oidc-spa-native";
import { oidcSpa } from "oidc-spa-native/server";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { testOfAddon } from "../support/engine.js";
import { AUDIENCE, createFixtures, nowInSeconds, type Fixtures } from "../support/fixtures.js";
import { outcome } from "../support/reaching.js";
import { script } from "../support/script.js";

const ISSUER = "https://auth.example.com";
const JWKS_URI = `${ISSUER}/jwks`;

let f: Fixtures;
let keys: string;

beforeAll(async () => {
    f = await createFixtures();
    keys = JSON.stringify(f.issuer.jwks);
});
afterAll(() => f.issuer.close());

const optionsWith = (fetch: unknown, over: object = {}): ValidatorOptions => ({
    issuerUri: ISSUER,
    jwksUri: JWKS_URI,
    expectedAudience: AUDIENCE,
    network: { fetch: fetch as FetchFunction, ...over }
});

const validatorWith = (fetch: unknown, over: object = {}) => createValidator(optionsWith(fetch, over));

/** How the first attempt with this function ends. */
const attempt = (fetch: unknown, over: object = {}): Promise<string> =>
    outcome(f, validatorWith(fetch, over), ISSUER);

const FAILED = `failed: Failed to fetch public key and algorithm from ${JWKS_URI}: `;
const MADE_BY = ". The requests are made by `network.fetch`";

describe("a function makes the requests for keys", () => {
    test("with the header fields and the settings of the library", async () => {
        const asked: [string, FetchInit][] = [];
        const fetch: FetchFunction = async (url, init) => {
            asked.push([url, init]);
            return new Response(keys);
        };
        expect(await attempt(fetch, { headers: { authorization: "Bearer s3cret" } })).toBe("granted");
        const [[url, init] = []] = asked;
        expect(url).toBe(JWKS_URI);
        expect(init).toMatchObject({ redirect: "manual", cache: "no-store" });
        expect(init?.signal.aborted).toBe(false);
        expect(Object.fromEntries(init?.headers ?? [])).toMatchObject({
            accept: expect.stringContaining("application/jwk-set+json"),
            authorization: "Bearer s3cret"
        });
        expect(asked).toHaveLength(1);
    });

    test("also for metadata", async () => {
        const asked: string[] = [];
        const validator = createValidator({
            issuerUri: ISSUER,
            expectedAudience: AUDIENCE,
            network: {
                fetch: async url => {
                    asked.push(url);
                    return Response.json(
                        url === JWKS_URI ? f.issuer.jwks : { issuer: ISSUER, jwks_uri: JWKS_URI }
                    );
                }
            }
        });
        expect(await outcome(f, validator, ISSUER)).toBe("granted");
        expect(asked).toEqual([`${ISSUER}/.well-known/openid-configuration`, JWKS_URI]);
    });

    test("of the drop-in, too", async () => {
        const asked: string[] = [];
        const { bootstrapAuth, validateAndDecodeAccessToken } = oidcSpa.createUtils();
        const fetch: FetchFunction = async url => {
            asked.push(url);
            return Response.json(url === JWKS_URI ? f.issuer.jwks : { issuer: ISSUER, jwks_uri: JWKS_URI });
        };
        await bootstrapAuth({
            implementation: "real",
            issuerUri: ISSUER,
            expectedAudience: AUDIENCE,
            native: { network: { fetch } }
        });
        const result = await validateAndDecodeAccessToken({
            scheme: "Bearer",
            accessToken: f.token(nowInSeconds(), { iss: ISSUER }),
            rejectIfAccessTokenDPoPBound: true
        });
        expect(result.isSuccess).toBe(true);
        expect(asked.at(-1)).toBe(JWKS_URI);
    });

    test("outside of the request that needed the keys", async () => {
        const store = new AsyncLocalStorage<string>();
        const seen: unknown[] = [];
        const validator = validatorWith(async () => {
            seen.push(store.getStore());
            return new Response(keys);
        });
        const authorization = `Bearer ${f.token(nowInSeconds(), { iss: ISSUER })}`;
        const verdict = await store.run("of a request", () => validator.validateRequest({ authorization }));
        expect(verdict.isSuccess).toBe(true);
        expect(seen).toEqual([undefined]);
    });

    test("once for all validators that have the same one", async () => {
        const counting = () => {
            const fetch = vi.fn(async () => new Response(keys));
            return fetch;
        };
        const [one, other] = [counting(), counting()];
        const all = [one, one, other].map(fetch => validatorWith(fetch));
        await Promise.all(all.map(validator => validator.ready()));
        expect(one).toHaveBeenCalledTimes(1);
        expect(other).toHaveBeenCalledTimes(1);
    });

    test("with a Response of another realm, or an object with the same members", async () => {
        const context = createContext({ keys, TextEncoder, ReadableStream });
        const foreign = runInContext(
            `async () => ({
                status: 200, headers: new Map([["etag", "1"]]), bodyUsed: false, redirected: false,
                body: new ReadableStream({ start(to) { to.enqueue(new TextEncoder().encode(keys)); to.close(); } })
            })`,
            context
        ) as FetchFunction;
        expect(await attempt(foreign)).toBe("granted");
        const ofPieces = async () =>
            new Response(
                new ReadableStream({
                    start(to) {
                        const bytes = new TextEncoder().encode(keys);
                        for (const at of bytes.keys()) {
                            to.enqueue(bytes.subarray(at, at + 1));
                        }
                        to.close();
                    }
                })
            );
        expect(await attempt(ofPieces)).toBe("granted");
    });
});

/** A stream that ends in an error after one piece. */
const broken = () =>
    new ReadableStream({
        start(to) {
            to.enqueue(new TextEncoder().encode("{"));
        },
        pull(to) {
            to.error(new Error("the disk is full"));
        }
    });

describe("a function that fails has its fetch refused, with a reason:", () => {
    const rejected: unknown[] = [];
    const note = (reason: unknown) => rejected.push(reason);
    beforeAll(() => process.on("unhandledRejection", note).on("uncaughtException", note));
    afterAll(async () => {
        await new Promise(resolve => setImmediate(resolve));
        process.off("unhandledRejection", note).off("uncaughtException", note);
        expect(rejected).toEqual([]);
    });

    test.each<[string, () => unknown, string]>([
        [
            "it throws",
            () => {
                throw new Error("no network here");
            },
            "no network here"
        ],
        [
            "it rejects",
            async () => Promise.reject(new TypeError("fetch failed", { cause: new Error("refused") })),
            "refused"
        ],
        ["it rejects with no error", () => Promise.reject("no"), "no answer"],
        ["it rejects with nothing", () => Promise.reject(undefined), "no answer"],
        [
            "its error has getters that throw",
            () =>
                Promise.reject({
                    get message() {
                        throw new Error("x");
                    }
                }),
            "no answer"
        ],
        [
            "its error has no text",
            () =>
                Promise.reject({
                    message: {
                        toString() {
                            throw new Error("x");
                        }
                    }
                }),
            "no answer"
        ],
        [
            "its error repeats the URL",
            url => Promise.reject(new Error(`cannot reach ${url}`)),
            "cannot reach the URL"
        ],
        ["it answers with undefined", () => undefined, "the function answered with undefined"],
        ["it answers with null", async () => null, "the function answered with null"],
        [
            "it answers with a text",
            async () => keys,
            "the function answered with a value of type string that is no Response"
        ],
        [
            "it answers with its JSON",
            async () => f.issuer.jwks,
            "the function answered with a value of type object that is no Response"
        ],
        [
            "it answers with a mock",
            async () => ({ ok: true, status: 200, json: async () => f.issuer.jwks }),
            "the function answered with a value of type object that is no Response"
        ],
        [
            "its status is none",
            async () => ({ status: 1e20, headers: new Headers(), body: null }),
            "the function answered with a value of type object that is no Response"
        ],
        [
            "it answers with an error",
            async () => Response.error(),
            "the function answered with Response.error()"
        ],
        [
            "its members throw",
            async () => ({
                get status() {
                    throw new Error("no status");
                }
            }),
            "no status"
        ],
        [
            "it read the body",
            async () => {
                const response = new Response(keys);
                await response.text();
                return response;
            },
            "the function answered with a Response whose body was already read"
        ],
        [
            "it holds the body",
            async () => {
                const response = new Response(keys);
                response.body?.getReader();
                return response;
            },
            "Invalid state: ReadableStream is locked"
        ],
        ["its body ends in an error", async () => new Response(broken()), "the disk is full"],
        [
            "its body is no bytes",
            async () => ({ ...bare(), body: new ReadableStream({ start: to => to.enqueue("{") }) }),
            "the body is a stream of something else than bytes"
        ],
        [
            "it follows redirects",
            async () => Object.defineProperty(new Response(keys), "redirected", { value: true }),
            "the function followed a redirect; it must pass on what it gets as its second argument"
        ],
        [
            "its body is too long",
            async () => new Response(" ".repeat(1 << 20)),
            "the answer is longer than 524288 bytes (`limits.jwkSetBytes`)"
        ],
        [
            "its body has no end",
            async () => new Response(new ReadableStream({ pull: to => to.enqueue(new Uint8Array(10_000)) })),
            "the answer is longer than 524288 bytes (`limits.jwkSetBytes`)"
        ],
        [
            "its body is empty without end",
            async () => ({
                ...bare(),
                body: new ReadableStream({ pull: to => to.enqueue(new Uint8Array(0)) })
            }),
            "the body comes in more than 16384 pieces"
        ],
        [
            "its status is another one",
            async () => new Response(keys, { status: 404 }),
            "expected HTTP status 200, got 404 Not Found"
        ]
    ] as [string, (url?: string) => unknown, string][])("%s", async (_, fetch, reason) => {
        expect(await attempt(fetch)).toBe(`${FAILED}${reason}${MADE_BY}`);
    });

    const bare = () => ({ status: 200, headers: new Headers(), bodyUsed: false, redirected: false });

    const LATE = `${FAILED}no complete answer within 0.1 seconds (\`network.timeoutMs\`)${MADE_BY}`;
    let stopped = 0;
    const countStop = (): void => {
        stopped += 1;
    };
    test.each<[string, FetchFunction]>([
        ["it never answers, and ignores the signal", () => new Promise(() => undefined)],
        ["its answer is a thenable that never is", () => ({ then: () => undefined }) as never],
        [
            "it rejects when it is aborted",
            (_, { signal }) =>
                new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)))
        ],
        ["its body never ends", async () => new Response(new ReadableStream({ cancel: countStop }))],
        [
            "its body cannot be stopped",
            async () => new Response(new ReadableStream({ cancel: () => new Promise(() => undefined) }))
        ],
        [
            "its answer comes late",
            (_, { signal }) =>
                new Promise(resolve =>
                    signal.addEventListener("abort", () =>
                        setImmediate(() => resolve(new Response(new ReadableStream({ cancel: countStop }))))
                    )
                )
        ]
    ])("%s", async (_, fetch) => {
        expect(await attempt(fetch, { timeoutMs: 100 })).toBe(LATE);
    });

    test("a body that nobody reads any more is let go", async () => {
        await expect.poll(() => stopped).toBe(2);
    });

    test("a message shows no header field of the application", async () => {
        const failing: FetchFunction = async (_, { headers }) => {
            throw new Error(`cannot send ${JSON.stringify(Object.fromEntries(headers))}`);
        };
        const said = await attempt(failing, { headers: { authorization: "Bearer s3cret" } });
        expect(said).toContain("cannot send");
        expect(said).not.toContain("s3cret");
    });

    test("control characters of a message are escaped, and it is cut", async () => {
        const said = await attempt(() => Promise.reject(new Error(`\u001b[31m\n${"a".repeat(100_000)}`)));
        expect(said).not.toMatch(/[\u001b\n]/);
        expect(said.length).toBeLessThan(2000);
    });

    test("and is asked again later", async () => {
        let answers = 0;
        const validator = validatorWith(async () => {
            answers += 1;
            return answers === 1 ? new Response("", { status: 500 }) : new Response(keys);
        });
        await validator.ready({ timeoutMs: 10_000 });
        expect(answers).toBe(2);
    });
});

describe("beside it", () => {
    const fetch: FetchFunction = async () => new Response(keys);

    test.each([
        ["connectTimeoutMs", 1000, "whose function connects; `network.timeoutMs` limits each exchange"],
        ["ca", "x", "whose function decides which certificates are trusted"],
        ["clientCertificate", { cert: "x", key: "y" }, "whose function shows its own certificate"],
        ["proxy", "http://127.0.0.1:3128", "whose function chooses its own proxy"],
        ["proxy", false, "whose function chooses its own proxy"]
    ])("%s is refused", (name, value, why) => {
        expect(() => validatorWith(fetch, { [name]: value })).toThrow(
            `network.${name}: is of no use beside \`network.fetch\`, ${why}`
        );
        expect(() => validatorWith(fetch, { timeoutMs: 1000 })).not.toThrow();
    });

    test.each([
        ["fetch", "a value of type string"],
        [null, "null"],
        [7, "a value of type number"],
        [{}, "a value of type object"]
    ])("%j is no function", (value, what) => {
        expect(() => validatorWith(value)).toThrow(
            `network.fetch: expected a function with the signature of fetch, which makes the requests for keys; got ${what}.`
        );
        expect(() => validatorWith(undefined)).not.toThrow();
    });

    test("members of a prototype are refused, as without it", () => {
        class Network {
            fetch = fetch;
            get timeoutMs() {
                return 100;
            }
        }
        expect(() => createValidator({ ...optionsWith(fetch), network: new Network() })).toThrow('"network"');
    });

    test("a host that is near by its name is not asked for an issuer that is not", async () => {
        const asked: string[] = [];
        const near = createValidator({
            issuerUri: ISSUER,
            expectedAudience: AUDIENCE,
            network: {
                fetch: async url => {
                    asked.push(url);
                    return Response.json({ issuer: ISSUER, jwks_uri: "https://localhost/jwks" });
                }
            }
        });
        expect(await outcome(f, near, ISSUER)).toMatch(
            /^failed: .*localhost is an address of this very machine/
        );
        expect(asked).toHaveLength(1);
    });

    test("issuers of a function are asked by it, too", async () => {
        const asked: string[] = [];
        const validator = createValidator({
            issuers: () => ({ issuerUri: ISSUER, jwksUri: JWKS_URI, expectedAudience: AUDIENCE }),
            network: {
                fetch: async url => {
                    asked.push(url);
                    return new Response(keys);
                }
            }
        });
        const authorization = `Bearer ${f.token(nowInSeconds(), { iss: ISSUER })}`;
        expect((await validator.validateRequest({ authorization })).isSuccess).toBe(true);
        expect(asked).toEqual([JWKS_URI]);
    });
});

testOfAddon("a worker that ends while its function fetches fails that fetch alone", async () => {
    const { stdout } = await script(
        `const { Worker } = require("node:worker_threads");
         const { subscribe } = require("node:diagnostics_channel");
         const { createValidator } = require("oidc-spa-native");
         const { AUDIENCE, KEYS, TOKEN } = process.env;
         const options = fetch => ({
             issuerUri: "${ISSUER}", jwksUri: "${JWKS_URI}", expectedAudience: AUDIENCE, network: { fetch, timeoutMs: 60_000 }
         });
         const code = \`
             const { parentPort } = require("node:worker_threads");
             const { createValidator } = require("oidc-spa-native");
             const fetch = () => { parentPort.postMessage("asked"); return new Promise(() => undefined); };
             createValidator({ issuerUri: "${ISSUER}", jwksUri: "${JWKS_URI}", expectedAudience: "a", network: { fetch, timeoutMs: 60_000 } })
                 .ready().catch(() => undefined);
         \`;
         const failed = new Promise(resolve => subscribe("oidc-spa-native:keys", ({ type, error }) => type === "failed" && resolve(error)));
         const validator = createValidator(options(async () => new Response(KEYS)));
         const ask = async () => (await validator.validateRequest({ authorization: "Bearer " + TOKEN })).isSuccess;
         (async () => {
             await validator.ready();
             const worker = new Worker(code, { eval: true });
             await new Promise(resolve => worker.on("message", resolve));
             // The addon keeps no process alive, and the fetch fails after the worker's end.
             const alive = setInterval(() => undefined, 1000);
             await worker.terminate();
             console.log(await failed, await ask());
             clearInterval(alive);
         })();`,
        "commonjs",
        { AUDIENCE, KEYS: keys, TOKEN: f.token(nowInSeconds(), { iss: ISSUER }) }
    );
    expect(stdout).toContain("the thread of JavaScript whose `network.fetch` makes the requests has ended");
    expect(stdout).toMatch(/ true$/);
});

test("a process whose function never answers can end", async () => {
    const { stdout } = await script(
        `const { createValidator } = require("oidc-spa-native");
         const fetch = () => new Promise(() => undefined);
         createValidator({ issuerUri: "${ISSUER}", jwksUri: "${JWKS_URI}", expectedAudience: "a", network: { fetch, timeoutMs: 60_000 } })
             .ready({ timeoutMs: 100 }).catch(({ code }) => console.log(code));`,
        "commonjs"
    );
    expect(stdout).toBe("keys_unavailable");
});

test("a function is kept as long as its validator", async () => {
    const { stdout } = await script(
        `const { createValidator } = require("oidc-spa-native");
         require("node:v8").setFlagsFromString("--expose-gc");
         const gc = require("node:vm").runInNewContext("gc");
         const { KEYS } = process.env;
         const validator = createValidator({
             issuerUri: "${ISSUER}", jwksUri: "${JWKS_URI}", expectedAudience: "a",
             network: { fetch: async () => new Response(KEYS) }
         });
         (async () => {
             for (let i = 0; i < 3; i++) {
                 gc();
                 await new Promise(resolve => setImmediate(resolve));
             }
             await validator.ready({ timeoutMs: 5000 });
             console.log("ready");
         })();`,
        "commonjs",
        { KEYS: keys }
    );
    expect(stdout).toBe("ready");
});
