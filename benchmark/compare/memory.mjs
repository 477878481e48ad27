// What each library holds: in processes of their own, since in one process nobody can tell whose memory it is.

import { fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { AUDIENCE, TARGET } from "./cases.mjs";
import { PEERS } from "./peers/index.mjs";

const ISSUER = "rs256";
const VALIDATIONS = 5_000;

/** @returns {Promise<object[]>} bytes: `start` by loading and starting it, `use` by distinct tokens after that */
export async function measureMemory({ options, ask, issuers, show }) {
    const { issuerUri, jwk, algorithm } = issuers.find(({ name }) => name === ISSUER);
    const context = { issuerUri, jwk, audience: AUDIENCE, algorithm, dpop: false, target: TARGET };
    const items = await ask("tokens", { issuer: ISSUER, count: Math.round(VALIDATIONS * options.share) });
    const measured = [];
    for (const { id, title, role } of PEERS.filter(
        ({ id, role }) => options.peers.includes(id) && role !== "harness"
    )) {
        const child = fork(fileURLToPath(new URL("memory-subject.mjs", import.meta.url)), {
            stdio: "inherit"
        });
        child.send({ id, context, items });
        const ended = once(child, "exit").then(([code]) =>
            Promise.reject(new Error(`${title}: memory, ended with ${code}`))
        );
        // The process ends behind its answer, too.
        ended.catch(() => undefined);
        const [{ before, started, after }] = await Promise.race([once(child, "message"), ended]);
        measured.push({
            peer: id,
            title,
            role,
            validations: items.length,
            start: { rss: started.rss - before.rss, heap: started.heap - before.heap },
            use: { rss: after.rss - started.rss, heap: after.heap - started.heap }
        });
    }
    show(`memory after ${items.length} validations: measured for ${measured.length} libraries`);
    return measured;
}
