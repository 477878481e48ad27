// Two instances of the API behind nginx, with Redis between them, as compose.yaml has them: one on each guard.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { WebSocket } from "ws";
import { commandOf } from "../../../scripts/programs.mjs";
import { freePort, startApi } from "../run/application.mjs";
import { HERE } from "../run/build.mjs";
import { AUDIENCE, newClient, startSmallIssuer } from "./small-issuer.mjs";

describe("two instances behind nginx", { concurrency: 1 }, () => {
    const alice = newClient();
    let folder;
    let issuer;
    let redis;
    let nginx;
    let publicUrl;
    const ports = [];
    const instances = [];

    before(async () => {
        folder = await mkdtemp(join(tmpdir(), "todo-fleet-"));
        issuer = await startSmallIssuer();
        const [webPort, redisPort, ...apiPorts] = await Promise.all([0, 0, 0, 0].map(freePort));
        ports.push(...apiPorts);
        publicUrl = `http://127.0.0.1:${webPort}`;
        redis = await startRedis(redisPort);
        for (const [index, guard] of ["drop-in", "validator"].entries()) {
            const env = {
                GUARD: guard,
                OIDC_ISSUER_URI: issuer.issuerUri,
                OIDC_AUDIENCE: AUDIENCE,
                API_URL: `${publicUrl}/api`,
                WEB_ORIGIN: publicUrl,
                REDIS_URL: `redis://127.0.0.1:${redisPort}`,
                NONCE_SECRET: "fleet-".repeat(8),
                DATABASE: join(folder, "todos.db"),
                PORT: String(ports[index])
            };
            instances.push(await startApi(env, () => undefined));
        }
        nginx = await startNginx(webPort, {
            API_1: `127.0.0.1:${ports[0]}`,
            API_2: `127.0.0.1:${ports[1]}`,
            PUBLIC_URL: publicUrl,
            OIDC_ISSUER_URI: issuer.issuerUri,
            OIDC_CLIENT_ID: "todo-web",
            OIDC_SCOPES: "profile email",
            OIDC_EXTRA_PARAMS: "audience=https://api.todo.example&x=1"
        });
    });
    after(async () => {
        nginx?.kill();
        await Promise.all(instances.map(instance => instance.end()));
        redis?.kill();
        issuer?.close();
        await rm(folder, { recursive: true });
    });

    async function startRedis(port) {
        const args = ["--port", port, "--bind", "127.0.0.1", "--save", "", "--dir", folder].map(String);
        const child = spawn(commandOf("redis-server"), args, { stdio: "ignore" });
        await listening(port);
        return child;
    }

    /** The very template of the image, with the names put in as the image does it. */
    async function startNginx(port, names) {
        const template = await readFile(join(HERE, "deploy/nginx.conf.template"), "utf8");
        const site = template
            .replace(/\$\{(\w+)\}/g, (whole, name) => names[name] ?? whole)
            .replace("listen 80;", `listen 127.0.0.1:${port};`)
            .replace("root /usr/share/nginx/html;", `root ${join(HERE, "web/dist")};`);
        const temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map(
            name => `${name}_temp_path ${folder}/${name};`
        );
        const http = `http { access_log off; ${temporary.join(" ")} ${site} }`;
        await writeFile(
            join(folder, "nginx.conf"),
            `daemon off; error_log stderr crit; pid ${folder}/pid; events {} ${http}`
        );
        const child = spawn(commandOf("nginx"), ["-e", "stderr", "-c", join(folder, "nginx.conf")], {
            stdio: ["ignore", "ignore", "inherit"]
        });
        await listening(port);
        return child;
    }

    const token = () => issuer.token({ ...alice.bound, name: "Alice" });
    const proven = (method, path) => alice.fields({ method, url: `${publicUrl}/api${path}`, token: token() });
    const through = async (method, path, body) => {
        const response = await fetch(`${publicUrl}/api${path}`, {
            method,
            headers: { ...proven(method, path), ...(body && { "content-type": "application/json" }) },
            ...(body && { body: JSON.stringify(body) })
        });
        return { status: response.status, body: await response.json() };
    };
    const at = (index, fields) => fetch(`http://127.0.0.1:${ports[index]}/todos`, { headers: fields });

    test("what is written at one is read at the other", async () => {
        assert.equal((await through("POST", "/todos", { title: "Shared" })).status, 201);
        for (const index of [0, 1, 0, 1]) {
            const response = await at(index, proven("GET", "/todos"));
            assert.equal((await response.json())[0].title, "Shared");
        }
    });

    test("a proof that one has accepted is refused by the other", async () => {
        for (const [first, second] of [
            [0, 1],
            [1, 0]
        ]) {
            const fields = proven("GET", "/todos");
            assert.equal((await at(first, fields)).status, 200);
            const again = await at(second, fields);
            assert.deepEqual([again.status, (await again.json()).code], [401, "proof_replayed"]);
        }
    });

    test("a nonce of one is good at the other", async () => {
        const late = { method: "GET", url: `${publicUrl}/api/todos`, token: token() };
        const iat = Math.floor(Date.now() / 1000) - 120;
        const refused = await at(0, alice.fields({ ...late, iat }));
        assert.equal(refused.status, 401);
        const nonce = refused.headers.get("dpop-nonce");
        assert.equal((await at(1, alice.fields({ ...late, iat, nonce }))).status, 200);
    });

    test("what is said at one is heard at the other, and through nginx", async () => {
        const urls = [
            ...ports.map(port => `ws://127.0.0.1:${port}/chat`),
            `${publicUrl.replace("http", "ws")}/api/chat`
        ];
        const sockets = [];
        for (const url of urls) {
            const { ticket } = (await through("POST", "/chat/tickets")).body;
            const socket = new WebSocket(url, ["chat", `ticket.${ticket}`]);
            const heard = new Promise(resolve =>
                socket.on("message", data => String(data).includes("Good morning") && resolve(true))
            );
            await once(socket, "open");
            sockets.push({ socket, heard });
        }
        sockets[0].socket.send("Good morning");
        assert.deepEqual(await Promise.all(sockets.map(({ heard }) => heard)), [true, true, true]);
        for (const { socket } of sockets) {
            socket.terminate();
        }
    });

    test("nginx serves the page and its settings", async () => {
        const page = await fetch(`${publicUrl}/todos`);
        assert.match(await page.text(), /<div id="root">/);
        assert.ok(
            page.headers.get("content-security-policy").includes(`connect-src 'self' ${issuer.issuerUri};`)
        );
        const settings = await (await fetch(`${publicUrl}/config.json`)).json();
        assert.deepEqual(settings, {
            issuerUri: issuer.issuerUri,
            clientId: "todo-web",
            scopes: "profile email",
            extraParams: "audience=https://api.todo.example&x=1",
            apiUrl: `${publicUrl}/api`,
            hasBackstage: false
        });
    });

    test("without Redis nobody enters, and with it they do again", async () => {
        redis.kill("SIGKILL");
        await once(redis, "exit");
        for (const index of [0, 1]) {
            const response = await at(index, proven("GET", "/todos"));
            assert.deepEqual(
                [response.status, (await response.json()).code],
                [503, "replay_memory_unavailable"]
            );
        }
        for (const port of ports) {
            // Otherwise nobody would send the request from which it learns that Redis is back.
            assert.equal((await fetch(`http://127.0.0.1:${port}/ready`)).status, 200);
        }
        redis = await startRedis(Number(redis.spawnargs[2]));
        for (const index of [0, 1]) {
            let status = 503;
            for (let tries = 0; status === 503 && tries < 100; tries++) {
                await new Promise(resolve => setTimeout(resolve, 100));
                ({ status } = await at(index, proven("GET", "/todos")));
            }
            assert.equal(status, 200);
        }
    });

    test("one of them ends, and no call is lost", async () => {
        assert.equal(await instances.shift().end(), 0);
        for (let calls = 0; calls < 10; calls++) {
            assert.equal((await through("GET", "/todos")).status, 200);
        }
    });
});

async function listening(port) {
    for (let tries = 0; tries < 200; tries++) {
        const isOpen = await new Promise(resolve => {
            const socket = connect(port, "127.0.0.1", () => resolve(true)).on("error", () => resolve(false));
            socket.on("connect", () => socket.destroy());
        });
        if (isOpen) {
            return;
        }
        await new Promise(resolve => setTimeout(resolve, 50));
    }
    throw new Error(`Nobody listens on port ${port}`);
}
