// Starts the issuers' process and asks it.

import { fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";

export async function startIssuers() {
    const child = fork(fileURLToPath(new URL("issuer.mjs", import.meta.url)), { stdio: "inherit" });
    await once(child, "message");
    const waiting = new Map();
    let lastId = 0;
    child.on("message", ({ id, answer, error }) => {
        const { resolve, reject } = waiting.get(id);
        waiting.delete(id);
        if (error === undefined) {
            resolve(answer);
        } else {
            reject(new Error(`the issuers' process: ${error}`));
        }
    });
    child.once("exit", () => {
        for (const { reject } of waiting.values()) {
            reject(new Error("the issuers' process ended"));
        }
    });
    const ask = (what, params = {}) =>
        new Promise((resolve, reject) => {
            waiting.set(++lastId, { resolve, reject });
            child.send({ id: lastId, what, params });
        });
    return { ask, issuers: await ask("issuers"), close: () => child.disconnect() };
}
