// Where an issuer's keys come from, who shares them, and which issuers a template stands for.

import { createPublicKey } from "node:crypto";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
    createValidator,
    type IssuerOptions,
    type StaticKeys,
    type Validator,
    type ValidatorOptions
} from "oidc-spa-native";
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from "vitest";
import { testOfAddon } from "../support/engine.js";
import { AUDIENCE, createFixtures, kidOf, nowInSeconds, type Fixtures } from "../support/fixtures.js";
import { ALGS, jws, kindOf, newKey, type Alg, type Jwk, type Key } from "../support/jwt.js";
import { startLocalIssuer } from "../support/local-issuer.js";
import { script } from "../support/script.js";

let f: Fixtures;

beforeAll(async () => {
    f = await createFixtures();
});

afterAll(() => f.issuer.close());
afterEach(() => vi.unstubAllEnvs());

const validatorOf = (changes: Partial<IssuerOptions>, rest: Partial<ValidatorOptions> = {}): Validator =>
    createValidator({
        issuerUri: f.issuer.issuerUri,
        expectedAudience: AUDIENCE,
        ...changes,
        ...rest
    } as ValidatorOptions);

async function judge(validator: Validator, accessToken: string): Promise<string> {
    const verdict = await validator.validateRequest({ authorization: `Bearer ${accessToken}` });
    return verdict.isSuccess ? "granted" : verdict.code;
}

const jwks = (): { keys: Jwk[] } => f.issuer.jwks as { keys: Jwk[] };

/** A loopback port on which nobody listens. */
async function closedPort(): Promise<number> {
    const server = createServer().listen(0, "127.0.0.1");
    await once(server, "listening");
    const { port } = server.address() as AddressInfo;
    server.close();
    await once(server, "close");
    return port;
}

describe("jwksUri", () => {
    test("no metadata is fetched", async () => {
        const elsewhere = await startLocalIssuer({ keys: jwks().keys });
        const before = { ...f.issuer.requests };
        const validator = validatorOf({ jwksUri: `${elsewhere.issuerUri}/jwks` });
        expect(await judge(validator, f.token(nowInSeconds()))).toBe("granted");
        expect(elsewhere.requests).toEqual({ metadata: 0, jwks: 1 });
        expect(f.issuer.requests).toEqual(before);
        await elsewhere.close();
    });

    test("the token's issuer is checked as ever", async () => {
        const elsewhere = await startLocalIssuer({ keys: jwks().keys });
        const validator = validatorOf({ jwksUri: `${elsewhere.issuerUri}/jwks` });
        expect(await judge(validator, f.token(nowInSeconds(), { iss: elsewhere.issuerUri }))).toBe(
            "issuer_mismatch"
        );
        await elsewhere.close();
    });

    test("of a list, the next is asked where one is down, answers badly or with something else", async () => {
        const [first, second] = await Promise.all([
            startLocalIssuer(),
            startLocalIssuer({ keys: jwks().keys })
        ]);
        const jwksUri = [
            `http://127.0.0.1:${await closedPort()}/jwks`,
            `${first.issuerUri}/jwks`,
            `${second.issuerUri}/jwks`
        ];
        for (const spoil of [
            () => (first.failWith = 500),
            () => (first.jwks = "<html>please sign in</html>"),
            () => (first.jwks = { keys: [] })
        ]) {
            first.failWith = undefined;
            spoil();
            // Another age makes other keys: those of the turn before are not shared.
            const validator = validatorOf({ jwksUri }, { keysAgeSeconds: 60 + first.requests.jwks });
            expect(await judge(validator, f.token(nowInSeconds()))).toBe("granted");
        }
        expect(first.requests).toEqual({ metadata: 0, jwks: 3 });
        expect(second.requests).toEqual({ metadata: 0, jwks: 3 });
        await Promise.all([first.close(), second.close()]);
    });

    test("G20: a key that is no JSON here hides neither a new key nor that another is gone", async () => {
        const issuer = await startLocalIssuer({ keys: jwks().keys });
        const validator = validatorOf({ jwksUri: `${issuer.issuerUri}/jwks` });
        const old = f.token(nowInSeconds());
        expect(await judge(validator, old)).toBe("granted");
        const key = newKey("P-256");
        const good = JSON.stringify({ ...key.publicJwk, kid: "new" });
        const junk = String.raw`{"kty":"EC","kid":"a","kid":"b"},{"kid":"\ud800"},{"kty":"EC","x":1e999}`;
        issuer.jwks = `{"keys":[${junk},${good}]}`;
        const claims = {
            iss: f.issuer.issuerUri,
            sub: "user-1",
            aud: AUDIENCE,
            iat: nowInSeconds(),
            exp: nowInSeconds() + 60
        };
        expect(await judge(validator, jws({ alg: "ES256", kid: "new" }, claims, "ES256", key))).toBe(
            "granted"
        );
        expect(await judge(validator, old)).toBe("key_unknown");
        await issuer.close();
    });

    test("G28: a key ends when its issuer says so, for a token that was verified before too", async () => {
        const now = nowInSeconds();
        let at = now;
        const keys = { jwks: { keys: jwks().keys.map(jwk => ({ ...jwk, exp: now + 30 })) } };
        const validator = validatorOf({ keys }, { clock: () => at * 1000 });
        const token = f.token(now);
        expect([await judge(validator, token), await judge(validator, token)]).toEqual([
            "granted",
            "granted"
        ]);
        at = now + 30;
        expect(await judge(validator, token)).toBe("key_unknown");
    });

    test("of a list, the next is not asked while the first answers", async () => {
        const [first, second] = await Promise.all([
            startLocalIssuer({ keys: jwks().keys }),
            startLocalIssuer()
        ]);
        const validator = validatorOf({
            jwksUri: [first, second].map(({ issuerUri }) => `${issuerUri}/jwks`)
        });
        expect(await judge(validator, f.token(nowInSeconds()))).toBe("granted");
        expect(second.requests.jwks).toBe(0);
        await Promise.all([first.close(), second.close()]);
    });

    test("where none of a list answers, the reason is said and the status is 503", async () => {
        const port = await closedPort();
        const validator = validatorOf(
            { jwksUri: [`http://127.0.0.1:${port}/a`, `http://127.0.0.1:${port}/b`] },
            { keysTimeoutMs: 300 }
        );
        expect(await judge(validator, f.token(nowInSeconds()))).toBe("keys_unavailable");
        expect(validator.health().issuers[0]?.lastError).toContain(`127.0.0.1:${port}`);
    });
});

