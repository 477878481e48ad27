// The same input to oidc-spa/server 10.2.11 and to the drop-in: the answers are the same, or the difference is listed.

import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { isDeepStrictEqual } from "node:util";
import * as theirs from "oidc-spa/server";
import * as ours from "oidc-spa-native/server";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { z } from "zod";
import { AUDIENCE, createFixtures, type Fixtures } from "../support/fixtures.js";
import { INTENDED_DIFFERENCES, type IntendedDifference } from "./intended-differences.js";
import { keySetCases } from "./key-set-mutations.js";
import { startLocalIssuer, type LocalIssuer } from "../support/local-issuer.js";
import { proofCases } from "./proof-mutations.js";
import { requestCases } from "./request-mutations.js";
import { bearer, tokenCases, type Setup, type ValidateCase } from "./token-mutations.js";

const NOW = 1_800_000_000;

type Params = ours.ValidateAndDecodeAccessToken.Params;

interface Outcome {
    readonly verdict: "accepted" | "refused" | "none" | "threw" | "not started";
    readonly [detail: string]: unknown;
}

/** After these words, the report is that of a library inside, and may read differently. */
const PREFIXES = [
    "The decoded access token does not satisfies the shape mandated by RFC9068: ",
    "Failed to calculate DPoP jwk thumbprint: ",
    "DPoP proof signature/structure invalid: "
];

const zClaims = z.object({
    sub: z.string(),
    realm_access: z.object({ roles: z.array(z.string()) }),
    scope: z.string().transform(scope => scope.split(" "))
});

interface Utils {
    bootstrapAuth(params: ours.ParamsOfBootstrap.Real): Promise<void>;
    validateAndDecodeAccessToken(
        params: Params
    ): Promise<ours.ValidateAndDecodeAccessToken.ReturnType<unknown>>;
}

interface Door {
    readonly name: "theirs" | "ours";
    createUtils(withSchema: boolean): Utils;
    extract(params: {
        request: ours.AnyRequest;
        trustProxy: boolean;
    }): ours.ParseAnyRequestResult | undefined;
}

const doors: readonly Door[] = [
    {
        name: "theirs",
        createUtils: withSchema =>
            withSchema
                ? theirs.oidcSpa
                      .withExpectedDecodedAccessTokenShape({ decodedAccessTokenSchema: zClaims })
                      .createUtils()
                : theirs.oidcSpa.createUtils(),
        extract: theirs.extractRequestAuthContext
    },
    {
        name: "ours",
        createUtils: withSchema =>
            withSchema
                ? ours.oidcSpa
                      .withExpectedDecodedAccessTokenShape({ decodedAccessTokenSchema: zClaims })
                      .createUtils()
                : ours.oidcSpa.createUtils(),
        extract: ours.extractRequestAuthContext
    }
];

async function validateWith(utils: Utils, params: Params): Promise<Outcome> {
    let result: Awaited<ReturnType<Utils["validateAndDecodeAccessToken"]>>;
    try {
        result = await utils.validateAndDecodeAccessToken(params);
    } catch {
        return { verdict: "threw" };
    }
    if (result.isSuccess) {
        const { decodedAccessToken, decodedAccessToken_original, accessToken } = result;
        return { verdict: "accepted", decodedAccessToken, decodedAccessToken_original, accessToken };
    }
    const { errorCause, debugErrorMessage } = result;
    const prefix = PREFIXES.find(prefix => debugErrorMessage.startsWith(prefix));
    return {
        verdict: "refused",
        errorCause,
        // The other causes carry a message of jose's, whole.
        sentence: errorCause === "validation error" ? (prefix ?? debugErrorMessage) : "(of a library)"
    };
}

function extractWith(door: Door, params: { request: ours.AnyRequest; trustProxy: boolean }): Outcome {
    let result: ours.ParseAnyRequestResult | undefined;
    try {
        result = door.extract(params);
    } catch {
        return { verdict: "threw" };
    }
    if (result === undefined) {
        return { verdict: "none" };
    }
    return result.isWellFormed
        ? { verdict: "accepted", ...result.accessTokenAndMetadata }
        : { verdict: "refused", sentence: result.debugErrorMessage };
}

