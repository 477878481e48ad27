// The replay memory that a fleet shares, in a real Redis Cluster and behind a real Sentinel.

import { once } from "node:events";
import { createServer } from "node:net";
import { createValidator, type RedisReplayStore } from "oidc-spa-native";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { newAuthority } from "../support/certificates.js";
import { AUDIENCE, createFixtures, ITEMS, type Fixtures } from "../support/fixtures.js";
import { newClient, startProcess } from "../support/guarded-process.js";
import {
    delay,
    freePort,
    startRedis,
    until,
    type RedisOptions,
    type RedisServer
} from "../support/redis-server.js";
import { describeWith } from "../support/programs.js";

let f: Fixtures;
const closing: (() => Promise<void>)[] = [];

beforeAll(async () => {
    f = await createFixtures();
});

afterEach(async () => {
    await Promise.all(closing.splice(0).map(close => close()));
});

afterAll(() => f.issuer.close());

async function redis(options: RedisOptions = {}): Promise<RedisServer> {
    const server = await startRedis(options);
    closing.push(() => server.close());
    return server;
}

async function processes(replayStore: RedisReplayStore) {
    const both = await Promise.all([startProcess(f, replayStore), startProcess(f, replayStore)]);
    closing.push(...both.map(({ close }) => close));
    return both;
}

function guard(replayStore: RedisReplayStore) {
    const validator = createValidator({
        issuerUri: f.issuer.issuerUri,
        expectedAudience: AUDIENCE,
        replayStore
    });
    return {
        validator,
        send: async (accessToken: string, proof: string): Promise<string> => {
            const headers = { authorization: `DPoP ${accessToken}`, dpop: proof };
            return (
                (await validator.validateRequest(headers, { method: "GET", url: ITEMS })).code ?? "granted"
            );
        }
    };
}

async function cluster(options: (port: number) => RedisOptions = () => ({})): Promise<RedisServer[]> {
    const masters = await Promise.all(
        [0, 1, 2].map(async () => {
            const [port, busPort] = [await freePort(), await freePort()];
            const { config = [], ...rest } = options(port);
            const ownConfig = ["cluster-enabled yes", `cluster-port ${busPort}`, "cluster-node-timeout 2000"];
            return redis({
                port,
                ...rest,
                config: [...ownConfig, "cluster-require-full-coverage no", ...config]
            });
        })
    );
    const [first] = masters as [RedisServer];
    const addresses = masters.map(({ port }) => `127.0.0.1:${port}`);
    await first.cli("--cluster", "create", ...addresses, "--cluster-replicas", "0", "--cluster-yes");
    await until("the cluster's state", async () => {
        const states = await Promise.all(masters.map(master => master.cli("CLUSTER", "INFO")));
        return states.every(
            state => state.includes("cluster_state:ok") && state.includes("cluster_known_nodes:3")
        );
    });
    return masters;
}

const sizes = (servers: readonly RedisServer[]) =>
    Promise.all(servers.map(async server => Number(await server.cli("DBSIZE"))));

