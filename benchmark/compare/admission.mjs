// Whether a library may be timed: it must accept good requests, tell whose they are, and refuse each bad one.

/**
 * @param {import("./peers/index.mjs").Subject} subject
 * @returns {Promise<{ refused?: string, notes: string[] }>} `refused`: why it is not timed
 */
export async function admit(subject, { good, bad, dpop }) {
    for (const item of good) {
        const { claims, error } = await ask(subject, item);
        if (claims?.jti !== item.jti) {
            return {
                refused: `refuses a good request: ${error?.message ?? "it gives no claims"}`.slice(0, 200),
                notes: []
            };
        }
    }
    for (const { what, ...item } of bad) {
        const { claims } = await ask(subject, item);
        if (claims !== undefined) {
            return { refused: `accepts ${what}`, notes: [] };
        }
    }
    const replayed = dpop ? await ask(subject, good[0]) : {};
    return { notes: replayed.claims === undefined ? [] : ["does not remember proofs"] };
}

async function ask({ prepare, verify }, item) {
    try {
        return { claims: (await verify(prepare(item))) ?? undefined };
    } catch (error) {
        return { error };
    }
}