interface Difference {
    readonly id: string;
    readonly theirs: Outcome;
    readonly ours: Outcome;
}

const entriesThatMatched = new Set<IntendedDifference>();

/** What is wrong with a case, if anything: a difference that nobody intended, or one that is gone. */
function complaint({ id, theirs, ours }: Difference): string | undefined {
    const differs = !isDeepStrictEqual(theirs, ours);
    const intended = INTENDED_DIFFERENCES.filter(({ cases }) => cases.some(pattern => pattern.test(id)));
    for (const entry of intended) {
        entriesThatMatched.add(entry);
    }
    const [entry] = intended;
    const isWhollyOther = theirs.verdict !== ours.verdict;
    const show = (outcome: Outcome): string =>
        isWhollyOther && outcome.verdict === "accepted" ? "accepted" : brief(outcome);
    const both = `theirs ${show(theirs)}, ours ${show(ours)}`;
    if (intended.length > 1) {
        return `${id}: in more than one entry: ${intended.map(({ id }) => id).join(", ")}`;
    }
    if (entry === undefined) {
        return differs ? `${id}: differs, but is not listed: ${both}` : undefined;
    }
    if (!differs) {
        return `${id}: listed in "${entry.id}", but does not differ any more: ${both}`;
    }
    const isAsListed =
        entry.here === "answered otherwise" ? theirs.verdict === ours.verdict : ours.verdict === entry.here;
    return isAsListed ? undefined : `${id}: listed in "${entry.id}" as ${entry.here}: ${both}`;
}

/** An outcome on one line, without the token. */
function brief({ verdict, accessToken: _, ...details }: Outcome): string {
    const text = JSON.stringify(verdict === "refused" ? Object.values(details) : details);
    return `${verdict} ${text.length > 300 ? `${text.slice(0, 300)}...` : text}`;
}

let f: Fixtures;
/** Open until the end: oidc-spa reads an issuer again, in the background, after a signature that failed. */
const issuers: LocalIssuer[] = [];
const utilsOf = new Map<string, Utils>();

const setups: Record<Setup, { withSchema: boolean; suffix: string; expectedAudience: string | undefined }> = {
    plain: { withSchema: false, suffix: "", expectedAudience: AUDIENCE },
    "any audience": { withSchema: false, suffix: "", expectedAudience: undefined },
    slash: { withSchema: false, suffix: "/", expectedAudience: AUDIENCE },
    schema: { withSchema: true, suffix: "", expectedAudience: AUDIENCE }
};

const utils = (door: Door, setup: Setup): Utils => utilsOf.get(`${door.name} ${setup}`) as Utils;

beforeAll(async () => {
    vi.useFakeTimers({ toFake: ["Date"], now: NOW * 1000 });
    f = await createFixtures();
    for (const door of doors) {
        for (const [setup, { withSchema, suffix, expectedAudience }] of Object.entries(setups)) {
            const made = door.createUtils(withSchema);
            await made.bootstrapAuth({
                implementation: "real",
                issuerUri: `${f.issuer.issuerUri}${suffix}`,
                expectedAudience
            });
            utilsOf.set(`${door.name} ${setup}`, made);
        }
    }
});

afterAll(async () => {
    vi.useRealTimers();
    await Promise.all([f.issuer, ...issuers].map(issuer => issuer.close()));
});

async function compare({ id, params, setup = "plain", before = [] }: ValidateCase): Promise<Difference> {
    const outcomes = [];
    for (const door of doors) {
        for (const earlier of before) {
            await validateWith(utils(door, setup), earlier);
        }
        outcomes.push(await validateWith(utils(door, setup), params));
    }
    const [theirs, ours] = outcomes as [Outcome, Outcome];
    return { id, theirs, ours };
}

