// The replay memory that a fleet shares, in a real redis-server.

import { once } from "node:events";
import { connect, createServer, type AddressInfo, type Socket } from "node:net";
import type { RedisReplayStore, ValidatorOptions } from "oidc-spa-native";
import { afterAll, beforeAll, expect, test } from "vitest";
import { newAuthority, selfSigned, serverSignedBy } from "../support/certificates.js";
import { createFixtures, nowInSeconds, type Fixtures } from "../support/fixtures.js";
import { newClient, newGuard, startProcess, type GuardedProcess } from "../support/guarded-process.js";
import { delay, freePort, startRedis, until, type RedisServer } from "../support/redis-server.js";
import { describeWith } from "../support/programs.js";

let f: Fixtures;
const closing: (() => Promise<void>)[] = [];

beforeAll(async () => {
    f = await createFixtures();
});

afterAll(async () => {
    await Promise.all(closing.map(close => close()));
    await f.issuer.close();
});

async function redis(options: Parameters<typeof startRedis>[0] = {}): Promise<RedisServer> {
    const server = await startRedis(options);
    closing.push(() => server.close());
    return server;
}

/** On a busy machine a good Redis may need longer than the 250 ms that are the default. */
const PATIENT = { timeoutMs: 5_000 };

async function processes(count: number, replayStore: RedisReplayStore): Promise<GuardedProcess[]> {
    const store = { ...PATIENT, ...replayStore };
    const started = await Promise.all(Array.from({ length: count }, () => startProcess(f, store)));
    closing.push(...started.map(({ close }) => close));
    return started;
}

const guard = (replayStore: RedisReplayStore, options?: Partial<ValidatorOptions>) =>
    newGuard(f, { ...PATIENT, ...replayStore }, options);

const urlOf = (server: RedisServer, login = "") => `redis://${login}127.0.0.1:${server.port}`;
const count = (codes: readonly string[], code: string) => codes.filter(one => one === code).length;

