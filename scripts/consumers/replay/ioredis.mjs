import { Redis } from "ioredis";

const redis = new Redis(process.env.REDIS_URL);

export const replayStore = {
    checkAndStore: async (key, expiresAt) =>
        (await redis.set(`dpop:${key}`, "1", "PXAT", expiresAt, "NX")) === "OK"
};
