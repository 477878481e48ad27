// Rotates the issuer's key as a careful operator does: published first, then signing, then withdrawn.

/** Time for a fetch to end, on top of the cool-down within which a flood lets a new key be found. */
const MARGIN_MS = 3_000;

/**
 * Rotations that wait for their turn. A new key is published only while the issuer answers and has been asked since it
 * last did not: an operator does not rotate in the middle of a disturbance. One whose turn does not come is skipped.
 *
 * @param {{ issuer: object, phases: object[], rotations: object[], cooldownMs: number, heldMs: number,
 *     now: () => number }} options - `heldMs`: how long clients hold a token before they use it
 */
export function rotationsOf({ issuer, phases, rotations, cooldownMs, heldMs, now }) {
    const marks = [];
    const withdrawn = [];
    const waiting = [...rotations];
    let skipped = 0;
    let steps = [];

    const mark = (what, kid) => marks.push({ at: now(), what, kid });
    const sign = key => {
        issuer.signWith(key);
        mark("signs", key);
    };
    const withdraw = key => {
        issuer.withdraw(key);
        withdrawn.push(key);
        mark("withdrawn", key);
    };

    function begin({ emergency, signsAfterMs = cooldownMs + MARGIN_MS }) {
        const old = issuer.signer();
        const key = issuer.publishKey();
        mark("published", key);
        if (emergency) {
            sign(key);
            withdraw(old);
            return;
        }
        const signsAt = now() + signsAfterMs;
        steps = [
            { at: signsAt, take: () => sign(key) },
            { at: signsAt + heldMs + MARGIN_MS, take: () => withdraw(old) }
        ];
    }

    function isTooLate(rotation, phase) {
        // The new key must be found before the issuer fails again. A lead of its own is the script's business.
        const lead = rotation.emergency || rotation.signsAfterMs !== undefined ? 0 : cooldownMs + MARGIN_MS;
        return now() > phase.to - lead;
    }

    return {
        /** What was done, and when. */
        marks,
        /** Keys that are withdrawn: whoever still has one is an attacker. */
        withdrawn,
        skipped: () => skipped,

        /** Does what is due. To be called often, one call after the other. */
        advance() {
            if (steps.length > 0) {
                if (now() >= steps[0].at) {
                    steps.shift().take();
                }
                return;
            }
            const [next] = waiting;
            if (next === undefined || now() < next.at) {
                return;
            }
            const phase = phases.find(({ from, to }) => from <= next.at && next.at < to);
            if (isTooLate(next, phase)) {
                waiting.shift();
                skipped += 1;
            } else if (issuer.lastGoodAnswer() > phase.from) {
                waiting.shift();
                begin(next);
            }
        }
    };
}
