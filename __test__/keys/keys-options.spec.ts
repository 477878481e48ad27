// Options about keys and the network that make no sense: refused when the validator is made, with the reason.

import { generateKeyPairSync } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createValidator, type ValidatorOptions } from "oidc-spa-native";
import { afterAll, expect, test } from "vitest";
import { IS_WASM, testOfAddon } from "../support/engine.js";
import { newAuthority } from "../support/certificates.js";
import { describeWith } from "../support/programs.js";
import { newKey } from "../support/jwt.js";

const folder = mkdtempSync(join(tmpdir(), "oidc-spa-native-"));
afterAll(() => rmSync(folder, { recursive: true }));

const file = (name: string, text: string): string => {
    writeFileSync(join(folder, name), text);
    return join(folder, name);
};

const jwk = { ...newKey("P-256").publicJwk, kid: "a" };
const pem = (modulusLength = 2048): string =>
    generateKeyPairSync("rsa", { modulusLength }).publicKey.export({ type: "spki", format: "pem" }) as string;
const privatePem = generateKeyPairSync("ed25519").privateKey.export({
    type: "pkcs8",
    format: "pem"
}) as string;
const secp256k1 = generateKeyPairSync("ec", { namedCurve: "secp256k1" }).publicKey.export({
    type: "spki",
    format: "pem"
}) as string;

const options = (changes: object): ValidatorOptions =>
    ({
        issuerUri: "https://auth.example.com",
        expectedAudience: "https://api.example.com",
        ...changes
    }) as ValidatorOptions;

/** What the message says: the option, and what is wrong with it. */
function refusal(changes: object): string {
    try {
        createValidator(options(changes));
    } catch (error) {
        expect(error).toBeInstanceOf(TypeError);
        return (error as Error).message;
    }
    return "made";
}

