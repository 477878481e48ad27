// What happens to the issuer, and when: states that follow each other, and rotations of its signing key.

import { RETRY } from "./policy.mjs";

/** The states an issuer can be in: what a person reads in the plot, and whether it answers as it should. */
export const STATES = {
    good: { title: "good", isGood: true },
    unavailable: { title: "503, Retry-After", isGood: false },
    error: { title: "500", isGood: false },
    html: { title: "HTML page", isGood: false },
    empty: { title: "empty set", isGood: false },
    garbage: { title: "garbage", isGood: false },
    silent: { title: "silent", isGood: false },
    down: { title: "down", isGood: false }
};

/** Seconds of a run of ten minutes; other runs are stretched or shortened. */
const PHASES = [
    ["good", 60],
    ["unavailable", 20],
    ["good", 45],
    ["error", 20],
    ["good", 45],
    ["html", 12],
    ["empty", 12],
    ["garbage", 12],
    ["good", 40],
    ["silent", 24],
    ["good", 100],
    ["down", 80],
    ["good", 130]
];

/** While attackers are about, their tokens have the keys refetched all the time, and no scheduled refresh is due. */
const QUIET = [295, 375];

/**
 * When a new key is published. It signs after the cool-down and a little; `signsAfter` says otherwise. `emergency`: it
 * signs at once, and its predecessor is withdrawn at once; only a refetch finds it.
 */
const ROTATIONS = [
    { at: 15 },
    { at: 82 },
    { at: 147 },
    { at: 228 },
    { at: 310, emergency: true },
    // Published before the issuer goes down, and signing while it is.
    { at: 371, signsAfter: 30 },
    { at: 472 }
];

const TOTAL = PHASES.reduce((sum, [, seconds]) => sum + seconds, 0);

/** The script for a run of this length. All times in milliseconds from its beginning. */
export function scriptFor(runMs) {
    const scaled = seconds => Math.round((seconds * runMs) / TOTAL);
    let begin = 0;
    const phases = PHASES.map(([state, seconds]) => {
        const phase = { state, ...STATES[state], from: scaled(begin), to: scaled(begin + seconds) };
        begin += seconds;
        if (state === "unavailable") {
            // Long enough to hold back a retry that would have come, short enough to end within the phase.
            const share = Math.floor((phase.to - phase.from) / 2000);
            phase.retryAfterSeconds = Math.min(Math.max(share, 1), RETRY.mostMs / 1000);
        }
        return phase;
    });
    return {
        phases,
        quiet: QUIET.map(scaled),
        rotations: ROTATIONS.map(({ at, signsAfter, emergency = false }) => ({
            at: scaled(at),
            signsAfterMs: signsAfter && scaled(signsAfter),
            emergency
        }))
    };
}
