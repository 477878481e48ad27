// How a validator's first attempt to reach an issuer ended, and a proxy on its way.

import { once } from "node:events";
import { createServer, type IncomingHttpHeaders } from "node:http";
import { connect, type AddressInfo } from "node:net";
import type { IssuerHealth, Validator } from "oidc-spa-native";
import { expect } from "vitest";
import { nowInSeconds, type Fixtures } from "./fixtures.js";

/** `granted`, or why the keys are not there after the first attempt. */
export async function outcome(f: Fixtures, validator: Validator, issuerUri: string): Promise<string> {
    // With no time to wait, it begins the attempt and rejects.
    const begun = validator.ready({ timeoutMs: 0 }).catch(() => undefined);
    const health = () => validator.health().issuers[0] as IssuerHealth;
    await expect.poll(() => health().lastError ?? health().fetchedAt, { interval: 10 }).not.toBeNull();
    await begun;
    if (health().lastError !== null) {
        return `failed: ${health().lastError}`;
    }
    const accessToken = f.token(nowInSeconds(), { iss: issuerUri });
    const verdict = await validator.validateRequest({ authorization: `Bearer ${accessToken}` });
    return verdict.isSuccess ? "granted" : verdict.code;
}

export interface Proxy {
    /** Host and port. */
    readonly url: string;
    /** What it was asked to connect to, in order. */
    readonly asked: string[];
    readonly headers: IncomingHttpHeaders[];
    close(): Promise<void>;
}

/** A proxy that leads everywhere to one port of this machine. */
export async function startProxy(port: number): Promise<Proxy> {
    const asked: string[] = [];
    const headers: IncomingHttpHeaders[] = [];
    const server = createServer((_req, res) => void res.writeHead(400).end());
    server.on("connect", (req, socket, head) => {
        asked.push(req.url as string);
        headers.push(req.headers);
        const upstream = connect(port, "127.0.0.1", () => {
            socket.write("HTTP/1.1 200 OK\r\n\r\n");
            upstream.write(head);
            upstream.pipe(socket).pipe(upstream);
        });
        const end = (): void => {
            upstream.destroy();
            socket.destroy();
        };
        upstream.on("error", end);
        socket.on("error", end).on("close", end);
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    return {
        url: `127.0.0.1:${(server.address() as AddressInfo).port}`,
        asked,
        headers,
        close: async () => void server.close()
    };
}
