// What the issuer remembers (sessions, grants, refresh tokens), in memory: it outlives new keys, and ends with the process.

const entries = new Map();
const idOfUid = new Map();

/** As oidc-provider asks for it: one for each kind of thing. */
export class Memory {
    constructor(kind) {
        this.kind = kind;
    }

    async upsert(id, payload, seconds = Number.POSITIVE_INFINITY) {
        entries.set(`${this.kind}:${id}`, { payload, until: Date.now() + seconds * 1000 });
        idOfUid.set(payload.uid, id);
    }

    async find(id) {
        const { payload, until } = entries.get(`${this.kind}:${id}`) ?? {};
        return until > Date.now() ? payload : undefined;
    }

    async findByUid(uid) {
        return this.find(idOfUid.get(uid));
    }

    async consume(id) {
        const payload = await this.find(id);
        if (payload) {
            payload.consumed = Math.floor(Date.now() / 1000);
        }
    }

    async destroy(id) {
        entries.delete(`${this.kind}:${id}`);
    }

    async revokeByGrantId(grantId) {
        for (const [key, { payload }] of entries) {
            if (payload.grantId === grantId) {
                entries.delete(key);
            }
        }
    }
}
