// A small program for valgrind: the addon verifies on both kinds of threads, is dropped, and ends with its workers.
//
//     valgrind --leak-check=full --show-leak-kinds=definite --errors-for-leak-kinds=definite --error-exitcode=1 \
//         node --expose-gc --single-threaded --jitless __test__/soak/memcheck.mjs

import { createValidator } from "oidc-spa-native";
import { createTestIssuer } from "oidc-spa-native/testing";
import { Worker } from "node:worker_threads";

const issuer = await createTestIssuer();
const token = await issuer.sign({});
const bearer = text => ({ authorization: `Bearer ${text}` });

for (const verification of ["inline", "threads"]) {
    const validator = createValidator({ ...issuer.options, verification, verifiedTokenMemory: false });
    for (const text of [token, `${token.slice(0, -4)}AAAA`, "no token", token]) {
        const verdict = await validator.validateRequest(bearer(text));
        console.log(verification, verdict.isSuccess ? "granted" : verdict.code);
    }
}

for (let i = 0; i < 100; i++) {
    const validator = createValidator({ ...issuer.options, verification: "threads" });
    void validator.validateRequest(bearer(token));
}
globalThis.gc();

const code = `
    const { createValidator } = require("oidc-spa-native");
    const { workerData: { options, authorization, ends }, parentPort } = require("node:worker_threads");
    const validator = createValidator({ ...options, verification: "threads", verifiedTokenMemory: false });
    for (let i = 0; i < 50; i++) void validator.validateRequest({ authorization });
    const silent = createValidator({ issuerUri: "http://127.0.0.1:9", expectedAudience: "x", onWarning: () => undefined });
    void silent.validateRequest({ authorization });
    ends ? process.exit(0) : parentPort.postMessage("now");
`;
for (const ends of [true, false]) {
    const workerData = { options: issuer.options, authorization: bearer(token).authorization, ends };
    await new Promise(resolve => {
        const worker = new Worker(code, { eval: true, workerData });
        worker
            .on("message", () => worker.terminate())
            .on("error", console.error)
            .on("exit", resolve);
    });
    console.log("a worker has ended");
}