describe("static keys", () => {
    const pemOf = ({ publicJwk }: Key): string =>
        createPublicKey({ key: publicJwk, format: "jwk" }).export({ type: "spki", format: "pem" }) as string;

    /** A token that names any `kid`, or none. */
    const tokenWithKid = (alg: Alg, key: Key, kid?: string): string =>
        jws(
            { alg, typ: "at+jwt", ...(kid === undefined ? {} : { kid }) },
            f.claims(nowInSeconds()),
            alg,
            key
        );

    /** Whatever comes of the requests, the issuer gets none. */
    async function offline(keys: StaticKeys, use: (validator: Validator) => Promise<void>): Promise<void> {
        const before = { ...f.issuer.requests };
        const validator = validatorOf({ keys });
        await validator.ready({ timeoutMs: 0 });
        await use(validator);
        expect(f.issuer.requests).toEqual(before);
    }

    test.each(ALGS)("a JWK Set as an object, %s", async alg => {
        await offline({ jwks: jwks() }, async validator => {
            expect(await judge(validator, f.token(nowInSeconds(), {}, alg))).toBe("granted");
            const stranger = newKey(kindOf(alg));
            expect(await judge(validator, tokenWithKid(alg, stranger, kidOf(alg)))).toBe("signature_invalid");
            expect(await judge(validator, tokenWithKid(alg, stranger, "unknown"))).toBe("key_unknown");
        });
    });

    test("a JWK Set as libraries give it, and what cannot be copied without loss", async () => {
        const noPrototype = Object.assign(Object.create(null) as object, { keys: jwks().keys });
        await offline({ jwks: noPrototype as { keys: object[] } }, async validator => {
            expect(await judge(validator, f.token(nowInSeconds()))).toBe("granted");
        });
        const frozen = Object.freeze({
            keys: Object.freeze(jwks().keys.map(key => Object.freeze({ ...key, alg: undefined })))
        });
        await offline({ jwks: frozen }, async validator => {
            expect(await judge(validator, f.token(nowInSeconds()))).toBe("granted");
        });
        const keyObject = createPublicKey({
            key: f.keyOf("ES256").publicJwk as { kty: string },
            format: "jwk"
        });
        expect(() => validatorOf({ keys: { jwks: { keys: [keyObject] } } })).toThrow(
            /"keys\.jwks\.keys\[0\]" is a PublicKeyObject/
        );
        expect(() => validatorOf({ keys: { pem: Buffer.from("") as unknown as string } })).toThrow(
            /"keys\.pem" is a Buffer/
        );
        const hole: object[] = [];
        hole[1] = jwks().keys[0] as Jwk;
        expect(() => validatorOf({ keys: { jwks: { keys: hole } } })).toThrow(
            /"keys\.jwks\.keys\[0\]" is undefined/
        );
    });

    test("what happens to the set afterwards changes nothing", async () => {
        const set = { keys: [...jwks().keys] };
        const validator = validatorOf({ keys: { jwks: set } });
        set.keys.length = 0;
        expect(await judge(validator, f.token(nowInSeconds()))).toBe("granted");
    });

    test.each(["RS256", "PS512", "ES256", "ES384", "ES512", "EdDSA", "Ed25519"] as const)(
        "PEM, %s",
        async alg => {
            const key = f.keyOf(alg);
            await offline({ pem: pemOf(key) }, async validator => {
                expect(await judge(validator, tokenWithKid(alg, key, "any"))).toBe("granted");
                expect(await judge(validator, tokenWithKid(alg, key))).toBe("granted");
                expect(await judge(validator, tokenWithKid(alg, newKey(kindOf(alg)), "any"))).toBe(
                    "signature_invalid"
                );
            });
        }
    );

    test("PEM, several behind each other, with text around them", async () => {
        const pem = ["the old one", pemOf(f.keyOf("RS256")), "", "the new one", pemOf(f.keyOf("ES384"))].join(
            "\r\n"
        );
        await offline({ pem }, async validator => {
            expect(await judge(validator, tokenWithKid("RS256", f.keyOf("RS256"), "a"))).toBe("granted");
            expect(await judge(validator, tokenWithKid("ES384", f.keyOf("ES384"), "b"))).toBe("granted");
            expect(await judge(validator, tokenWithKid("ES256", f.keyOf("ES256"), "c"))).not.toBe("granted");
        });
    });

    test("a file, and a variable of the environment: a JWK Set or PEM, read once", async () => {
        const folder = await mkdtemp(join(tmpdir(), "oidc-spa-native-"));
        const key = f.keyOf("ES256");
        for (const [name, text] of [
            ["keys.json", `\n${JSON.stringify(jwks(), null, 4)}\n`],
            ["keys.pem", pemOf(key)]
        ] as const) {
            const file = join(folder, name);
            await writeFile(file, text);
            await offline({ file }, async validator => {
                await rm(file);
                expect(await judge(validator, tokenWithKid("ES256", key, "es256"))).toBe("granted");
            });
            vi.stubEnv("OIDC_SPA_NATIVE_TEST_KEYS", text);
            await offline({ env: "OIDC_SPA_NATIVE_TEST_KEYS" }, async validator => {
                vi.unstubAllEnvs();
                expect(await judge(validator, tokenWithKid("ES256", key, "es256"))).toBe("granted");
            });
        }
        await rm(folder, { recursive: true });
    });

    test("H39: beside an issuer whose keys are fetched, each with its own", async () => {
        const other = await createFixtures();
        const both = createValidator({
            issuers: [
                { issuerUri: f.issuer.issuerUri, expectedAudience: AUDIENCE },
                {
                    issuerUri: other.issuer.issuerUri,
                    expectedAudience: AUDIENCE,
                    keys: { jwks: other.issuer.jwks as { keys: object[] } }
                }
            ]
        });
        expect(await judge(both, f.token(nowInSeconds()))).toBe("granted");
        expect(await judge(both, other.token(nowInSeconds()))).toBe("granted");
        expect(
            await judge(
                both,
                jws({ alg: "ES256", kid: "es256" }, f.claims(nowInSeconds()), "ES256", other.keyOf("ES256"))
            )
        ).toBe("signature_invalid");
        expect(other.issuer.requests).toEqual({ metadata: 0, jwks: 0 });
        await other.issuer.close();
    });
});