const REFUSED: Record<string, [changes: object, ...message: RegExp[]]> = {
    "a header's value beyond ASCII": [
        { network: { headers: { "x-key": "sécret" } } },
        /x-key/,
        /visible ASCII/
    ],
    "network options that lie in a prototype": [
        { network: Object.create(Object.assign(Object.create(null), { privateAddresses: false })) },
        /"network" is an object/
    ],
    "cool-down longer than the age": [
        { keysCooldownSeconds: 61, keysAgeSeconds: 60 },
        /keysCooldownSeconds/,
        /keysAgeSeconds/
    ],
    "cool-down longer than the default age": [
        { keysCooldownSeconds: 601 },
        /keysCooldownSeconds/,
        /keysAgeSeconds/
    ],
    "age too short": [{ keysAgeSeconds: 59 }, /keysAgeSeconds/, /60/],
    "age too long": [{ keysAgeSeconds: 86_401 }, /keysAgeSeconds/, /86400/],
    "age no number": [{ keysAgeSeconds: "600" }, /keysAgeSeconds/, /"600"/],
    "outage negative": [{ keysOutageSeconds: -1 }, /keysOutageSeconds/],
    "outage another word": [{ keysOutageSeconds: "always" }, /keysOutageSeconds/, /"forever"/],
    "outage Infinity": [{ keysOutageSeconds: Infinity }, /keysOutageSeconds/, /Infinity/],
    "outage null": [{ keysOutageSeconds: null }, /keysOutageSeconds/],

    "jwksUri http": [{ jwksUri: "http://auth.example.com/jwks" }, /jwksUri/, /https/, /allowHttp/],
    "jwksUri relative": [{ jwksUri: "/jwks" }, /jwksUri/],
    "jwksUri file": [{ jwksUri: "file:///etc/jwks.json" }, /jwksUri/, /https/],
    "jwksUri with a password": [{ jwksUri: "https://user:s3cret@auth.example.com/jwks" }, /jwksUri/],
    "jwksUri empty list": [{ jwksUri: [] }, /jwksUri/],
    "jwksUri list with http": [
        { jwksUri: ["https://a.example/jwks", "http://b.example/jwks"] },
        /jwksUri/,
        /https/
    ],
    "jwksUri list with a number": [{ jwksUri: [1] }, /jwksUri/],
    "jwksUri object": [{ jwksUri: {} }, /jwksUri/],
    "jwksUri URL": [{ jwksUri: new URL("https://auth.example.com/jwks") }, /"jwksUri" is a URL/],

    "keys and jwksUri": [
        { keys: { jwks: { keys: [jwk] } }, jwksUri: "https://auth.example.com/jwks" },
        /keys/,
        /jwksUri/
    ],
    "keys of two kinds": [{ keys: { jwks: { keys: [jwk] }, pem: pem() } }, /keys/],
    "keys of no kind": [{ keys: {} }, /keys/, /jwks/, /pem/, /file/, /env/],
    "keys of an unknown kind": [{ keys: { url: "https://auth.example.com/jwks" } }, /keys/, /url/],
    "keys a list": [{ keys: [jwk] }, /keys/],
    "keys a string": [{ keys: pem() }, /keys/],
    "JWK Set as text": [{ keys: { jwks: JSON.stringify({ keys: [jwk] }) } }, /keys\.jwks/],
    "JWK Set without keys": [{ keys: { jwks: {} } }, /keys\.jwks/],
    "JWK Set with no key": [{ keys: { jwks: { keys: [] } } }, /keys\.jwks/],
    "JWK Set with no usable key": [
        {
            keys: {
                jwks: {
                    keys: [
                        { kty: "oct", k: "AA" },
                        { kty: "EC", crv: "P-256", x: "AA", y: "AA" }
                    ]
                }
            }
        },
        /keys\.jwks/
    ],
    "JWK Set with keys for encryption only": [
        { keys: { jwks: { keys: [{ ...jwk, use: "enc" }] } } },
        /keys\.jwks/
    ],
    "a JWK in the place of a set": [{ keys: { jwks: jwk } }, /keys\.jwks/],
    "PEM empty": [{ keys: { pem: "" } }, /keys\.pem/, /BEGIN PUBLIC KEY/],
    "PEM garbage": [
        { keys: { pem: "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n" } },
        /keys\.pem/
    ],
    "PEM of a private key": [{ keys: { pem: privatePem } }, /keys\.pem/, /BEGIN PUBLIC KEY/],
    "PEM of RSA 1024": [{ keys: { pem: pem(1024) } }, /keys\.pem/, /2048/],
    "PEM of another curve": [{ keys: { pem: secp256k1 } }, /keys\.pem/, /P-256/],
    "PEM, the second is bad": [{ keys: { pem: pem() + secp256k1 } }, /keys\.pem/],
    "PEM cut off": [{ keys: { pem: pem().slice(0, 200) } }, /keys\.pem/],
    "a file that is not there": [
        { keys: { file: join(folder, "absent.json") } },
        /keys\.file/,
        /absent\.json/
    ],
    "a file that is a folder": [{ keys: { file: folder } }, /keys\.file/],
    "a file with neither": [{ keys: { file: file("neither.txt", "hello") } }, /keys\.file/, /neither\.txt/],
    "a file with broken JSON": [
        { keys: { file: file("broken.json", '{"keys":[') } },
        /keys\.file/,
        /broken\.json/
    ],
    "a file that is no text": [{ keys: { file: file("binary", "\ufffe\u0000") } }, /keys\.file/],
    "a file without a name": [{ keys: { file: "" } }, /keys\.file/],
    "a variable that is not set": [
        { keys: { env: "OIDC_SPA_NATIVE_NOT_SET" } },
        /keys\.env/,
        /OIDC_SPA_NATIVE_NOT_SET/
    ],
    "a variable without a name": [{ keys: { env: "" } }, /keys\.env/],
    "a variable with = in its name": [{ keys: { env: "A=B" } }, /keys\.env/],

    "template, the tenant in the host": [{ issuerUri: "https://{tenantid}.example.com/v2.0" }, /issuerUri/],
    "template, another name": [{ issuerUri: "https://auth.example.com/{tenant}/v2.0" }, /issuerUri/],
    "template, twice": [{ issuerUri: "https://auth.example.com/{tenantid}/{tenantid}" }, /issuerUri/],

    "network unknown member": [{ network: { timeout: 5 } }, /network\.timeout/, /timeoutMs/],
    "network null": [{ network: null }, /network/],
    "connectTimeoutMs too short": [{ network: { connectTimeoutMs: 99 } }, /network\.connectTimeoutMs/, /100/],
    "timeoutMs too long": [{ network: { timeoutMs: 60_001 } }, /network\.timeoutMs/, /60000/],
    "allowHttp as text": [{ network: { allowHttp: "true" } }, /network\.allowHttp/],
    "ca no PEM": [{ network: { ca: "/etc/ca.pem" } }, /network\.ca/, /BEGIN CERTIFICATE/],
    "ca a key": [{ network: { ca: pem() } }, /network\.ca/, /BEGIN CERTIFICATE/],
    "ca broken": [
        { network: { ca: "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n" } },
        /network\.ca/
    ],
    "client certificate without a key": [
        { network: { clientCertificate: { cert: "x" } } },
        /network\.clientCertificate/
    ],
    "client certificate no PEM": [
        { network: { clientCertificate: { cert: "x", key: "y" } } },
        /network\.clientCertificate/
    ],
    "client certificate unknown member": [
        { network: { clientCertificate: { cert: "x", key: "y", passphrase: "z" } } },
        /network\.clientCertificate/
    ],
    "proxy true": [{ network: { proxy: true } }, /network\.proxy/],
    "proxy no URL": [{ network: { proxy: "not a url" } }, /network\.proxy/],
    "proxy of another scheme": [{ network: { proxy: "ftp://proxy.example.com" } }, /network\.proxy/],

    "of one issuer of several": [
        {
            issuerUri: undefined,
            expectedAudience: undefined,
            issuers: [{ issuerUri: "https://a.example", expectedAudience: "x", keys: {} }]
        },
        /issuers\[0\]\.keys/
    ],
    "an unknown member of one issuer of several": [
        {
            issuerUri: undefined,
            expectedAudience: undefined,
            issuers: [{ issuerUri: "https://a.example", expectedAudience: "x", network: {} }]
        },
        /issuers\[0\]\.network/
    ],
    "beside several issuers: jwksUri": [
        {
            issuerUri: undefined,
            expectedAudience: undefined,
            issuers: [{ issuerUri: "https://a.example", expectedAudience: "x" }],
            jwksUri: "https://a.example/jwks"
        },
        /jwksUri/,
        /issuers/
    ],
    "beside several issuers: keys": [
        {
            issuerUri: undefined,
            expectedAudience: undefined,
            issuers: [{ issuerUri: "https://a.example", expectedAudience: "x" }],
            keys: { pem: pem() }
        },
        /keys/,
        /issuers/
    ]
};