describeWith(["redis-server", "redis-cli"], "one redis-server", () => {
    test("L04: of two processes with one proof, one accepts it", async () => {
        const server = await redis();
        const [one, two] = (await processes(2, { redis: urlOf(server) })) as [GuardedProcess, GuardedProcess];
        const { accessToken, proof } = newClient(f);
        for (const [first, second] of [
            [one, two],
            [two, one],
            [one, one]
        ] as const) {
            const sent = proof();
            expect((await first.send(accessToken, sent)).code).toBe("granted");
            expect(await second.send(accessToken, sent)).toMatchObject({
                code: "proof_replayed",
                status: 401
            });
        }
    });

    test("L02, L04: of a hundred copies at once over two processes, one is accepted", async () => {
        const server = await redis();
        const both = await processes(2, { redis: urlOf(server), timeoutMs: 5_000 });
        const { accessToken, proof } = newClient(f);
        for (let round = 0; round < 5; round++) {
            const sent = proof();
            const answers = await Promise.all(
                Array.from({ length: 100 }, (_, i) => (both[i % 2] as GuardedProcess).send(accessToken, sent))
            );
            const codes = answers.map(({ code }) => code);
            expect([count(codes, "granted"), count(codes, "proof_replayed")]).toEqual([1, 99]);
        }
    });

    test("L26: each proof is one SET with NX and a time to live; a Bearer token asks nothing", async () => {
        const server = await redis();
        const { send, validator } = guard({ redis: urlOf(server), prefix: "api:" });
        const { accessToken, proof } = newClient(f);
        const token = f.token(nowInSeconds());
        expect((await validator.validateRequest({ authorization: `Bearer ${token}` })).isSuccess).toBe(true);
        expect(await server.cli("DBSIZE")).toBe("0");
        const sent = [proof(), proof(), proof()];
        for (const one of sent) {
            expect(await send(accessToken, one)).toBe("granted");
        }
        // A proof that this process knows is refused without asking.
        expect(await send(accessToken, sent[0] as string)).toBe("proof_replayed");
        // One that fails another check is not written (L13).
        const wrong = f.proof(nowInSeconds(), accessToken, { htm: "POST" });
        expect(await send(accessToken, wrong)).toBe("proof_method_mismatch");
        const stats = await server.cli("INFO", "commandstats");
        expect(stats).toMatch(/cmdstat_set:calls=3,/);
        const keys = (await server.cli("KEYS", "*")).split("\n");
        expect(keys).toHaveLength(3);
        for (const key of keys) {
            expect(key).toMatch(/^api:[\w-]{43}$/);
            // The longest age of any configuration, the edge, and 60 s for clocks that differ.
            const ttl = Number(await server.cli("PTTL", key));
            expect(ttl).toBeGreaterThan(355_000);
            expect(ttl).toBeLessThanOrEqual(362_000);
        }
        expect(validator.health().replayMemory).toMatchObject({
            kind: "redis",
            reachable: true,
            lastError: null
        });
    });

    test("L16: processes with other options keep a proof as long as each other", async () => {
        const server = await redis();
        let ahead = 0;
        const process = (options: Partial<ValidatorOptions>) =>
            guard({ redis: urlOf(server) }, { clock: () => Date.now() + ahead, ...options });
        const narrow = process({ proofMaxAgeSeconds: 1 });
        const wide = process({ proofMaxAgeSeconds: 300 });
        const nonces = process({ nonce: "on-stale-proof", noncePeriodSeconds: 600 });
        const { accessToken, proof } = newClient(f);
        const [sent, fresh] = [proof(), proof()];
        expect(await narrow.send(accessToken, sent)).toBe("granted");
        const ttl = Number(await server.cli("PTTL", (await server.cli("KEYS", "*")).trim()));
        expect(ttl).toBeGreaterThan(355_000);
        expect(ttl).toBeLessThanOrEqual(362_000);
        ahead = 290_000;
        expect(await wide.send(accessToken, sent)).toBe("proof_replayed");
        expect(await wide.send(accessToken, fresh)).toBe("granted");
        expect(await nonces.send(accessToken, sent)).toBe("proof_nonce_required");
    });

    test("what Redis has lost, the process that accepted it still refuses", async () => {
        const server = await redis();
        const { send } = guard({ redis: urlOf(server) });
        const { accessToken, proof } = newClient(f);
        const sent = proof();
        expect(await send(accessToken, sent)).toBe("granted");
        await server.cli("FLUSHALL");
        expect(await send(accessToken, sent)).toBe("proof_replayed");
    });

    test("L22: killed and returned under load: refused meanwhile, nothing twice, well afterwards", {
        timeout: 60_000
    }, async () => {
        const server = await redis();
        const both = await processes(2, { redis: urlOf(server) });
        const { accessToken, proof } = newClient(f);
        const granted = new Map<string, number>();
        const seen: Record<string, number> = {};
        let phase = "up";
        let ends = false;
        const worker = async (): Promise<void> => {
            while (!ends) {
                const sent = proof();
                const asked = phase;
                const answers = await Promise.all(both.map(one => one.send(accessToken, sent)));
                for (const { code, status, retryAfter } of answers) {
                    const when = asked === phase ? phase : "between";
                    seen[`${when} ${code}`] = (seen[`${when} ${code}`] ?? 0) + 1;
                    if (code === "granted") {
                        granted.set(sent, (granted.get(sent) ?? 0) + 1);
                    } else if (code === "replay_memory_unavailable") {
                        expect({ status, hasRetryAfter: retryAfter !== undefined }).toEqual({
                            status: 503,
                            hasRetryAfter: true
                        });
                    }
                }
            }
        };
        const load = Promise.all(Array.from({ length: 8 }, worker));
        await delay(800);
        phase = "killing";
        await server.kill();
        await delay(300);
        phase = "down";
        await delay(1_000);
        phase = "returning";
        await server.restart();
        await until(
            "recovery",
            async () => (await (both[0] as GuardedProcess).send(accessToken, proof())).code === "granted"
        );
        await until(
            "recovery",
            async () => (await (both[1] as GuardedProcess).send(accessToken, proof())).code === "granted"
        );
        phase = "back";
        await delay(800);
        ends = true;
        await load;
        expect(Object.keys(seen).filter(name => name.startsWith("down "))).toEqual([
            "down replay_memory_unavailable"
        ]);
        expect(seen["up granted"]).toBeGreaterThan(10);
        expect(seen["back granted"]).toBeGreaterThan(10);
        expect(seen["back replay_memory_unavailable"]).toBeUndefined();
        expect([...granted.values()].every(times => times === 1)).toBe(true);
    });

    test("L22: a server that stands still: refused within the time limit, well once it goes on", async () => {
        const server = await redis();
        const { verdict, send, validator } = guard({ redis: urlOf(server), timeoutMs: 1_000 });
        const { accessToken, proof } = newClient(f);
        expect(await send(accessToken, proof())).toBe("granted");
        server.pause();
        const sent = proof();
        for (let i = 0; i < 3; i++) {
            const refused = await verdict(accessToken, i === 0 ? sent : proof());
            expect(refused).toMatchObject({ code: "replay_memory_unavailable", status: 503 });
            expect(refused.headers["Retry-After"]).toBeDefined();
        }
        expect(validator.health().replayMemory).toMatchObject({ reachable: false });
        expect(validator.health().replayMemory.lastError).toMatch(/within 1000 ms/);
        server.resume();
        await until("recovery", async () => (await send(accessToken, proof())) === "granted");
        expect(validator.health().replayMemory).toMatchObject({ reachable: true, lastError: null });
        // Its write may have reached the server: nobody knows, so it is not accepted as new by guess.
        expect(["granted", "proof_replayed"]).toContain(await send(accessToken, sent));
        expect(await send(accessToken, sent)).toBe("proof_replayed");
    });

    test("L22: a server that accepts connections and never answers", async () => {
        const silent = createServer(() => undefined).listen(0, "127.0.0.1");
        await once(silent, "listening");
        const { send, validator } = guard({
            redis: `redis://127.0.0.1:${(silent.address() as AddressInfo).port}`,
            timeoutMs: 100
        });
        const { accessToken, proof } = newClient(f);
        const codes = await Promise.all(Array.from({ length: 50 }, () => send(accessToken, proof())));
        expect(new Set(codes)).toEqual(new Set(["replay_memory_unavailable"]));
        expect(validator.health().replayMemory).toMatchObject({
            reachable: false,
            lastError: "no connection within 100 ms"
        });
        silent.close();
    });

    test("L22: a connection that went dead without a word is given up for a new one", async () => {
        const server = await redis();
        const sockets: Socket[] = [];
        // Between the two, as a firewall that forgot a connection.
        const between = createServer(client => {
            const upstream = connect(server.port, "127.0.0.1");
            sockets.push(client, upstream);
            client.pipe(upstream).pipe(client);
            client.on("error", () => undefined);
            upstream.on("error", () => undefined);
        }).listen(0, "127.0.0.1");
        await once(between, "listening");
        const { send } = guard({
            redis: `redis://127.0.0.1:${(between.address() as AddressInfo).port}`,
            timeoutMs: 1_000
        });
        const { accessToken, proof } = newClient(f);
        expect(await send(accessToken, proof())).toBe("granted");
        sockets.forEach(socket => socket.unpipe().pause());
        expect(await send(accessToken, proof())).toBe("replay_memory_unavailable");
        expect(await send(accessToken, proof())).toBe("granted");
        expect(sockets).toHaveLength(4);
        sockets.forEach(socket => socket.destroy());
        between.close();
    });

    test("L22: a port where nobody listens, and one where something else answers", async () => {
        const port = await freePort();
        const { accessToken, proof } = newClient(f);
        const nobody = guard({ redis: `redis://127.0.0.1:${port}` });
        expect(await nobody.send(accessToken, proof())).toBe("replay_memory_unavailable");
        expect(nobody.validator.health().replayMemory.lastError).toMatch(/refused/);
        const stranger = guard({ redis: f.issuer.issuerUri.replace("http:", "redis:") });
        expect(await stranger.send(accessToken, proof())).toBe("replay_memory_unavailable");
        expect(stranger.validator.health().replayMemory.reachable).toBe(false);
    });

    test("onUnavailable: the process decides where that is written, and only while Redis is away", async () => {
        const server = await redis();
        const store = { redis: urlOf(server), onUnavailable: "process-memory", timeoutMs: 1_000 } as const;
        const { send, validator } = guard(store);
        const { accessToken, proof } = newClient(f);
        expect(await send(accessToken, proof())).toBe("granted");
        await server.kill();
        const sent = proof();
        expect(await send(accessToken, sent)).toBe("granted");
        expect(await send(accessToken, sent)).toBe("proof_replayed");
        expect(validator.health().replayMemory.reachable).toBe(false);
        await server.restart();
        await until("recovery", async () => {
            expect(await send(accessToken, proof())).toBe("granted");
            return validator.health().replayMemory.reachable === true;
        });
        expect(await send(accessToken, sent)).toBe("proof_replayed");
        expect(Number(await server.cli("DBSIZE"))).toBeGreaterThan(0);
    });

    test("a Redis without room refuses: nothing is evicted for a new proof", async () => {
        const server = await redis({ config: ["maxmemory 1", "maxmemory-policy noeviction"] });
        const { send, validator } = guard({ redis: urlOf(server) });
        const { accessToken, proof } = newClient(f);
        expect(await send(accessToken, proof())).toBe("replay_memory_unavailable");
        expect(validator.health().replayMemory.lastError).toMatch(/OOM/);
    });

    test("one connection for all validators and worker threads of a process", async () => {
        const server = await redis();
        const [one] = await processes(1, { redis: urlOf(server) });
        const { accessToken, proof } = newClient(f);
        await Promise.all(
            Array.from({ length: 20 }, () => (one as GuardedProcess).send(accessToken, proof()))
        );
        const clients = await server.cli("CLIENT", "LIST");
        expect(
            clients.split("\n").filter(line => line.includes("cmd=set") || line.includes("lib-name=oidc"))
        ).toHaveLength(1);
    });
});