describeWith(["redis-server", "redis-cli"], "a Cluster of three masters", () => {
    test("L04: one acceptance a proof over two processes, proofs on every master; one master dies and returns", {
        timeout: 60_000
    }, async () => {
        const masters = await cluster();
        const [first, second, third] = masters as [RedisServer, RedisServer, RedisServer];
        // One server is enough to find the others; one that is not there harms nobody.
        const redis = `redis-cluster://127.0.0.1:${await freePort()},127.0.0.1:${second.port}`;
        const [one, two] = await processes({ redis, timeoutMs: 3_000 });
        const { accessToken, proof } = newClient(f);
        const proofs = Array.from({ length: 60 }, proof);
        const answers = await Promise.all(
            proofs.map(sent => Promise.all([one.send(accessToken, sent), two.send(accessToken, sent)]))
        );
        for (const pair of answers) {
            expect(pair.map(({ code }) => code).sort()).toEqual(["granted", "proof_replayed"]);
        }
        const stored = await sizes(masters);
        expect(stored.reduce((sum, size) => sum + size)).toBe(60);
        expect(Math.min(...stored)).toBeGreaterThan(0);

        // One that stands still takes only its own proofs along, and only until it goes on.
        third.pause();
        const meanwhile = await Promise.all(
            Array.from({ length: 30 }, async () => (await one.send(accessToken, proof())).code)
        );
        expect(new Set(meanwhile)).toEqual(new Set(["granted", "replay_memory_unavailable"]));
        third.resume();
        await until("all slots served", async () => {
            const back = await Promise.all(
                Array.from({ length: 30 }, async () => (await one.send(accessToken, proof())).code)
            );
            return back.every(code => code === "granted");
        });

        await third.kill();
        // So many that the client's task has to pause among them: from tokio 1.54 on, redis 1.8 waited for itself then.
        const codes = await Promise.all(
            Array.from({ length: 400 }, async () => (await one.send(accessToken, proof())).code)
        );
        expect(new Set(codes)).toEqual(new Set(["granted", "replay_memory_unavailable"]));
        // Two of three masters live, so two thirds are expected.
        expect(codes.filter(code => code === "granted").length).toBeGreaterThan(200);
        // What lies on the masters that live is known still.
        const again = await Promise.all(proofs.map(async sent => (await two.send(accessToken, sent)).code));
        expect(again.every(code => code === "proof_replayed" || code === "replay_memory_unavailable")).toBe(
            true
        );
        expect(again.filter(code => code === "proof_replayed").length).toBeGreaterThan((stored[0] ?? 0) / 2);

        await third.restart();
        await until("the cluster's state", async () =>
            (await first.cli("CLUSTER", "INFO")).includes("cluster_slots_ok:16384")
        );
        await until("all slots served", async () => {
            const back = await Promise.all(
                Array.from({ length: 30 }, async () => (await one.send(accessToken, proof())).code)
            );
            return back.every(code => code === "granted");
        });
    });

    test("L04: a host that takes connections and says nothing holds up the proofs of no other master", {
        timeout: 60_000
    }, async () => {
        const [, second, third] = (await cluster()) as [RedisServer, RedisServer, RedisServer];
        const [one] = await processes({ redis: `redis-cluster://127.0.0.1:${second.port}`, timeoutMs: 500 });
        const { accessToken, proof } = newClient(f);
        const granted = async (): Promise<number> => {
            const sent = Array.from({ length: 100 }, () => one.send(accessToken, proof()));
            return (await Promise.all(sent)).filter(({ code }) => code === "granted").length;
        };
        expect(await granted()).toBe(100);
        await third.kill();
        const silent = createServer(() => {}).listen(third.port, "127.0.0.1");
        await once(silent, "listening");
        closing.push(async () => void silent.close());
        const rounds: Promise<number>[] = [];
        for (let round = 0; round < 8; round++) {
            rounds.push(granted());
            await delay(400);
        }
        const total = (await Promise.all(rounds)).reduce((sum, round) => sum + round);
        // Some 533 of 800 belong to the others.
        expect(total).toBeGreaterThan(400);
    });

    describeWith(["openssl"], "over TLS", () => {
        test("with TLS and a login", { timeout: 60_000 }, async () => {
            const authority = newAuthority("Redis CA");
            const { cert, key } = authority.server();
            // On the Cluster's bus, servers are clients of each other.
            const node = authority.client("node");
            const files = {
                "ca.pem": authority.ca,
                "cert.pem": cert,
                "key.pem": key,
                "node.pem": node.cert,
                "node-key.pem": node.key
            };
            const masters = await cluster(() => ({
                isTls: true,
                files,
                config: [
                    ...[
                        "tls-ca-cert-file ca.pem",
                        "tls-cert-file cert.pem",
                        "tls-key-file key.pem",
                        "tls-auth-clients no"
                    ],
                    ...["tls-client-cert-file node.pem", "tls-client-key-file node-key.pem"],
                    ...["tls-cluster yes", "requirepass sEcReT", "masterauth sEcReT"]
                ],
                cliArgs: ["--tls", "--insecure", "-a", "sEcReT", "--no-auth-warning"]
            }));
            const redis = (password: string) =>
                `rediss-cluster://:${password}@127.0.0.1:${(masters[0] as RedisServer).port}`;
            const { accessToken, proof } = newClient(f);
            const right = guard({ redis: redis("sEcReT"), ca: authority.ca, timeoutMs: 10_000 });
            // An eighth of the limit is for connecting, which a busy machine may exceed at first.
            await until("a connection", async () => (await right.send(accessToken, proof())) === "granted");
            const codes = await Promise.all(
                Array.from({ length: 30 }, () => right.send(accessToken, proof()))
            );
            expect(new Set(codes)).toEqual(new Set(["granted"]));
            expect(Math.min(...(await sizes(masters)))).toBeGreaterThan(0);
            const wrong = guard({ redis: redis("wRoNg"), ca: authority.ca, timeoutMs: 10_000 });
            expect(await wrong.send(accessToken, proof())).toBe("replay_memory_unavailable");
            expect(wrong.validator.health().replayMemory.lastError).not.toMatch(/wRoNg/);
        });
    });
});