/** WebAssembly refuses each of them. */
const OF_ADDON = ["ca no PEM", "ca a key"];

test.each(Object.entries(REFUSED).filter(([name]) => !IS_WASM || !OF_ADDON.includes(name)))(
    "CFG: %s",
    (_name, [changes, ...expected]) => {
        const message = refusal(changes);
        for (const part of expected) {
            expect(message).toMatch(part);
        }
        expect(message).not.toBe("made");
        expect(message).not.toMatch(/PRIVATE KEY-----\n|s3cret/);
    }
);

testOfAddon("good options of every kind", () => {
    for (const changes of [
        { keysCooldownSeconds: 60, keysAgeSeconds: 60 },
        { keysOutageSeconds: 0 },
        { keysOutageSeconds: "forever", keysAgeSeconds: 86_400 },
        { jwksUri: "https://keys.example.org/jwks?v=1" },
        { jwksUri: ["https://a.example/jwks", "http://127.0.0.1:8080/jwks"] },
        { keys: { jwks: { keys: [{ kty: "oct", k: "AA" }, jwk] } } },
        { keys: { pem: pem() }, algorithms: ["RS256"] },
        { issuerUri: "https://login.microsoftonline.com/{tenantid}/v2.0" },
        { network: {} },
        { network: { connectTimeoutMs: 100, timeoutMs: 60_000, allowHttp: false, proxy: false } },
        { network: { proxy: "http://proxy.example.com:3128" } },
        {
            network: undefined,
            keys: undefined,
            jwksUri: undefined,
            keysAgeSeconds: undefined,
            keysOutageSeconds: undefined
        }
    ]) {
        expect(refusal(changes), JSON.stringify(changes)).toBe("made");
    }
});

describeWith(["openssl"], "certificates", () => {
    testOfAddon("a client certificate and the key of another are refused, without showing the key", () => {
        const authority = newAuthority("Authority of the tests");
        const [one, other] = [authority.client("one"), authority.client("other")];
        expect(refusal({ network: { ca: authority.ca, clientCertificate: one } })).toBe("made");
        const message = refusal({ network: { clientCertificate: { cert: one.cert, key: other.key } } });
        expect(message).toMatch(/network\.clientCertificate/);
        expect(message).not.toContain(other.key.split("\n")[1]);
    });
});