describeWith(["redis-server", "redis-cli"], "logins", () => {
    const SECRET = "p/w:@ #sEcReT";
    const encoded = encodeURIComponent(SECRET);

    test("AUTH: right, wrong and missing", async () => {
        const server = await redis({
            config: [`requirepass "${SECRET}"`],
            cliArgs: ["-a", SECRET, "--no-auth-warning"]
        });
        const { accessToken, proof } = newClient(f);
        const right = guard({ redis: urlOf(server, `:${encoded}@`) });
        expect(await right.send(accessToken, proof())).toBe("granted");
        for (const login of [":wRoNgSeCrEt@", ""]) {
            const wrong = guard({ redis: urlOf(server, login) });
            expect(await wrong.send(accessToken, proof())).toBe("replay_memory_unavailable");
            const { lastError } = wrong.validator.health().replayMemory;
            expect(lastError).toMatch(/NOAUTH|WRONGPASS|authentication/i);
            expect(lastError).not.toMatch(/sEcReT|wRoNgSeCrEt/);
        }
    });

    test("ACL: a user who may only SET below the prefix is enough; one who may not is refused", async () => {
        const server = await redis({
            config: [
                `user guard on ">${SECRET}" ~oidc-spa-native:dpop:* +set`,
                `user reader on ">${SECRET}" ~* +get`
            ]
        });
        const { accessToken, proof } = newClient(f);
        expect(await guard({ redis: urlOf(server, `guard:${encoded}@`) }).send(accessToken, proof())).toBe(
            "granted"
        );
        const elsewhere = guard({ redis: urlOf(server, `guard:${encoded}@`), prefix: "other:" });
        expect(await elsewhere.send(accessToken, proof())).toBe("replay_memory_unavailable");
        const reader = guard({ redis: urlOf(server, `reader:${encoded}@`) });
        expect(await reader.send(accessToken, proof())).toBe("replay_memory_unavailable");
        expect(reader.validator.health().replayMemory.lastError).toMatch(/NoPerm|NOPERM/);
        expect(JSON.stringify(reader.validator.health())).not.toContain("sEcReT");
    });

    test("a database by its number", async () => {
        const server = await redis();
        const { accessToken, proof } = newClient(f);
        expect(await guard({ redis: `${urlOf(server)}/3` }).send(accessToken, proof())).toBe("granted");
        expect([await server.cli("-n", "0", "DBSIZE"), await server.cli("-n", "3", "DBSIZE")]).toEqual([
            "0",
            "1"
        ]);
        expect(await guard({ redis: `${urlOf(server)}/99` }).send(accessToken, proof())).toBe(
            "replay_memory_unavailable"
        );
    });
});