async function runValidateCases(cases: readonly ValidateCase[]): Promise<void> {
    expect(new Set(cases.map(({ id }) => id)).size, "an id stands for one case").toBe(cases.length);
    const complaints = [];
    for (const validateCase of cases) {
        const { id, twin, setup = "plain" } = validateCase;
        for (const door of doors) {
            const outcome = await validateWith(utils(door, setup), twin);
            if (outcome.verdict !== "accepted") {
                complaints.push(`${id}: its twin is not accepted: ${door.name} ${brief(outcome)}`);
            }
        }
        const found = complaint(await compare(validateCase));
        if (found !== undefined) {
            complaints.push(found);
        }
    }
    expect(complaints.join("\n")).toBe("");
}

describe("validateAndDecodeAccessToken", () => {
    test("A, B, C, D, E, F, N: access tokens, each with one thing changed", {
        timeout: 120_000
    }, async () => {
        const cases = tokenCases(f, NOW);
        expect(cases.length).toBeGreaterThan(500);
        await runValidateCases(cases);
    });

    test("J, K, L, N: DPoP proofs, each with one thing changed", { timeout: 120_000 }, async () => {
        const cases = await proofCases(f, NOW);
        expect(cases.length).toBeGreaterThan(300);
        await runValidateCases(cases);
    });

    test("Q11: parameters of the wrong type, as a program without types may pass them", async () => {
        const accessToken = f.token(NOW);
        const odd: Record<string, unknown> = {
            "token number": { scheme: "Bearer", accessToken: 1, rejectIfAccessTokenDPoPBound: true },
            "token absent": { scheme: "Bearer", rejectIfAccessTokenDPoPBound: true },
            "token null": { scheme: "Bearer", accessToken: null, rejectIfAccessTokenDPoPBound: true },
            "token object": { scheme: "Bearer", accessToken: {}, rejectIfAccessTokenDPoPBound: true },
            "proof absent": { scheme: "DPoP", accessToken: f.boundToken(NOW) },
            "scheme unknown": { scheme: "bearer", accessToken, rejectIfAccessTokenDPoPBound: true },
            "scheme absent": { accessToken, rejectIfAccessTokenDPoPBound: true },
            "reject absent, unbound": { scheme: "Bearer", accessToken },
            "reject absent, bound": { scheme: "Bearer", accessToken: f.boundToken(NOW) },
            "reject zero, bound": {
                scheme: "Bearer",
                accessToken: f.boundToken(NOW),
                rejectIfAccessTokenDPoPBound: 0
            },
            "params absent": undefined,
            "params null": null
        };
        await runValidateCases(
            Object.entries(odd).map(([name, params]) => ({
                id: `params/${name}`,
                params: params as Params,
                twin: bearer(accessToken)
            }))
        );
    });

    test("the clock: exp and the proof's window follow Date, as it moves", async () => {
        const accessToken = f.boundToken(NOW, { exp: NOW + 100 });
        const complaints = [];
        const verdicts = [];
        for (const seconds of [0, 39, 40, 40.999, 41, 99, 99.999, 100]) {
            vi.setSystemTime(Math.round((NOW + seconds) * 1000));
            const dpopProof = f.proof(NOW, accessToken);
            const params: Params = {
                scheme: "DPoP",
                accessToken,
                dpopProof,
                expectedHtm: "GET",
                expectedHtu: "https://api.example.com/v1/items"
            };
            const difference = await compare({ id: `clock/${seconds}`, params, twin: params });
            verdicts.push(difference.ours.verdict);
            const found = complaint(difference);
            if (found !== undefined) {
                complaints.push(found);
            }
        }
        vi.setSystemTime(NOW * 1000);
        expect(complaints.join("\n")).toBe("");
        expect(verdicts).toContain("accepted");
        expect(verdicts.at(-1)).toBe("refused");
    });
});

test("I, K: extractRequestAuthContext, five shapes with every header in every form", () => {
    const cases = requestCases();
    expect(cases.length).toBeGreaterThan(500);
    expect(new Set(cases.map(({ id }) => id)).size, "an id stands for one case").toBe(cases.length);
    const complaints = [];
    for (const { id, ...params } of cases) {
        const [theirs, ours] = doors.map(door => extractWith(door, params)) as [Outcome, Outcome];
        const found = complaint({ id, theirs, ours });
        if (found !== undefined) {
            complaints.push(found);
        }
    }
    expect(complaints.join("\n")).toBe("");
});

