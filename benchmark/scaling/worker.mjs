// A thread or a process of its own: a server's share of the requests.

import { isMainThread, parentPort } from "node:worker_threads";
import { AUDIENCE, TARGET } from "../compare/cases.mjs";
import { measure } from "../compare/meter.mjs";
import { validating } from "../compare/peers/ours.mjs";

const IN_FLIGHT = 64;

const [channel, send] = isMainThread
    ? [process, message => process.send(message)]
    : [parentPort, message => parentPort.postMessage(message)];

const begun = new Promise(resolve => {
    channel.on("message", message => {
        switch (message.what) {
            case "work":
                work(message);
                break;
            case "begin":
                resolve();
        }
    });
});
send({ what: "up" });

async function work({ verification, issuerUri, items }) {
    const { prepare, verify } = await validating(
        { issuerUri, expectedAudience: AUDIENCE, algorithms: ["ES256"], verification },
        TARGET
    );
    // The first tenth warms up: what comes then is not what one pays for in the long run.
    const warm = Math.floor(items.length / 10);
    const slice = part => ({
        verify,
        inputs: part.map(prepare),
        expected: part.map(({ jti }) => jti),
        concurrency: IN_FLIGHT
    });
    await measure(slice(items.slice(0, warm)));
    const ready = () => {
        send({ what: "ready" });
        return begun;
    };
    const count = items.length - warm;
    const { cpu } = await measure({ ...slice(items.slice(warm)), ready });
    send({ what: "done", count, cpu: cpu * count });
}
