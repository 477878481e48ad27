// The API over HTTP, on both guards: what enters, what is refused and how, the chat's socket, and how the process ends.

import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { request as httpRequest } from "node:http";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { WebSocket } from "ws";
import { freePort, startApi } from "../run/application.mjs";
import { AUDIENCE, newClient, startSmallIssuer } from "./small-issuer.mjs";

const ORIGIN = "http://127.0.0.1:4999";

for (const guard of ["drop-in", "validator"]) {
    describe(`the API, guarded by ${guard}`, () => {
        let issuer;
        let folder;
        let url;
        let api;
        let env;
        let log = [];
        const alice = newClient();

        before(async () => {
            issuer = await startSmallIssuer();
            folder = await mkdtemp(join(tmpdir(), "todo-api-"));
            const port = await freePort(0);
            url = `http://127.0.0.1:${port}`;
            env = {
                GUARD: guard,
                NODE_ENV: "production",
                OIDC_ISSUER_URI: issuer.issuerUri,
                OIDC_AUDIENCE: AUDIENCE,
                API_URL: url,
                WEB_ORIGIN: ORIGIN,
                DATABASE: join(folder, "todos.db"),
                PORT: String(port)
            };
            api = await startApi(env, line => log.push(line));
        });
        after(async () => {
            await api.end();
            issuer.close();
            await rm(folder, { recursive: true });
        });

        const tokenOf = claims => issuer.token({ ...alice.bound, name: "Alice", roles: [], ...claims });

        /** A call with good credentials, of which `change` may make others. */
        async function call(method, path, { token = tokenOf(), body, headers = {}, client = alice } = {}) {
            const fields = client.fields({ method, url: url + path, token });
            const response = await fetch(url + path, {
                method,
                headers: {
                    ...fields,
                    ...(body !== undefined && { "content-type": "application/json" }),
                    ...headers
                },
                body: body === undefined || typeof body === "string" ? body : JSON.stringify(body)
            });
            const text = await response.text();
            return {
                status: response.status,
                headers: response.headers,
                body: text === "" ? undefined : JSON.parse(text)
            };
        }

        const withFields = async (fields, path = "/todos") => {
            const response = await fetch(url + path, { headers: fields });
            return { status: response.status, headers: response.headers, body: await response.json() };
        };

        function refused(answer, status, code) {
            assert.deepEqual([answer.status, answer.body.code], [status, code]);
            assert.match(answer.headers.get("content-type"), /^application\/problem\+json/);
            assert.equal(answer.body.status, status);
            assert.equal(answer.body.reason, undefined, "production tells no reasons");
            if (status === 401) {
                assert.match(answer.headers.get("www-authenticate"), /^DPoP /);
            }
        }

        test("a person's todos: made, listed, changed, deleted", async () => {
            const made = await call("POST", "/todos", { body: { title: "  Milk " } });
            assert.deepEqual([made.status, made.body.title, made.body.done], [201, "Milk", false]);
            const { id } = made.body;
            const changed = await call("PATCH", `/todos/${id}`, { body: { done: true } });
            assert.deepEqual([changed.body.title, changed.body.done], ["Milk", true]);
            assert.deepEqual((await call("GET", "/todos")).body, [changed.body]);
            assert.equal((await call("DELETE", `/todos/${id}`)).status, 204);
            assert.deepEqual((await call("GET", "/todos")).body, []);
        });

        test("a todo of somebody else is not there, and stays as it is", async () => {
            const { id } = (await call("POST", "/todos", { body: { title: "Mine" } })).body;
            const token = tokenOf({ sub: "mallory" });
            refused(
                await call("PATCH", `/todos/${id}`, { token, body: { done: true } }),
                404,
                "todo_unknown"
            );
            refused(await call("DELETE", `/todos/${id}`, { token }), 404, "todo_unknown");
            assert.deepEqual((await call("GET", "/todos", { token })).body, []);
            assert.equal((await call("GET", "/todos")).body[0].done, false);
        });

        test("what is no request of this API is answered with a problem", async () => {
            refused(await call("POST", "/todos", { body: { title: "" } }), 400, "request_invalid");
            refused(await call("PATCH", "/todos/17", { body: { done: true } }), 400, "request_invalid");
            refused(await call("POST", "/todos", { body: "{" }), 400, undefined);
            refused(await call("POST", "/todos", { body: { title: "a".repeat(20_000) } }), 413, undefined);
            refused(await call("GET", "/nothing"), 404, undefined);
        });

        test("credentials that are not good are refused, each with its code", async () => {
            const good = { method: "GET", url: `${url}/todos`, token: tokenOf() };
            assert.equal((await withFields(alice.fields(good))).status, 200);

            refused(await withFields({}), 401, "credentials_missing");
            refused(await withFields({ authorization: `Bearer ${good.token}` }), 401, "token_bound");
            refused(await withFields({ authorization: `Bearer ${issuer.token({})}` }), 401, "token_unbound");
            // The drop-in calls it malformed, as oidc-spa does.
            const [status, code] =
                guard === "drop-in" ? [400, "credentials_malformed"] : [401, "proof_missing"];
            refused(await withFields({ authorization: `DPoP ${good.token}` }), status, code);
            refused(await withFields({ authorization: "DPoP x y" }), 400, "credentials_malformed");

            const fields = alice.fields(good);
            await withFields(fields);
            refused(await withFields(fields), 401, "proof_replayed");

            const other = change => alice.fields({ ...good, ...change });
            refused(await withFields(other({ method: "POST" })), 401, "proof_method_mismatch");
            refused(
                await withFields(other({ url: "https://evil.example/todos" })),
                401,
                "proof_uri_mismatch"
            );
            refused(await withFields(newClient().fields(good)), 401, "proof_key_mismatch");
            const ended = tokenOf({ exp: Math.floor(Date.now() / 1000) - 10 });
            refused(await withFields(other({ token: ended })), 401, "token_expired");
            const foreign = tokenOf({ aud: "https://other.example" });
            refused(await withFields(other({ token: foreign })), 401, "audience_mismatch");
        });

        test("the support staff sees everybody's todos, and nobody else does", async () => {
            refused(await call("GET", "/support/todos"), 403, "role_insufficient");
            refused(
                await call("GET", "/support/todos", { token: tokenOf({ roles: ["supporter"] }) }),
                403,
                "role_insufficient"
            );
            const seen = await call("GET", "/support/todos", {
                token: tokenOf({ sub: "sam", roles: ["support"] })
            });
            assert.deepEqual(
                seen.body.map(({ owner, title }) => [owner, title]),
                [["Alice", "Mine"]]
            );
        });

        test("a proof is for the URL that browsers see, whatever Host says", async () => {
            const send = (host, htu) =>
                new Promise(resolve => {
                    const fields = alice.fields({ method: "GET", url: htu, token: tokenOf() });
                    httpRequest(`${url}/todos`, { headers: { ...fields, host } }, res => {
                        res.resume();
                        resolve(res.statusCode);
                    }).end();
                });
            assert.equal(await send("evil.example", `${url}/todos`), 200);
            assert.equal(await send("evil.example", "http://evil.example/todos"), 401);
        });

        test("a client whose clock is wrong gets a nonce, and gets in with it", async () => {
            const good = { method: "GET", url: `${url}/todos`, token: tokenOf() };
            const late = { ...good, iat: Math.floor(Date.now() / 1000) - 120 };
            const first = await withFields(alice.fields(late));
            refused(first, 401, "proof_nonce_required");
            assert.match(first.headers.get("www-authenticate"), /use_dpop_nonce/);
            const nonce = first.headers.get("dpop-nonce");
            assert.equal((await withFields(alice.fields({ ...late, nonce }))).status, 200);
        });

        test("the page's origin may call and read what it needs, and no other", async () => {
            const preflight = async origin => {
                const headers = {
                    origin,
                    "access-control-request-method": "PATCH",
                    "access-control-request-headers": "authorization,dpop,content-type"
                };
                return (await fetch(`${url}/todos/x`, { method: "OPTIONS", headers })).headers;
            };
            const allowed = await preflight(ORIGIN);
            assert.equal(allowed.get("access-control-allow-origin"), ORIGIN);
            assert.match(allowed.get("access-control-allow-headers"), /DPoP/i);
            assert.equal((await preflight("http://evil.example")).get("access-control-allow-origin"), null);
            const { headers } = await withFields({ origin: ORIGIN });
            const exposed = headers.get("access-control-expose-headers");
            assert.match(exposed, /WWW-Authenticate/i);
            assert.match(exposed, /DPoP-Nonce/i);
        });

        test("health, readiness and the description of the API", async () => {
            const { body: health } = await withFields({}, "/health");
            assert.deepEqual([health.status, health.guard], ["up", guard]);
            assert.equal((await withFields({}, "/ready")).body.ready, true);
            const { body: doc } = await withFields({}, "/doc");
            assert.deepEqual(Object.keys(doc.paths).sort(), [
                "/chat/tickets",
                "/support/todos",
                "/todos",
                "/todos/{id}"
            ]);
        });

        const openSocket = ticket =>
            new WebSocket(`${url.replace("http", "ws")}/chat`, ["chat", `ticket.${ticket}`]);
        const ticketFor = async claims =>
            (await call("POST", "/chat/tickets", { token: tokenOf(claims) })).body.ticket;

        test("the chat: a ticket opens one socket, which ends with the token", async () => {
            refused(
                await call("POST", "/chat/tickets", { token: tokenOf({ aud: "x" }) }),
                401,
                "audience_mismatch"
            );
            const exp = Math.floor(Date.now() / 1000) + 2;
            const ticket = await ticketFor({ exp });
            const socket = openSocket(ticket);
            await once(socket, "open");
            assert.equal(socket.protocol, "chat");
            const again = openSocket(ticket);
            const [, response] = await once(again, "unexpected-response");
            assert.equal(response.statusCode, 401);
            again.on("error", () => undefined).terminate();

            const heard = new Promise(resolve =>
                socket.on("message", data => {
                    const words = JSON.parse(String(data));
                    words.length > 0 && resolve(words[0]);
                })
            );
            socket.send("Hello");
            const { author, text } = await heard;
            assert.deepEqual([author, text], ["Alice", "Hello"]);
            const [code] = await once(socket, "close");
            assert.equal(code, 4401);
            assert.ok(Date.now() >= exp * 1000);
        });

        test("whoever does not close a socket that has ended is not heard any more", async () => {
            const listener = openSocket(await ticketFor({ sub: "listener" }));
            const heard = [];
            listener.on("message", data => heard.push(String(data)));
            await once(listener, "open");
            const exp = Math.floor(Date.now() / 1000) + 2;
            const stubborn = openSocket(await ticketFor({ sub: "stubborn", exp }));
            await once(stubborn, "open");
            const frame = text =>
                Buffer.concat([Buffer.from([0x81, 0x80 + text.length, 0, 0, 0, 0]), Buffer.from(text)]);
            stubborn._socket.write(frame("In time"));
            // It reads the API's close frame, and answers nothing.
            stubborn._receiver.removeAllListeners("conclude");
            await once(stubborn._receiver, "conclude");
            stubborn._socket.write(frame("Too late"));
            listener.send("Last");
            while (!heard.at(-1)?.includes("Last")) {
                await new Promise(resolve => setTimeout(resolve, 20));
            }
            assert.ok(heard.some(words => words.includes("In time")));
            assert.ok(!heard.some(words => words.includes("Too late")));
            for (const socket of [listener, stubborn]) {
                socket.terminate();
            }
        });

        test("one person has so many tickets and sockets, and says so much, and no more", async () => {
            const many = { sub: "many" };
            const buy = () => call("POST", "/chat/tickets", { token: tokenOf(many) });
            const tickets = [];
            for (let bought = 0; bought < 10; bought++) {
                tickets.push((await buy()).body.ticket);
            }
            const refusedTicket = await buy();
            refused(refusedTicket, 429, "too_many");
            assert.equal(refusedTicket.headers.get("retry-after"), "15");
            // It is hers alone.
            assert.notEqual(await ticketFor({ sub: "another" }), undefined);

            const sockets = tickets.map(openSocket);
            await Promise.all(sockets.map(socket => once(socket, "open")));
            const eleventh = openSocket(await ticketFor(many));
            assert.equal((await once(eleventh, "unexpected-response"))[1].statusCode, 429);
            eleventh.on("error", () => undefined).terminate();

            for (let said = 0; said < 130; said++) {
                sockets[0].send("Again");
            }
            assert.equal((await once(sockets[0], "close"))[0], 1008);
            const next = openSocket(await ticketFor(many));
            const [data] = await once(next, "message");
            assert.equal(JSON.parse(String(data)).length, 50, "what was said long ago is not kept");
            for (const socket of [...sockets, next]) {
                socket.terminate();
            }
        });

        test("a socket without a ticket is refused, and what is no frame costs only its own socket", async () => {
            for (const offered of [[], ["chat"], ["chat", "ticket.nonsense"], ["chat", "ticket."]]) {
                const socket = new WebSocket(`${url.replace("http", "ws")}/chat`, offered);
                const [, response] = await once(socket, "unexpected-response");
                assert.equal(response.statusCode, 401);
                socket.on("error", () => undefined).terminate();
            }
            const socket = openSocket(await ticketFor());
            await once(socket, "open");
            socket._socket.write(Buffer.from([0xff, 0xff, 1, 2, 3, 4]));
            await once(socket, "close");
            assert.equal((await call("GET", "/todos")).status, 200);
        });

        test("what no client should send ends nothing and enters nowhere", async () => {
            const upgrade =
                "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n";
            const targets = [
                "//",
                "///x",
                "/%",
                "/%00",
                "/..;/x",
                "/?%",
                "http://evil/",
                "http://",
                "http://[",
                "*",
                "?",
                "//["
            ];
            const hosts = [
                "Host: x\r\n",
                "",
                "Host: [\r\n",
                "Host: //\r\n",
                "Host: %\r\n",
                "Host: x\r\nHost: y\r\n"
            ];
            const requests = targets.flatMap(target =>
                hosts.flatMap(host => [
                    `GET ${target} HTTP/1.1\r\n${host}Connection: close\r\n\r\n`,
                    `GET ${target} HTTP/1.1\r\n${host}${upgrade}\r\n`,
                    `GET /chat HTTP/1.1\r\n${host}${upgrade}\r\n`
                ])
            );
            requests.push(
                "CONNECT // HTTP/1.1\r\nHost: x\r\n\r\n",
                "OPTIONS * HTTP/1.1\r\nHost: x\r\nOrigin: //\r\n\r\n"
            );
            const statuses = await Promise.all(requests.map(request => statusOf(new URL(url).port, request)));
            const entered = statuses.filter(
                status => status === 101 || (status >= 200 && status < 300 && status !== 204)
            );
            assert.deepEqual(entered, []);
            assert.equal((await call("GET", "/todos")).status, 200);
        });

        test("the log has who, what and why, and no token", async () => {
            assert.ok(log.some(({ code, reason }) => code === "proof_replayed" && reason !== undefined));
            assert.ok(log.some(({ sub, status }) => sub === "alice" && status === 200));
            assert.ok(!JSON.stringify(log).includes("eyJ"));
        });

        test("the process ends when it is told to: what is under way is answered, sockets are closed, nothing is lost", async () => {
            const socket = openSocket(await ticketFor());
            await once(socket, "open");
            const fields = alice.fields({ method: "POST", url: `${url}/todos`, token: tokenOf() });
            const body = JSON.stringify({ title: "Sent slowly" });
            const slow = httpRequest(`${url}/todos`, {
                method: "POST",
                headers: { ...fields, "content-type": "application/json", "content-length": body.length }
            });
            slow.write(body.slice(0, 5));
            // A request that was sent later is answered, so the slow one is known.
            await call("GET", "/todos");
            const closed = once(socket, "close");
            const ended = api.end();
            assert.equal((await closed)[0], 1001);
            slow.end(body.slice(5));
            const [answer] = await once(slow, "response");
            answer.resume();
            assert.equal(answer.statusCode, 201);
            assert.equal(await ended, 0);

            log = [];
            api = await startApi(env, line => log.push(line));
            assert.equal((await call("GET", "/todos")).body.at(-1).title, "Sent slowly");
        });
    });
}