test("G: JWK Sets, each with one thing changed", { timeout: 120_000 }, async () => {
    const complaints = [];
    for (const { id, keys, token } of keySetCases(NOW)) {
        const issuer = await startLocalIssuer({ keys });
        issuers.push(issuer);
        const params = bearer(token(issuer.issuerUri));
        const outcomes = [];
        for (const door of doors) {
            const made = door.createUtils(false);
            const bootstrapped = await made
                .bootstrapAuth({
                    implementation: "real",
                    issuerUri: issuer.issuerUri,
                    expectedAudience: AUDIENCE
                })
                .then(
                    () => true,
                    () => false
                );
            outcomes.push(
                bootstrapped
                    ? await validateWith(made, params)
                    : ({ verdict: "not started" } satisfies Outcome)
            );
        }
        const [theirs, ours] = outcomes as [Outcome, Outcome];
        const found = complaint({ id, theirs, ours });
        if (found !== undefined) {
            complaints.push(found);
        }
    }
    expect(complaints.join("\n")).toBe("");
});

const wycheproofDir =
    process.env["WYCHEPROOF_DIR"] ??
    fileURLToPath(new URL("../../../shared/vectors/wycheproof", import.meta.url));
const wycheproofFile = `${wycheproofDir}/json_web_signature_test.json`;
const hasWycheproof = existsSync(wycheproofFile);

test.skipIf(!hasWycheproof)(
    `D1: Wycheproof's JWS vectors${hasWycheproof ? "" : " (skipped: set WYCHEPROOF_DIR to the folder of its files)"}`,
    { timeout: 120_000 },
    async () => {
        const { testGroups } = JSON.parse(readFileSync(wycheproofFile, "utf8")) as {
            testGroups: readonly {
                public?: Record<string, unknown>;
                tests: readonly { tcId: number; jws: unknown }[];
            }[];
        };
        const complaints = [];
        let count = 0;
        for (const group of testGroups) {
            if (group.public === undefined) {
                continue; // symmetric: there is no public key to serve
            }
            // Both doors look a key up by its kid: one that has none gets one.
            const issuer = await startLocalIssuer({ keys: [{ kid: "none", ...group.public }] });
            issuers.push(issuer);
            const made = [];
            for (const door of doors) {
                const utils = door.createUtils(false);
                const params = {
                    implementation: "real",
                    issuerUri: issuer.issuerUri,
                    expectedAudience: AUDIENCE
                } as const;
                made.push(
                    await utils.bootstrapAuth(params).then(
                        () => utils,
                        () => undefined
                    )
                );
            }
            for (const { tcId, jws } of group.tests) {
                const accessToken = typeof jws === "string" ? jws : JSON.stringify(jws);
                const outcomes = [];
                for (const utils of made) {
                    outcomes.push(
                        utils === undefined
                            ? ({ verdict: "not started" } satisfies Outcome)
                            : await validateWith(utils, bearer(accessToken))
                    );
                }
                count++;
                const [theirs, ours] = outcomes as [Outcome, Outcome];
                if (ours.verdict === "accepted") {
                    complaints.push(`wycheproof/${tcId}: accepted`);
                }
                const found = complaint({ id: `wycheproof/${tcId}`, theirs, ours });
                if (found !== undefined) {
                    complaints.push(found);
                }
            }
        }
        expect(count).toBeGreaterThan(300);
        expect(complaints.join("\n")).toBe("");
    }
);

test("no intended difference is stale", () => {
    const unmatched = INTENDED_DIFFERENCES.filter(
        entry =>
            !entriesThatMatched.has(entry) &&
            (hasWycheproof || !entry.cases.every(({ source }) => /wycheproof/.test(source)))
    );
    expect(unmatched.map(({ id }) => id)).toEqual([]);
});
