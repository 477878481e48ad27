// Signatures by `node:crypto`: every run time gives the same answers for good and bad ones, although each is asked in its own
// way.

import { execFile } from "node:child_process";
import crypto, { constants, generateKeyPairSync, sign, type KeyObject } from "node:crypto";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, test, vi } from "vitest";
import type * as known from "../../ts/wasm/known-signatures.js";
import type * as signatures from "../../ts/wasm/signatures.js";
import type * as later from "../../ts/wasm/web-crypto.js";
import { answersOfWorker, runTimes } from "../support/run-times.js";
import { root } from "../support/script.js";
import { settled } from "./settled.js";

const require = createRequire(import.meta.url);
const { KNOWN_SIGNATURES } = require("../../dist/wasm/known-signatures.js") as typeof known;
const { answersRightly, Signatures, Ways } = require("../../dist/wasm/signatures.js") as typeof signatures;
const { WebQuestions, WebSignatures } = require("../../dist/wasm/web-crypto.js") as typeof later;

interface Case {
    readonly title: string;
    readonly message: string;
    readonly signature: string;
    readonly isGood: boolean;
}

interface Key {
    readonly title: string;
    readonly jwk: object;
    readonly der?: string;
    readonly algorithm: string;
    readonly isKey: boolean;
    readonly cases: readonly Case[];
}

const MESSAGE = Buffer.from(`header.payload-${"x".repeat(1000)}`);

type Sign = (key: KeyObject, message: Buffer) => Buffer;

const PAIRS = {
    RSA: generateKeyPairSync("rsa", { modulusLength: 2048 }),
    "P-256": generateKeyPairSync("ec", { namedCurve: "P-256" }),
    "P-384": generateKeyPairSync("ec", { namedCurve: "P-384" }),
    "P-521": generateKeyPairSync("ec", { namedCurve: "P-521" }),
    Ed25519: generateKeyPairSync("ed25519")
};

const pss =
    (hash: string, saltLength: number): Sign =>
    (key, message) =>
        sign(hash, message, { key, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength });
const ecdsa =
    (hash: string, dsaEncoding: "der" | "ieee-p1363"): Sign =>
    (key, message) =>
        sign(hash, message, { key, dsaEncoding });
const plain =
    (hash: string | null): Sign =>
    (key, message) =>
        sign(hash, message, key);

/** Each algorithm: its key, its signature, and signatures that are near to it. */
const ALGORITHMS: Record<string, { pair: keyof typeof PAIRS; sign: Sign; near: Record<string, Sign> }> = {
    ...Object.fromEntries(
        [256, 384, 512].flatMap(bits => {
            const hash = `sha${bits}`;
            const other = bits === 256 ? "sha384" : "sha256";
            return [
                [
                    `RS${bits}`,
                    {
                        pair: "RSA",
                        sign: plain(hash),
                        near: { "another hash": plain(other), PSS: pss(hash, bits / 8) }
                    }
                ],
                [
                    `PS${bits}`,
                    {
                        pair: "RSA",
                        sign: pss(hash, bits / 8),
                        near: {
                            "another hash": pss(other, bits / 8),
                            "no salt": pss(hash, 0),
                            "a longer salt": pss(hash, bits / 8 + 1),
                            "PKCS #1 v1.5": plain(hash)
                        }
                    }
                ]
            ];
        })
    ),
    ES256: {
        pair: "P-256",
        sign: ecdsa("sha256", "ieee-p1363"),
        near: { DER: ecdsa("sha256", "der"), "another hash": ecdsa("sha384", "ieee-p1363") }
    },
    ES384: {
        pair: "P-384",
        sign: ecdsa("sha384", "ieee-p1363"),
        near: { DER: ecdsa("sha384", "der"), "another hash": ecdsa("sha256", "ieee-p1363") }
    },
    ES512: {
        pair: "P-521",
        sign: ecdsa("sha512", "ieee-p1363"),
        near: { DER: ecdsa("sha512", "der"), "another hash": ecdsa("sha256", "ieee-p1363") }
    },
    EdDSA: { pair: "Ed25519", sign: plain(null), near: {} },
    Ed25519: { pair: "Ed25519", sign: plain(null), near: {} }
};

