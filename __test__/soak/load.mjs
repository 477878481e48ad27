// Two streams of requests at fixed rates: clients with good tokens, and attackers.

import { randomBytes } from "node:crypto";

const TICK_MS = 10;
/** Requests under way at most, in each stream. */
const MOST_UNDER_WAY = 2_000;
/** An answer of the issuer is with the validator long before this. */
const WITHDRAWAL_MS = 2_000;

/**
 * Clients: every other token is used at once, and the others `heldMs` later.
 *
 * @param {{ issuer: object, validator: object, perSecond: number, heldMs: number, now: () => number }} options
 */
export function clients({ issuer, validator, perSecond, heldMs, now }) {
    const held = [];
    const latencies = [];
    const stream = makeStream(perSecond, now, async number => {
        const fresh = signed();
        if (number % 2 === 0) {
            return ask(fresh);
        }
        held.push(fresh);
        return ask(held[0].at + heldMs <= now() ? held.shift() : signed());
    });

    function signed() {
        const key = issuer.signer();
        return { at: now(), key, text: issuer.token(key) };
    }

    async function ask(token) {
        let current = token;
        // The issuer has given new tokens to the clients of a key that it withdrew.
        while (!issuer.isPublished(current.key)) {
            current = signed();
        }
        const begun = performance.now();
        const verdict = await validator.validateRequest({ authorization: `Bearer ${current.text}` });
        latencies.push(performance.now() - begun);
        return verdict;
    }

    return { ...stream, latencies };
}

/**
 * Attackers: tokens with a random `kid`; with the right `kid` and a wrong signature; and, where there is one, signed
 * with a key that the issuer has withdrawn and that the validator must know to be withdrawn.
 */
export function attackers({ issuer, validator, perSecond, withdrawn, isQuiet, now }) {
    return makeStream(perSecond, now, async number => {
        if (isQuiet(now())) {
            return undefined;
        }
        const token = tokenOf(number);
        return validator.validateRequest({ authorization: `Bearer ${token}` });
    });

    function tokenOf(number) {
        const stolen = withdrawn.filter(key => issuer.missingSince(key) < now() - WITHDRAWAL_MS).at(-1);
        if (number % 10 === 0 && stolen !== undefined) {
            return issuer.token(stolen);
        }
        return issuer.forged(number % 10 === 5 ? issuer.signer() : randomBytes(12).toString("base64url"));
    }
}

/** Sends `perSecond` requests a second, evenly, and counts their verdicts for every second of the run. */
function makeStream(perSecond, now, send) {
    const seconds = [];
    const failures = [];
    let timer;
    let sent = 0;
    let underWay = 0;
    let notSent = 0;

    const secondAt = at => {
        const index = Math.floor(at / 1000);
        while (seconds.length <= index) {
            seconds.push({ asked: 0, granted: 0, refused: {} });
        }
        return seconds[index];
    };

    async function one(number) {
        underWay += 1;
        // Counted where it was asked: those who waited for the issuer got their answers in one burst.
        const begun = now();
        try {
            const verdict = await send(number);
            if (verdict === undefined) {
                return;
            }
            const second = secondAt(begun);
            second.asked += 1;
            if (verdict.isSuccess) {
                second.granted += 1;
            } else {
                second.refused[verdict.code] = (second.refused[verdict.code] ?? 0) + 1;
                if (failures.length < 20) {
                    failures.push({ at: now(), code: verdict.code, message: verdict.debugErrorMessage });
                }
            }
        } catch (error) {
            const second = secondAt(begun);
            second.asked += 1;
            second.refused.thrown = (second.refused.thrown ?? 0) + 1;
            failures.push({ at: now(), code: "thrown", message: String(error) });
        } finally {
            underWay -= 1;
        }
    }

    return {
        seconds,
        /** The first refusals, in words. */
        failures,
        notSent: () => notSent,
        start() {
            timer = setInterval(() => {
                const due = Math.floor((now() / 1000) * perSecond);
                for (; sent < due; sent += 1) {
                    if (underWay < MOST_UNDER_WAY) {
                        one(sent);
                    } else {
                        notSent += 1;
                    }
                }
            }, TICK_MS);
        },
        async stop() {
            clearInterval(timer);
            while (underWay > 0) {
                await new Promise(resolve => setTimeout(resolve, TICK_MS));
            }
        },
        totals() {
            const refused = {};
            for (const second of seconds) {
                for (const [code, count] of Object.entries(second.refused)) {
                    refused[code] = (refused[code] ?? 0) + count;
                }
            }
            const sum = name => seconds.reduce((total, second) => total + second[name], 0);
            return { asked: sum("asked"), granted: sum("granted"), refused };
        }
    };
}