describe("one fetch for all who name the same issuer", () => {
    test("several validators", async () => {
        const issuer = await startLocalIssuer({ keys: jwks().keys });
        const { issuerUri } = issuer;
        // Audience and algorithms do not concern the keys.
        const validators = [{}, {}, { expectedAudience: "other" }, { algorithms: ["ES256" as const] }].map(
            changes => validatorOf({ issuerUri, ...changes })
        );
        await Promise.all(validators.map(validator => validator.ready()));
        expect(issuer.requests).toEqual({ metadata: 1, jwks: 1 });
        expect(await judge(validators[0] as Validator, f.token(nowInSeconds(), { iss: issuerUri }))).toBe(
            "granted"
        );
        // Other rules for the keys are other keys.
        await validatorOf({ issuerUri }, { keysCooldownSeconds: 7 }).ready();
        expect(issuer.requests.jwks).toBe(2);
        await issuer.close();
    });

    testOfAddon("several worker threads, through both doors", async () => {
        const issuer = await startLocalIssuer({ keys: jwks().keys });
        const { stdout } = await script(
            `const { Worker } = require("node:worker_threads");
             const code = \`
                 const { parentPort } = require("node:worker_threads");
                 const { createValidator } = require("oidc-spa-native");
                 const { oidcSpa } = require("oidc-spa-native/server");
                 const { ISSUER, AUDIENCE, TOKEN } = process.env;
                 const options = { issuerUri: ISSUER, expectedAudience: AUDIENCE };
                 const validator = globalThis.validator = createValidator(options);
                 parentPort.on("message", () => process.exit());
                 oidcSpa.createUtils().bootstrapAuth({ implementation: "real", ...options })
                     .then(() => createValidator(options).validateRequest({ authorization: "Bearer " + TOKEN }))
                     .then(verdict => parentPort.postMessage(verdict.isSuccess + " " + validator.health().issuers[0].state));
             \`;
             const workers = Array.from({ length: 4 }, () => new Worker(code, { eval: true }));
             Promise.all(workers.map(worker => new Promise((resolve, reject) => {
                 worker.on("message", resolve).on("error", reject);
             }))).then(answers => {
                 console.log(answers.join());
                 workers.forEach(worker => worker.postMessage("exit"));
             });`,
            "commonjs",
            { ISSUER: issuer.issuerUri, AUDIENCE, TOKEN: f.token(nowInSeconds(), { iss: issuer.issuerUri }) }
        );
        expect(stdout).toBe(Array(4).fill("true fresh").join());
        expect(issuer.requests).toEqual({ metadata: 1, jwks: 1 });
        await issuer.close();
    });
});