const KEYS: readonly Key[] = [
    ...Object.entries(ALGORITHMS).map(([algorithm, { pair, sign, near }]): Key => {
        const { publicKey, privateKey } = PAIRS[pair];
        const good = sign(privateKey, MESSAGE);
        const changed = (at: number): Buffer =>
            Buffer.from(good.map((byte, i) => (i === at ? byte ^ 1 : byte)));
        const bad = {
            "a changed first byte": changed(0),
            "a changed last byte": changed(good.length - 1),
            "a byte too few": good.subarray(1),
            "a byte too many": Buffer.concat([good, Buffer.of(0)]),
            "a zero in front": Buffer.concat([Buffer.of(0), good]),
            nothing: Buffer.alloc(0),
            zeros: Buffer.alloc(good.length),
            "another message": sign(privateKey, Buffer.from("another")),
            ...Object.fromEntries(
                Object.entries(near).map(([name, sign]) => [name, sign(privateKey, MESSAGE)])
            )
        };
        return {
            title: algorithm,
            jwk: publicKey.export({ format: "jwk" }),
            der: publicKey.export({ format: "der", type: "spki" }).toString("base64"),
            algorithm,
            isKey: true,
            cases: [
                { title: "good", signature: good, isGood: true },
                ...Object.entries(bad).map(([title, signature]) => ({ title, signature, isGood: false }))
            ].map(({ signature, ...rest }) => ({
                ...rest,
                message: MESSAGE.toString("base64"),
                signature: signature.toString("base64")
            }))
        };
    }),
    ...["HS256", "none", "RS1", "toString"].map(algorithm => ({
        title: `the algorithm ${algorithm}`,
        jwk: PAIRS.RSA.publicKey.export({ format: "jwk" }),
        algorithm,
        isKey: false,
        cases: []
    })),
    {
        title: "a point that is not on its curve",
        jwk: {
            ...PAIRS["P-256"].publicKey.export({ format: "jwk" }),
            y: Buffer.alloc(32, 7).toString("base64url")
        },
        algorithm: "ES256",
        isKey: false,
        cases: []
    },
    { title: "no key", jwk: { kty: "EC" }, algorithm: "ES256", isKey: false, cases: [] }
];

type Answers = readonly {
    readonly isKey: boolean;
    readonly answers: readonly boolean[];
    readonly afterwards?: boolean;
    readonly jwkOfDer: object | null;
}[];

const run = promisify(execFile);

/** Runs a program that prints its answers, by a command. */
const byCommand =
    (...command: readonly string[]) =>
    async (): Promise<Answers> => {
        const folder = await mkdtemp(join(tmpdir(), "oidc-spa-native-"));
        try {
            await writeFile(join(folder, "asked.json"), JSON.stringify({ keys: KEYS }));
            await writeFile(
                join(folder, "main.mjs"),
                `import { createRequire } from "node:module";
                import { readFileSync } from "node:fs";
                import { judge } from ${JSON.stringify(join(root, "__test__/wasm/judge.mjs"))};
                const { Signatures } = createRequire(import.meta.url)(${JSON.stringify(join(root, "dist/wasm/signatures.js"))});
                const asked = JSON.parse(readFileSync(new URL("asked.json", import.meta.url)));
                console.log(JSON.stringify(judge(Signatures, asked)));`
            );
            const [program = "", ...flags] = command;
            const { stdout } = await run(program, [...flags, join(folder, "main.mjs")], { cwd: root });
            return JSON.parse(stdout) as Answers;
        } finally {
            await rm(folder, { recursive: true });
        }
    };

