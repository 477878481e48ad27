// A process of its own: clients, each with a connection that it keeps, and with its next request once it has an answer.
// It writes bytes that are ready, and reads no more than it must: a load generator must not be what is measured.

import { createConnection } from "node:net";

process.on("message", async ({ params }) => {
    try {
        process.send({ answer: await load(params) });
    } catch (error) {
        process.send({ error: String(error?.stack ?? error) });
    }
});
process.on("disconnect", () => process.exit());

async function load({ port, path, headers, connections }) {
    const requests = headers.map(fields => {
        const lines = Object.entries(fields).map(([name, value]) => `${name}: ${value}\r\n`);
        return Buffer.from(
            `GET ${path} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\n${lines.join("")}\r\n`,
            "latin1"
        );
    });
    const latencies = new Float64Array(requests.length);
    const statuses = {};
    let next = 0;
    const begun = performance.now();
    await Promise.all(
        Array.from({ length: Math.min(connections, requests.length) }, () =>
            client(port, {
                take: () => (next < requests.length ? next++ : undefined),
                request: i => requests[i],
                done(i, status, micros) {
                    latencies[i] = micros;
                    statuses[status] = (statuses[status] ?? 0) + 1;
                }
            })
        )
    );
    const seconds = (performance.now() - begun) / 1000;
    latencies.sort();
    const at = share => latencies[Math.floor((latencies.length - 1) * share)];
    return { perSecond: requests.length / seconds, p50: at(0.5), p99: at(0.99), statuses };
}

function client(port, { take, request, done }) {
    return new Promise((resolve, reject) => {
        const socket = createConnection({ port, host: "127.0.0.1", noDelay: true });
        let [current, sentAt, received] = [undefined, 0, ""];
        const send = () => {
            current = take();
            if (current === undefined) {
                socket.destroy();
                resolve();
                return;
            }
            sentAt = performance.now();
            socket.write(request(current));
        };
        socket.setEncoding("latin1");
        socket.once("connect", send);
        socket.on("data", text => {
            received += text;
            const head = received.indexOf("\r\n\r\n");
            if (head === -1) {
                return;
            }
            const length = /\r\ncontent-length: (\d+)/i.exec(received)?.[1];
            if (length === undefined) {
                reject(new Error(`an answer without Content-Length: ${received.slice(0, 200)}`));
                socket.destroy();
            } else if (received.length >= head + 4 + Number(length)) {
                done(current, received.slice(9, 12), (performance.now() - sentAt) * 1000);
                received = "";
                send();
            }
        });
        socket.once("error", reject);
        socket.once("close", () => reject(new Error("the server closed a connection")));
    });
}
