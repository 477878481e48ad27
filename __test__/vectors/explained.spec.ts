// `explain` and `validateRequest` name the same refusal, in the same words, for every vector under options that no vector has.

import { createValidator, type ValidatorOptions } from "oidc-spa-native";
import { expect, test } from "vitest";
import { issuersOf, keySet, nodeRequest, vectors, type Vector } from "./vectors.js";

const rejecting = {
    parse: () => {
        throw new Error("not these claims");
    }
};

/** Options beside or in the place of a vector's own. */
const CHANGES: readonly Readonly<Record<string, unknown>>[] = [
    {},
    { profile: "rfc9068" },
    { dpop: "required" },
    { dpop: "disabled", nonce: undefined, proofAlgorithms: undefined },
    { certificate: "required", clientCertificate: undefined },
    { senderConstrained: "required", clientCertificate: undefined },
    { maxTokenAgeSeconds: 30 },
    { nonce: "required", nonceSecret: undefined },
    { acceptIdTokens: true, profile: undefined },
    { optionalClaims: ["sub", "iat"], profile: undefined, maxTokenAgeSeconds: undefined },
    { publicBaseUrl: "https://other.example", trustProxy: undefined, trustProxyPrefix: undefined },
    { limits: { accessTokenBytes: 1024 } },
    { claims: rejecting },
    { ofIssuer: { algorithms: ["PS512"] } },
    { ofIssuer: { expectedClients: ["nobody"] } },
    { ofIssuer: { audienceMode: "only" } },
    { ofIssuer: { expectedAudience: () => false } }
];

const staying = (vector: Vector): boolean => vector.steps.every(({ keys }) => keys === undefined);

/** The validator, or nothing where the options contradict each other. */
function validatorOf(vector: Vector, changes: Readonly<Record<string, unknown>>, clock: { now: number }) {
    const { issuers: _, algorithms, ...ofVector } = vector.configuration ?? {};
    const { ofIssuer = {}, ...others } = changes;
    const issuers = issuersOf(vector).map(({ issuer, audience, keys }) => ({
        issuerUri: issuer,
        expectedAudience: audience,
        ...(algorithms && { algorithms }),
        keys: { jwks: keySet(keys) },
        ...(ofIssuer as object)
    }));
    const options = { ...ofVector, ...others, issuers, clock: () => clock.now * 1000 };
    try {
        return createValidator(options as unknown as ValidatorOptions<unknown>);
    } catch {
        return undefined;
    }
}

test.each(
    CHANGES.map(
        (changes, i) =>
            [`${i}: ${Object.keys({ ...changes, ...(changes["ofIssuer"] as object) })}`, changes] as const
    )
)("%s", async (_, changes) => {
    const complaints: string[] = [];
    let [judged, refused] = [0, 0];
    for (const vector of vectors.filter(staying)) {
        const clock = { now: 0 };
        const validator = validatorOf(vector, changes, clock);
        for (const { time, request } of validator === undefined ? [] : vector.steps) {
            clock.now = time;
            const asked = nodeRequest(request);
            const explained = await validator?.explain(asked);
            const verdict = await validator?.validateRequest(asked);
            const said =
                verdict?.isSuccess === false
                    ? { code: verdict.code, debugErrorMessage: verdict.debugErrorMessage }
                    : null;
            judged++;
            refused += said === null ? 0 : 1;
            if (JSON.stringify(explained?.refusal) !== JSON.stringify(said)) {
                complaints.push(`${vector.id}: ${JSON.stringify([explained?.refusal, said])}`);
            }
        }
    }
    expect(complaints).toEqual([]);
    expect(judged).toBeGreaterThan(150);
    expect(refused).toBeGreaterThan(50);
});