const onWorkerd = async () =>
    answersOfWorker<Answers>(
        {
            "judge.mjs": await readFile(join(root, "__test__/wasm/judge.mjs"), "utf8"),
            "worker.mjs": `import { judge } from "./judge.mjs";
            import { Signatures } from ${JSON.stringify(join(root, "dist/wasm/signatures.js"))};
            export default {
                fetch: async request => Response.json(judge(Signatures, await request.json()))
            };`
        },
        JSON.stringify({ keys: KEYS })
    );

test.each(runTimes(byCommand, onWorkerd))(
    "%s says yes to good signatures, and no to all others",
    { timeout: 60_000 },
    async (_, ask) => {
        const answers = await ask();
        expectRight(answers);
        // A key that was forgotten says no.
        expect(answers.map(({ afterwards }) => afterwards ?? false)).not.toContain(true);
        for (const [i, { der, jwk }] of KEYS.entries()) {
            expect(answers[i]?.jwkOfDer ?? null).toEqual(der === undefined ? null : jwk);
        }
    }
);

function expectRight(
    answers: readonly { isKey: boolean; answers: readonly (boolean | undefined)[] }[]
): void {
    const said = KEYS.map(({ title, cases }, i) => [
        title,
        answers[i]?.isKey,
        ...cases.map((one, j) => `${one.title}: ${answers[i]?.answers[j]}`)
    ]);
    expect(said).toEqual(
        KEYS.map(({ title, isKey, cases }) => [
            title,
            isKey,
            ...cases.map(one => `${one.title}: ${one.isGood}`)
        ])
    );
}

test("WebCrypto, whose answers come later, says yes to good signatures, and no to all others", async () => {
    const signatures = new WebSignatures();
    const answers = [];
    for (const { jwk, algorithm, cases } of KEYS) {
        const questions = new WebQuestions();
        const key = await settled(questions, () => signatures.import(JSON.stringify(jwk), algorithm));
        const ask = ({ message, signature }: Case) =>
            signatures.verify(key, Buffer.from(message, "base64"), Buffer.from(signature, "base64"));
        answers.push({ isKey: key !== 0, answers: await settled(questions, () => cases.map(ask)) });
        signatures.forget(key);
        for (const one of cases) {
            expect(questions.during(() => ask(one))).toBe(false);
        }
    }
    expectRight(answers);
});

test.each([
    ["node:crypto", () => new Signatures()],
    ["WebCrypto", () => new WebSignatures()]
])("%s: the number of a key that was forgotten is free again, for one key", async (_, make) => {
    const signatures = make();
    const key = (name: "ES256" | "EdDSA") => {
        const { pair, sign } = ALGORITHMS[name] as (typeof ALGORITHMS)[string];
        const { publicKey, privateKey } = PAIRS[pair];
        return {
            name,
            jwk: JSON.stringify(publicKey.export({ format: "jwk" })),
            good: sign(privateKey, MESSAGE)
        };
    };
    const [one, other] = [key("ES256"), key("EdDSA")];
    const numbers = (...keys: (typeof one)[]) =>
        settled(new WebQuestions(), () => keys.map(({ jwk, name }) => signatures.import(jwk, name)));
    const [first = 0] = await numbers(one);
    expect(first).toBe(1);
    signatures.forget(first);
    // Twice, or what never was a key: neither makes a number free.
    signatures.forget(first);
    signatures.forget(0);
    signatures.forget(7);
    const [again = 0, next = 0] = await numbers(one, other);
    expect([again, next]).toEqual([1, 2]);
    const said = await settled(new WebQuestions(), () =>
        [again, next].map(number => [one, other].map(({ good }) => signatures.verify(number, MESSAGE, good)))
    );
    expect(said).toEqual([
        [true, false],
        [false, true]
    ]);
});

