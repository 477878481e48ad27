import { createClient } from "redis";

const redis = await createClient({ url: process.env.REDIS_URL }).connect();

export const replayStore = {
    checkAndStore: async (key, expiresAt) => {
        const expiration = { type: "PXAT", value: expiresAt };
        return (await redis.set(`dpop:${key}`, "1", { condition: "NX", expiration })) === "OK";
    }
};
