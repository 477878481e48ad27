import { DurableObject, env } from "cloudflare:workers";
import type { CustomReplayStore } from "oidc-spa-native";

/** Expired proofs are deleted together, at most once in this time. */
const DELETE_EVERY_MS = 60_000;

/** Remembers the proofs of one shard. All isolates ask the same object, and it answers one after the other. */
export class ProofShard extends DurableObject {
    constructor(state: DurableObjectState, env: Env) {
        super(state, env);
        state.storage.sql.exec(
            "CREATE TABLE IF NOT EXISTS proofs (key TEXT PRIMARY KEY, expires_at INTEGER NOT NULL) WITHOUT ROWID"
        );
    }

    async checkAndStore(key: string, expiresAt: number): Promise<boolean> {
        const { sql } = this.ctx.storage;
        const stored = sql
            .exec(
                "INSERT INTO proofs VALUES (?, ?) ON CONFLICT DO NOTHING RETURNING key",
                key,
                Math.ceil(expiresAt)
            )
            .toArray();
        if ((await this.ctx.storage.getAlarm()) === null) {
            await this.ctx.storage.setAlarm(Date.now() + DELETE_EVERY_MS);
        }
        return stored.length === 1;
    }

    override async alarm(): Promise<void> {
        const { sql } = this.ctx.storage;
        sql.exec("DELETE FROM proofs WHERE expires_at < ?", Date.now());
        if (sql.exec("SELECT 1 FROM proofs LIMIT 1").toArray().length === 1) {
            await this.ctx.storage.setAlarm(Date.now() + DELETE_EVERY_MS);
        }
    }
}

/** 64 shards: the first character of a key is one of base64url. */
export const replayStore: CustomReplayStore = {
    checkAndStore: async (key, expiresAt) =>
        await env.PROOFS.getByName(key.slice(0, 1)).checkAndStore(key, expiresAt),
    // An object that sleeps takes longer than the default of 250 ms to wake.
    timeoutMs: 2000
};
