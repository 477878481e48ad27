// What there may be much of: remembered proofs, keys, issuers.

import { AUDIENCE, TARGET } from "../compare/cases.mjs";
import { validating } from "../compare/peers/ours.mjs";
import { accessToken, newIssuer } from "../compare/signing.mjs";
import { requestsOfASize } from "./flat.mjs";

/** Proofs are spread over as many seconds: how old they may be at the most. */
const WINDOW_SECONDS = 300;

/** More than this takes too long to be done again and again. */
const MOST_FILLED_ANEW = 1_000;

const FILL_BATCH = 2_500;
/** Requests under way while the memory is filled. */
const FILL_TOGETHER = 500;
const PROGRESS_PROOFS = 100_000;

/** Proofs that are still live: what the replay memory holds. */
export const LIVE_PROOFS = {
    id: "proofs",
    title: "live DPoP proofs in the replay memory",
    sizes: [10, 1_000, 100_000, 1_000_000]
};
export const KEYS = { id: "keys", title: "keys in the issuer's JWK Set", sizes: [1, 10, 100] };
export const ISSUERS = { id: "issuers", title: "issuers of one validator", sizes: [1, 10, 100, 1_000] };

/**
 * The clock of each of these validators moves only when it is told to, so that nothing expires; and who has a clock of
 * its own has a replay memory of its own, so that each size can be measured beside the others. They are filled as clients
 * would: by good requests. Small ones are filled anew for each slice, behind proofs that all expired. In the greatest one
 * what is measured counts: it holds just as many at the end.
 */
export async function proofsOf(sizes, { ask, issuers, plan, show }) {
    const { issuerUri, jwk, algorithm } = issuers.find(({ name }) => name === "es256");
    // Once, so that the clients have their tokens before the clocks stand still.
    await ask("proofs", { issuer: "es256", count: 1 });
    const filled = [];
    for (const size of sizes) {
        let [now, second] = [Date.now(), 0];
        const items = count => {
            second = (second + 1) % WINDOW_SECONDS;
            return ask("proofs", {
                issuer: "es256",
                count,
                change: { iat: Math.floor(now / 1000) - second }
            });
        };
        const subject = await validating(
            {
                issuerUri,
                expectedAudience: AUDIENCE,
                algorithms: [algorithm],
                keys: { jwks: { keys: [jwk] } },
                proofMaxAgeSeconds: WINDOW_SECONDS,
                clock: () => now
            },
            TARGET
        );
        if (size <= MOST_FILLED_ANEW) {
            const renew = () => {
                now += 2 * WINDOW_SECONDS * 1000;
                return fill(subject, items, size, show);
            };
            filled.push({ size, subject, items, renew });
        } else {
            await fill(subject, items, size - requestsOfASize(plan), show);
            filled.push({ size, subject, items });
        }
    }
    return filled;
}

async function fill({ prepare, verify }, items, count, show) {
    const begun = performance.now();
    let coming = items(Math.min(FILL_BATCH, count));
    for (let done = 0, shown = 0; done < count; ) {
        const batch = await coming;
        const left = count - done - batch.length;
        coming = left > 0 ? items(Math.min(FILL_BATCH, left)) : undefined;
        for (let from = 0; from < batch.length; from += FILL_TOGETHER) {
            const now = batch.slice(from, from + FILL_TOGETHER);
            const claims = await Promise.all(now.map(item => verify(prepare(item))));
            const wrong = claims.filter((claims, i) => claims?.jti !== now[i].jti).length;
            if (wrong > 0) {
                throw new Error(`${wrong} proofs were refused while the replay memory was filled`);
            }
        }
        done += batch.length;
        if (done - shown >= PROGRESS_PROOFS) {
            shown = done;
            show(
                `filled with ${done} of ${count} proofs in ${Math.round((performance.now() - begun) / 1000)} s`
            );
        }
    }
}

/** The keys are given to the validator: what is measured is how one of them is found, not how they are fetched. */
export function keysOf(sizes) {
    return Promise.all(
        sizes.map(async size => {
            const keys = Array.from({ length: size }, () => newIssuer("es256").key);
            const issuerUri = "https://auth.example.com";
            const subject = await validating(
                { ...issuerOptions(issuerUri, keys), verifiedTokenMemory: false },
                TARGET
            );
            return { size, subject, items: tokensOf(keys.map(key => ({ key, issuerUri }))) };
        })
    );
}

export function issuersOf(sizes) {
    return Promise.all(
        sizes.map(async size => {
            const signers = Array.from({ length: size }, (_, i) => ({
                key: newIssuer("es256").key,
                issuerUri: `https://auth.example.com/realms/tenant-${i}`
            }));
            const issuers = signers.map(({ key, issuerUri }) => issuerOptions(issuerUri, [key]));
            const subject = await validating({ issuers, verifiedTokenMemory: false }, TARGET);
            return { size, subject, items: tokensOf(signers) };
        })
    );
}

function issuerOptions(issuerUri, keys) {
    return {
        issuerUri,
        expectedAudience: AUDIENCE,
        algorithms: ["ES256"],
        keys: { jwks: { keys: keys.map(({ jwk }) => jwk) } }
    };
}

/** Tokens of all signers, by turns, spread over the whole list even where there are fewer tokens than signers. */
function tokensOf(signers) {
    return count =>
        Promise.all(
            Array.from({ length: count }, (_, i) => {
                const { key, issuerUri } = signers[Math.floor((i * signers.length) / count)];
                return accessToken({ key, issuerUri, audience: AUDIENCE });
            })
        );
}
