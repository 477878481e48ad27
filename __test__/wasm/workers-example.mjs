// The Worker of examples/workers, and beside it what it is compared with: no store, KV, and objects that fail.

import { DurableObject, env } from "cloudflare:workers";
import { createValidator } from "oidc-spa-native";
import { protect } from "oidc-spa-native/fetch";
import { ProofShard } from "./src/replay-store.js";
import example from "./src/worker.js";

export { ProofShard };

const issuer = { issuerUri: env.OIDC_ISSUER_URI, expectedAudience: env.OIDC_AUDIENCE };
const greet = () => new Response("granted");

const withoutStore = protect(createValidator(issuer), {}, greet);

/** The nearest that KV has to an atomic step. BARRIER answers when two have found nothing. */
const withKv = protect(
    createValidator({
        ...issuer,
        replayStore: {
            timeoutMs: 10_000,
            checkAndStore: async key => {
                if ((await env.SEEN.get(key)) !== null) {
                    return false;
                }
                await env.BARRIER.fetch("https://barrier.example/");
                await env.SEEN.put(key, "1", { expirationTtl: 360 });
                return true;
            }
        }
    }),
    {},
    greet
);

/** The example's object, with its alarm as a call. */
export class WatchedShard extends ProofShard {
    async isAlarmSet() {
        return (await this.ctx.storage.getAlarm()) !== null;
    }

    async afterAlarm() {
        await this.ctx.storage.deleteAlarm();
        await this.alarm();
        const keys = this.ctx.storage.sql.exec("SELECT key FROM proofs").toArray();
        return { keys: keys.map(({ key }) => key), isAlarmSet: await this.isAlarmSet() };
    }
}

export class ThrowingShard extends DurableObject {
    checkAndStore() {
        throw new Error("a secret of the object");
    }
}

export class SilentShard extends DurableObject {
    async checkAndStore() {
        await scheduler.wait(600_000);
        return true;
    }
}

/** It grants in a way that nobody agreed on. */
export class OddShard extends DurableObject {
    checkAndStore() {
        return "true";
    }
}

export class LostShard extends DurableObject {
    checkAndStore() {
        this.ctx.abort("evicted");
        return true;
    }
}

export default {
    async fetch(asked, bindings, context) {
        // Miniflare has put the address of its own server in the place of the client's field.
        const request = new Request(asked);
        request.headers.set("host", new URL(asked.url).host);
        switch (new URL(request.url).pathname) {
            case "/without-store":
                return withoutStore(request);
            case "/kv":
                return withKv(request);
            case "/alarm": {
                const shard = bindings.PROOFS.getByName("alarm");
                const stored = [
                    await shard.checkAndStore("old", Date.now() - 1000),
                    await shard.checkAndStore("new", Date.now() + 600_000),
                    await shard.checkAndStore("new", Date.now() + 600_000)
                ];
                return Response.json({
                    stored,
                    isAlarmSet: await shard.isAlarmSet(),
                    after: await shard.afterAlarm()
                });
            }
            default:
                return example.fetch(request, bindings, context);
        }
    }
};
