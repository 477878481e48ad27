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
    const ready = () => {
        send({ what: "ready" });
        return begun;
    };
    // The first tenth warms up: what comes then is not what one pays for in the long run.
    const warmUp = Math.floor(items.length / 10);
    const count = items.length - warmUp;
    const { cpu } = await measure({
        verify,
        inputs: items.map(prepare),
        expected: items.map(({ jti }) => jti),
        concurrency: IN_FLIGHT,
        warmUp,
        ready
    });
    send({ what: "done", count, cpu: cpu * count });
}
