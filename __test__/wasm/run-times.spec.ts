// The vectors through the WebAssembly engine in every run time.

import { execFile } from "node:child_process";
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { answersOfWorker, runTimes } from "../support/run-times.js";
import { ALL_HOSTS, misreadHosts } from "../support/hosts.js";
import { root } from "../support/script.js";
import { challengesOf } from "../vectors/challenges.js";
import { issuersOf, keySet, nodeRequest, vectors, type Vector } from "../vectors/vectors.js";

interface Answers {
    readonly engine: string;
    readonly hosts: readonly (string | null)[];
    readonly answers: readonly (readonly {
        readonly code: string;
        readonly status?: number;
        readonly challenge?: string;
    }[])[];
}

/** Those that need no issuer, and nothing of a validator but its verdicts. */
const JUDGED = vectors.filter(({ steps }) =>
    steps.every(
        ({ keys, rules, atOnce }) => keys === undefined && rules === undefined && atOnce === undefined
    )
);

const ASKED = JSON.stringify({
    hosts: ALL_HOSTS,
    vectors: JUDGED.map(vector => ({
        options: optionsOf(vector),
        steps: vector.steps.map(({ time, request }) => {
            const { socket, ...rest } = nodeRequest(request);
            return { time, request: { ...rest, socket, certificate: request.clientCertificate } };
        })
    }))
});

function optionsOf(vector: Vector): object {
    const { issuers: _, algorithms, ...options } = vector.configuration ?? {};
    return {
        ...options,
        issuers: issuersOf(vector).map(({ issuer, audience, keys }) => ({
            issuerUri: issuer,
            expectedAudience: audience,
            ...(algorithms && { algorithms }),
            keys: { jwks: keySet(keys) }
        }))
    };
}

const driver = await readFile(join(root, "__test__/wasm/answers.mjs"), "utf8");

const byCommand =
    (...command: readonly string[]) =>
    async (): Promise<Answers> => {
        await mkdir(join(root, "target"), { recursive: true });
        const folder = await mkdtemp(join(root, "target/run-times-"));
        try {
            await mkdir(join(folder, "node_modules"));
            await symlink(root, join(folder, "node_modules/oidc-spa-native"));
            await writeFile(join(folder, "package.json"), '{ "type": "module" }');
            await writeFile(join(folder, "answers.mjs"), driver);
            await writeFile(join(folder, "asked.json"), ASKED);
            await writeFile(
                join(folder, "main.mjs"),
                `import { readFileSync } from "node:fs";
                import { createValidator } from "oidc-spa-native";
                import { answersOf, hostsOf } from "./answers.mjs";
                const asked = JSON.parse(readFileSync(new URL("asked.json", import.meta.url)));
                const hosts = await hostsOf(createValidator, asked.hosts);
                console.log(JSON.stringify({ ...(await answersOf(createValidator, asked)), hosts }));`
            );
            const [program = "", ...flags] = command;
            const { stdout } = await promisify(execFile)(program, [...flags, "main.mjs"], {
                cwd: folder,
                maxBuffer: 2 ** 26,
                env: { ...process.env, OIDC_SPA_NATIVE_ENGINE: "wasm" }
            });
            return JSON.parse(stdout) as Answers;
        } finally {
            await rm(folder, { recursive: true });
        }
    };

const onWorkerd = () =>
    answersOfWorker<Answers>(
        {
            "answers.mjs": driver,
            "worker.mjs": `import { createValidator } from "oidc-spa-native";
            import { answersOf, hostsOf } from "./answers.mjs";
            export default {
                fetch: async request => {
                    const asked = await request.json();
                    const hosts = await hostsOf(createValidator, asked.hosts);
                    return Response.json({ ...(await answersOf(createValidator, asked)), hosts });
                }
            };`
        },
        ASKED
    );

test.each(runTimes(byCommand, onWorkerd))(
    "%s says of each vector what it has, and reads each host as the addon does",
    { timeout: 120_000 },
    async (_, ask) => {
        expect(JUDGED.length).toBeGreaterThan(400);
        const { engine, answers, hosts } = await ask();
        expect(engine).toBe("wasm");
        expect(misreadHosts(hosts)).toEqual([]);
        const said = JUDGED.map(({ id, steps }, i) => [
            id,
            ...steps.map((_, j) => {
                const { code, status, challenge } = answers[i]?.[j] ?? { code: "no answer" };
                return [code, status, challenge && challengesOf(challenge)];
            })
        ]);
        const expected = JUDGED.map(({ id, steps }) => [
            id,
            ...steps.map(({ expected: { verdict, code, status, challenges } }) => [
                verdict === "granted" ? verdict : code,
                status,
                challenges
            ])
        ]);
        const differences = said.filter((one, i) => JSON.stringify(one) !== JSON.stringify(expected[i]));
        expect(differences).toEqual([]);
    }
);
