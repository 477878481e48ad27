// A process of its own: one library, some validations, and what it holds afterwards.

import { collectGarbage } from "./garbage.mjs";
import { PEERS } from "./peers/index.mjs";

process.once("message", async ({ id, context, items }) => {
    const before = held();
    const peer = PEERS.find(peer => peer.id === id);
    const { prepare, verify } = await peer.make(context);
    const started = held();
    for (const item of items) {
        const claims = await verify(prepare(item));
        if (claims?.jti !== item.jti) {
            throw new Error(`${id} gave a wrong answer`);
        }
    }
    const after = held();
    process.send({ before, started, after });
    process.disconnect();
});

/** Resident and heap, in bytes, without garbage. */
function held() {
    collectGarbage();
    collectGarbage();
    const { rss, heapUsed, external } = process.memoryUsage();
    return { rss, heap: heapUsed + external };
}