describeWith(["redis-server", "redis-cli", "openssl"], "TLS", () => {
    test("with the authority's certificate and a client's own; not with another authority, nor in plain text", async () => {
        const authority = newAuthority("Redis CA");
        const { cert, key } = authority.server();
        const server = await redis({
            isTls: true,
            files: { "ca.pem": authority.ca, "cert.pem": cert, "key.pem": key },
            config: [
                "tls-ca-cert-file ca.pem",
                "tls-cert-file cert.pem",
                "tls-key-file key.pem",
                "tls-auth-clients yes"
            ]
        });
        const { accessToken, proof } = newClient(f);
        const url = `rediss://127.0.0.1:${server.port}`;
        const clientCertificate = authority.client("guard");
        const right = guard({ redis: url, ca: authority.ca, clientCertificate, timeoutMs: 2_000 });
        expect(await right.send(accessToken, proof())).toBe("granted");
        const byName = guard({
            redis: `rediss://localhost:${server.port}`,
            ca: authority.ca,
            clientCertificate,
            timeoutMs: 2_000
        });
        expect(await byName.send(accessToken, proof())).toBe("granted");
        for (const [store, error] of [
            [
                { redis: url, ca: newAuthority("Other CA").ca, clientCertificate },
                /certificate|UnknownIssuer/i
            ],
            [{ redis: url, clientCertificate }, /certificate|UnknownIssuer/i],
            [{ redis: url, ca: authority.ca }, /certificate|alert|connection|dropped|closed/i],
            [{ redis: url.replace("rediss", "redis") }, /./]
        ] as const) {
            const wrong = guard({ ...store, timeoutMs: 2_000 });
            expect(await wrong.send(accessToken, proof())).toBe("replay_memory_unavailable");
            expect(wrong.validator.health().replayMemory.lastError).toMatch(error);
        }
    });

    test("a server's own certificate is no authority: nobody's is trusted that its key signed", async () => {
        const signers = {
            node: selfSigned(["node-1.example.com"], "critical, CA:FALSE"),
            authority: selfSigned(["node-1.example.com"], "critical, CA:TRUE")
        };
        for (const [name, signer] of Object.entries(signers)) {
            const { cert, key } = serverSignedBy(signer);
            const server = await redis({
                isTls: true,
                files: { "ca.pem": signer.cert, "cert.pem": cert, "key.pem": key },
                config: ["tls-ca-cert-file ca.pem", "tls-cert-file cert.pem", "tls-key-file key.pem"].concat(
                    "tls-auth-clients no"
                )
            });
            const { accessToken, proof } = newClient(f);
            const store = { redis: `rediss://127.0.0.1:${server.port}`, ca: signer.cert, timeoutMs: 2_000 };
            if (name === "authority") {
                expect(await guard(store).send(accessToken, proof())).toBe("granted");
            } else {
                expect(() => guard(store)).toThrow(/replayStore\.ca: expected certificates of authorities/);
            }
        }
    });
});