describeWith(["redis-server", "redis-cli"], "a Sentinel", () => {
    test("finds the master, and the new one when it dies; a name that is not watched refuses", {
        timeout: 90_000
    }, async () => {
        const login = ["requirepass sEcReT", "masterauth sEcReT"];
        const cliArgs = ["-a", "sEcReT", "--no-auth-warning"];
        const master = await redis({ config: login, cliArgs });
        const replica = await redis({
            config: [...login, `replicaof 127.0.0.1 ${master.port}`, "repl-diskless-sync-delay 0"],
            cliArgs
        });
        await until("replication", async () => (await replica.cli("ROLE")).includes("connected"));
        const sentinel = await redis({
            isSentinel: true,
            cliArgs: ["-a", "wAtCh", "--no-auth-warning"],
            config: [
                "requirepass wAtCh",
                `sentinel monitor mymaster 127.0.0.1 ${master.port} 1`,
                "sentinel auth-pass mymaster sEcReT",
                "sentinel down-after-milliseconds mymaster 500",
                "sentinel failover-timeout mymaster 2000"
            ]
        });
        await until("the replica is known", async () =>
            (await sentinel.cli("SENTINEL", "replicas", "mymaster")).includes(`${replica.port}`)
        );
        const hosts = `127.0.0.1:${await freePort()},127.0.0.1:${sentinel.port}`;
        const redisUrl = `redis-sentinel://:sEcReT@${hosts}/mymaster/0?sentinelPassword=wAtCh`;
        const [one, two] = await processes({ redis: redisUrl, timeoutMs: 1_000 });
        const { accessToken, proof } = newClient(f);
        const sent = proof();
        expect((await one.send(accessToken, sent)).code).toBe("granted");
        expect((await two.send(accessToken, sent)).code).toBe("proof_replayed");
        await until("replication", async () => (await replica.cli("DBSIZE")) === "1");

        await master.kill();
        // The Sentinel closes the connections of a server's clients as it makes that server the master.
        const role = () => replica.cli("ROLE").catch(() => "asked as its role changed");
        await until("failover", async () => (await role()).startsWith("master"), 30_000);
        await until(
            "recovery",
            async () => (await one.send(accessToken, proof())).code === "granted",
            30_000
        );
        // The new master has it too.
        const third = guard({ redis: redisUrl, timeoutMs: 2_000 });
        expect(await third.send(accessToken, sent)).toBe("proof_replayed");
        expect(Number(await replica.cli("DBSIZE"))).toBeGreaterThan(1);

        for (const wrong of [
            redisUrl.replace("mymaster", "other"),
            redisUrl.replace("wAtCh", "wRoNg"),
            redisUrl.replace("sEcReT", "wRoNg")
        ]) {
            const stranger = guard({ redis: wrong, timeoutMs: 2_000 });
            expect(await stranger.send(accessToken, proof())).toBe("replay_memory_unavailable");
            expect(stranger.validator.health().replayMemory.lastError).not.toMatch(/wRoNg|wAtCh|sEcReT/);
        }
    });
});