for (const guard of ["drop-in", "validator"]) {
    test(`why a call was refused, to the page of a developer alone, guarded by ${guard}`, async t => {
        const issuer = await startSmallIssuer();
        const folder = await mkdtemp(join(tmpdir(), "todo-why-"));
        const port = await freePort(0);
        const url = `http://127.0.0.1:${port}/support/todos`;
        const env = {
            GUARD: guard,
            OIDC_ISSUER_URI: issuer.issuerUri,
            OIDC_AUDIENCE: AUDIENCE,
            API_URL: `http://127.0.0.1:${port}`,
            WEB_ORIGIN: ORIGIN,
            DATABASE: join(folder, "todos.db"),
            PORT: String(port)
        };
        const alice = newClient();
        const token = issuer.token({ ...alice.bound, roles: [] });
        const good = () => alice.fields({ method: "GET", url, token });
        const answerTo = async fields => {
            const response = await fetch(url, { headers: fields });
            return { text: await response.clone().text(), ...(await response.json()) };
        };
        const during = async (mode, act) => {
            const api = await startApi({ ...env, ...mode }, () => undefined);
            await act().finally(() => api.end());
        };
        t.after(async () => {
            issuer.close();
            await rm(folder, { recursive: true });
        });

        const used = good();
        await during({ NODE_ENV: "development" }, async () => {
            const forbidden = await answerTo({ ...used, origin: ORIGIN });
            const replayed = await answerTo({ ...used, origin: ORIGIN });
            assert.deepEqual([forbidden.code, replayed.code], ["role_insufficient", "proof_replayed"]);
            for (const { reason, checks, text } of [forbidden, replayed]) {
                assert.equal(typeof reason, "string");
                assert.equal(checks !== undefined, guard === "validator");
                for (const secret of [token, token.split(".")[2], used.dpop, used.dpop.split(".")[2]]) {
                    assert.ok(!text.includes(secret));
                }
            }
            const failed = ({ checks = [] }) =>
                checks.filter(({ outcome }) => outcome === "failed").map(({ id }) => id);
            const expected =
                guard === "validator" ? ["route.requirement", "proof.replay", "route.requirement"] : [];
            assert.deepEqual([forbidden, replayed].flatMap(failed), expected);

            for (const stranger of [{}, { origin: "http://evil.example" }, { origin: "null" }]) {
                for (const credentials of [{}, good()]) {
                    const { status, reason, checks } = await answerTo({ ...credentials, ...stranger });
                    assert.ok(status >= 400);
                    assert.deepEqual([reason, checks], [undefined, undefined]);
                }
            }
        });
        for (const mode of [{ NODE_ENV: "production" }, { NODE_ENV: "" }]) {
            await during(mode, async () => {
                const { code, reason, checks } = await answerTo({ ...good(), origin: ORIGIN });
                assert.deepEqual([code, reason, checks], ["role_insufficient", undefined, undefined]);
            });
        }
    });
}

