// The same mutated requests to all engines, and a reason for each disagreement.

import { xoroshiro128plus } from "pure-rand/generator/xoroshiro128plus";
import { uniformInt } from "pure-rand/distribution/uniformInt";
import { createTestIssuer } from "oidc-spa-native/testing";
import { goodDraft, KEYS, NOW, requestOf } from "./drafts.mjs";
import { createEngines } from "./engines.mjs";
import { mutate } from "./mutations.mjs";
import { REASONS } from "./reasons.mjs";

export const OURS = "oidc-spa-native";

/** The clock of this process stands at the time of the requests until the function ends. */
async function withClock(run) {
    const { Date: real } = globalThis;
    globalThis.Date = class extends real {
        constructor(...parameters) {
            super(...(parameters.length === 0 ? [NOW * 1000] : parameters));
        }
        static now() {
            return NOW * 1000;
        }
    };
    try {
        return await run();
    } finally {
        globalThis.Date = real;
    }
}

/** The request of a seed and a number, with the names of its mutations. Without mutations it is good. */
export function caseOf(issuer, seed, number, isMutated = true) {
    const random = xoroshiro128plus(Math.imul(seed, 0x9e3779b1) ^ number);
    for (let i = 0; i < 8; i++) {
        uniformInt(random, 0, 1);
    }
    const pick = count => uniformInt(random, 0, count - 1);
    const draft = goodDraft(issuer, pick(2) === 0, `${seed}-${number}-${isMutated}`);
    const mutations = isMutated ? mutate(draft, pick) : [];
    return { request: requestOf(draft), mutations, mustRefuse: draft.mustRefuse === true };
}

/** Whether a reason explains what an engine and this library said of a case. */
export function explains(reason, { engine, ours, theirs, mutations }) {
    const refusal = reason.here === "refused" ? ours : theirs;
    return (
        (reason.here === "refused") === (ours !== undefined) &&
        [reason.engines].flat().includes(engine) &&
        reason.refusal.test(refusal) &&
        mutations.some(name => reason.mutations.test(name))
    );
}

/**
 * Runs cases.
 *
 * @returns how many agreed, how often each reason explained a disagreement, and complaints about the others
 */
export function compare({ count, seed, first = 0, onProgress = () => undefined }) {
    return withClock(async () => {
        const issuer = await createTestIssuer({ keys: [KEYS.issuer, KEYS["issuer-rsa"]] }).listen();
        const reasons = new Map(REASONS.map(({ id }) => [id, new Map()]));
        const summary = { count, seed, granted: 0, agreed: 0, reasons, complaints: [], mutations: new Map() };
        try {
            const engines = await createEngines(issuer.issuerUri, issuer.jwks);
            for (let number = first; number < first + count; number++) {
                await one(engines, issuer, seed, number, summary);
                if ((number + 1) % 1000 === 0) {
                    onProgress(number + 1 - first, summary);
                }
            }
            return summary;
        } finally {
            await issuer.close();
        }
    });
}

async function answersOf(engines, request) {
    const names = Object.keys(engines);
    const answers = await Promise.all(names.map(name => engines[name](request)));
    return Object.fromEntries(names.map((name, i) => [name, answers[i]]));
}

async function one(engines, issuer, seed, number, summary) {
    const complain = text => summary.complaints.push(`--seed ${seed} --first ${number} --count 1: ${text}`);
    // The positive twin, now and then: engines that refuse everything agree on everything.
    if (number % 100 === 0) {
        const twin = await answersOf(engines, caseOf(issuer, seed, number, false).request);
        for (const [engine, answer] of Object.entries(twin)) {
            if (answer !== undefined) {
                complain(`the good request is refused by ${engine}: ${answer}`);
            }
        }
    }
    const { request, mutations, mustRefuse } = caseOf(issuer, seed, number);
    const { [OURS]: ours, ...others } = await answersOf(engines, request);
    for (const name of mutations) {
        summary.mutations.set(name, (summary.mutations.get(name) ?? 0) + 1);
    }
    summary.granted += ours === undefined ? 1 : 0;
    if (mustRefuse && ours === undefined) {
        complain(`granted, and nobody signed it: ${mutations.join(" + ")}`);
    }
    let agreed = true;
    for (const [engine, theirs] of Object.entries(others)) {
        if ((ours === undefined) === (theirs === undefined)) {
            continue;
        }
        agreed = false;
        const reason = REASONS.find(reason => explains(reason, { engine, ours, theirs, mutations }));
        if (reason === undefined) {
            const here =
                ours === undefined
                    ? `granted here, ${engine}: ${theirs}`
                    : `granted by ${engine}, here: ${ours}`;
            complain(`${mutations.join(" + ")}: ${here}`);
            continue;
        }
        const counts = summary.reasons.get(reason.id);
        counts.set(engine, (counts.get(engine) ?? 0) + 1);
    }
    summary.agreed += agreed ? 1 : 0;
}