test("a way to ask is not used where it says yes to a bad signature, or no to a good one", () => {
    const { RS256, PS256 } = KNOWN_SIGNATURES as Record<"RS256" | "PS256", known.KnownSignature>;
    const by = (verify: (message: Uint8Array, signature: Uint8Array) => boolean) => () => verify;
    expect(
        answersRightly(
            by(() => true),
            RS256
        )
    ).toBe(false);
    expect(
        answersRightly(
            by(() => false),
            RS256
        )
    ).toBe(false);
    expect(
        answersRightly(
            by(() => {
                throw new Error("not here");
            }),
            RS256
        )
    ).toBe(false);
    // One that ignores the salt's length.
    const isGood = Buffer.from(PS256.good, "base64url");
    const withoutSalt = Buffer.from(PS256.bad ?? "", "base64url");
    const careless = by((message, signature) => {
        const isOfMessage = Buffer.from(message).toString() === "oidc-spa-native";
        return isOfMessage && (isGood.equals(signature) || withoutSalt.equals(signature));
    });
    expect(answersRightly(careless, PS256)).toBe(false);
    expect(answersRightly(careless, { ...PS256, bad: "" })).toBe(true);
    // Each looks at one thing too little; else it is right.
    const isOf = (signature: Uint8Array, end: number): boolean =>
        isGood.subarray(0, end).equals(Buffer.from(signature).subarray(0, end));
    const isMessage = (message: Uint8Array): boolean => Buffer.from(message).toString() === "oidc-spa-native";
    const careful = by((message, signature) => isMessage(message) && isOf(signature, isGood.length));
    expect(answersRightly(careful, PS256)).toBe(true);
    const withoutMessage = by((_, signature) => isOf(signature, isGood.length));
    expect(answersRightly(withoutMessage, PS256)).toBe(false);
    const withoutEnd = by((message, signature) => isMessage(message) && isOf(signature, isGood.length - 1));
    expect(answersRightly(withoutEnd, PS256)).toBe(false);
    const withZeros = by(
        (message, signature) =>
            isMessage(message) && (isOf(signature, isGood.length) || signature.every(byte => byte === 0))
    );
    expect(answersRightly(withZeros, PS256)).toBe(false);
});

test("a run time that fails says no, and one that cannot read the known key is not believed", () => {
    const { publicKey, privateKey } = PAIRS.Ed25519;
    const signatures = new Signatures(new Ways(() => 0));
    const key = signatures.import(JSON.stringify(publicKey.export({ format: "jwk" })), "EdDSA");
    const good = sign(null, MESSAGE, privateKey);
    expect(signatures.verify(key, MESSAGE, good)).toBe(true);
    const fault = vi.spyOn(crypto, "verify").mockImplementation(() => {
        throw new Error("out of memory");
    });
    expect(signatures.verify(key, MESSAGE, good)).toBe(false);
    fault.mockRestore();
    const { EdDSA } = KNOWN_SIGNATURES as Record<"EdDSA", known.KnownSignature>;
    const isGood = () => () => true;
    expect(answersRightly(isGood, { ...EdDSA, jwk: { kty: "OKP" } })).toBe(false);
});

test("a run time that fails for a while is asked again, but not at once", () => {
    let now = 5000;
    const signatures = new Signatures(new Ways(() => now));
    const jwk = JSON.stringify(PAIRS.Ed25519.publicKey.export({ format: "jwk" }));
    const fault = vi.spyOn(crypto, "verify").mockImplementation(() => {
        throw new Error("out of memory");
    });
    expect(signatures.import(jwk, "EdDSA")).toBe(0);
    const asked = fault.mock.calls.length;
    expect(asked).toBeGreaterThan(0);
    now = 5999;
    expect(signatures.import(jwk, "EdDSA")).toBe(0);
    expect(fault.mock.calls.length).toBe(asked);
    fault.mockRestore();
    expect(signatures.import(jwk, "EdDSA")).toBe(0);
    now = 6000;
    const key = signatures.import(jwk, "EdDSA");
    expect(key).not.toBe(0);
    expect(signatures.verify(key, MESSAGE, sign(null, MESSAGE, PAIRS.Ed25519.privateKey))).toBe(true);
    expect(signatures.import(jwk, "EdDSA")).toBe(key + 1);
});