for (const guard of ["drop-in", "validator"]) {
    test(`an issuer that starts after the API, guarded by ${guard}`, async t => {
        const [port, issuerPort] = await Promise.all([freePort(0), freePort(0)]);
        const folder = await mkdtemp(join(tmpdir(), "todo-early-"));
        const log = [];
        const env = {
            GUARD: guard,
            OIDC_ISSUER_URI: `http://127.0.0.1:${issuerPort}`,
            OIDC_AUDIENCE: AUDIENCE,
            API_URL: `http://127.0.0.1:${port}`,
            WEB_ORIGIN: ORIGIN,
            DATABASE: join(folder, "todos.db"),
            PORT: String(port)
        };
        const starting = startApi(env, line => log.push(line));
        while (!log.some(({ message, path }) => message?.includes("not there yet") || path === "/ready")) {
            await new Promise(resolve => setTimeout(resolve, 20));
        }
        assert.ok(!log.some(({ path, status }) => path === "/ready" && status === 200));
        const issuer = await startSmallIssuer(issuerPort);
        const api = await starting;
        t.after(async () => {
            await api.end();
            issuer.close();
            await rm(folder, { recursive: true });
        });
        const alice = newClient();
        const url = `${env.API_URL}/todos`;
        const fields = alice.fields({ method: "GET", url, token: issuer.token(alice.bound) });
        assert.equal((await fetch(url, { headers: fields })).status, 200);
    });
}