describe("a template for tenants", () => {
    const [ONE, OTHER] = ["11111111-2222-3333-4444-555555555555", "aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee"];

    test("H41: the tenant of `iss` is the one that `tid` names, and nothing else", async () => {
        const issuer = await startLocalIssuer({ path: "/common/v2.0", keys: jwks().keys });
        const template = `http://127.0.0.1:${issuer.port}/{tenantid}/v2.0`;
        issuer.metadata = { issuer: template, jwks_uri: `${issuer.issuerUri}/jwks` };
        const validator = validatorOf({ issuerUri: template });
        await validator.ready();
        expect(issuer.requests).toEqual({ metadata: 1, jwks: 1 });

        const iss = (tenant: string): string => template.replace("{tenantid}", tenant);
        const withTenant = (tenant: string, changes: Record<string, unknown> = {}): string =>
            f.token(nowInSeconds(), { iss: iss(tenant), tid: tenant, ...changes });
        const verdict = await validator.validateRequest({ authorization: `Bearer ${withTenant(ONE)}` });
        expect(verdict).toMatchObject({
            isSuccess: true,
            issuerUri: template,
            claims: { tid: ONE, iss: iss(ONE) }
        });
        expect(await judge(validator, withTenant(OTHER))).toBe("granted");
        expect(await judge(validator, withTenant(ONE, { iss: `${iss(ONE)}/` }))).toBe("granted");

        for (const [name, token] of [
            ["another tid", withTenant(ONE, { tid: OTHER })],
            ["no tid", withTenant(ONE, { tid: undefined })],
            ["tid null", withTenant(ONE, { tid: null })],
            ["tid a list", withTenant(ONE, { tid: [ONE] })],
            ["tid empty", withTenant("")],
            ["tid with a slash", withTenant(`${ONE}/x`)],
            ["tid of dots", withTenant("..")],
            ["tid with a query", withTenant(`${ONE}?x`)],
            ["tid with an escape", withTenant("%2e%2e")],
            ["the template itself", withTenant("{tenantid}")],
            ["the template as iss", withTenant(ONE, { iss: template })],
            ["iss with more behind", withTenant(ONE, { iss: `${iss(ONE)}/x` })],
            ["iss of another version", withTenant(ONE, { iss: iss(ONE).replace("v2.0", "v1.0") })],
            ["iss of another host", withTenant(ONE, { iss: iss(ONE).replace("127.0.0.1", "127.0.0.2") })]
        ] as const) {
            expect(["issuer_mismatch", "claim_missing", "claim_malformed"], name).toContain(
                await judge(validator, token)
            );
        }
        expect(issuer.requests).toEqual({ metadata: 1, jwks: 1 });
        await issuer.close();
    });

    test("H03: metadata that names another issuer than the template is refused", async () => {
        const issuer = await startLocalIssuer({ path: "/common/v2.0", keys: jwks().keys });
        const template = `http://127.0.0.1:${issuer.port}/{tenantid}/v2.0`;
        // What the endpoint of one tenant would say.
        issuer.metadata = {
            issuer: template.replace("{tenantid}", ONE),
            jwks_uri: `${issuer.issuerUri}/jwks`
        };
        const validator = validatorOf({ issuerUri: template }, { keysTimeoutMs: 300 });
        const token = f.token(nowInSeconds(), { iss: template.replace("{tenantid}", ONE), tid: ONE });
        expect(await judge(validator, token)).toBe("keys_unavailable");
        expect(validator.health().issuers[0]?.lastError).toContain(template);
        await issuer.close();
    });
});