for (const guard of ["drop-in", "validator"]) {
    test(`an issuer that knows no DPoP, whose roles stand elsewhere, guarded by ${guard}`, async t => {
        const issuer = await startSmallIssuer();
        const folder = await mkdtemp(join(tmpdir(), "todo-bearer-"));
        const port = await freePort(0);
        const url = `http://127.0.0.1:${port}`;
        const env = {
            GUARD: guard,
            DPOP: "allowed",
            ROLES_CLAIM: '["https://todo.example/roles"]',
            OIDC_ISSUER_URI: issuer.issuerUri,
            OIDC_AUDIENCE: AUDIENCE,
            API_URL: url,
            WEB_ORIGIN: ORIGIN,
            DATABASE: join(folder, "todos.db"),
            PORT: String(port)
        };
        const api = await startApi(env, () => undefined);
        t.after(async () => {
            await api.end();
            issuer.close();
            await rm(folder, { recursive: true });
        });
        const statusWith = async claims => {
            const headers = { authorization: `Bearer ${issuer.token(claims)}` };
            return (await fetch(`${url}/support/todos`, { headers })).status;
        };
        assert.equal(await statusWith({ "https://todo.example/roles": ["support"] }), 200);
        assert.equal(await statusWith({ roles: ["support"] }), 403);
        // A token that is bound is good with its proof alone.
        const bound = { ...newClient().bound, "https://todo.example/roles": ["support"] };
        assert.equal(await statusWith(bound), 401);
        const anonymous = await fetch(`${url}/todos`);
        assert.match(anonymous.headers.get("www-authenticate"), /^Bearer, DPoP /);
    });
}

/** The status of the answer; 0 where the connection just ends. */
function statusOf(port, request) {
    return new Promise(resolve => {
        let answer = "";
        const socket = connect(port, "127.0.0.1", () => socket.write(request));
        socket.setTimeout(1500, () => socket.destroy());
        socket.on("data", data => {
            answer += data.toString("latin1");
            answer.includes("\r\n\r\n") && socket.destroy();
        });
        socket.on("error", () => undefined);
        socket.on("close", () => resolve(Number(/^HTTP\/1\.[01] (\d{3})/.exec(answer)?.[1] ?? 0)));
    });
}
