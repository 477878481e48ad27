// The chat: a ticket over HTTP, guarded as everything is, opens a socket, which ends with the token that paid for it.

import { upgradeWebSocket } from "@hono/node-server";
import { createRoute, z, type OpenAPIHono } from "@hono/zod-openapi";
import type { WSContext } from "hono/ws";
import { createClient } from "redis";
import type { WebSocket } from "ws";
import type { Env, Guard, Person } from "./guard/guard.js";
import { ProblemError } from "./problem.js";
import type { Store, Word } from "./store.js";

const TICKET_SECONDS = 15;
const LONGEST_WORD = 500;
/** Words of one socket within ten seconds. Whoever says more is put out. */
const MOST_WORDS = 20;
const WORDS_PERIOD_MS = 10_000;
/** Bytes that may wait for a client that does not read. They are memory of this process. */
const LARGEST_BACKLOG = 256 * 1024;
/** As timers of JavaScript have it; a token that lives longer than 24 days ends its socket then. */
const LONGEST_WAIT_MS = 2 ** 31 - 1;
/** The close codes that the page knows: the token has ended; this instance goes. */
const TOKEN_EXPIRED = 4401;
const GOING_AWAY = 1001;
const TOO_MANY_WORDS = 1008;

const ticketRoute = (guard: Guard) =>
    createRoute({
        method: "post",
        path: "/chat/tickets",
        summary: "A ticket for the socket at /chat",
        description:
            `A browser can send no DPoP proof with a WebSocket. So a guarded request buys a ticket, good once and for ` +
            `${TICKET_SECONDS} seconds, and the socket is opened with it: new WebSocket(url, ["chat", "ticket." + ticket]).`,
        security: [{ DPoP: [] }],
        middleware: guard.signedIn,
        responses: {
            201: {
                description: "The ticket",
                content: { "application/json": { schema: z.object({ ticket: z.string() }) } }
            }
        }
    });

export async function addChat(
    app: OpenAPIHono<Env>,
    { guard, store, redisUrl }: { guard: Guard; store: Store; redisUrl: string | undefined }
) {
    const sockets = new Set<WSContext>();
    const bus = await openBus(redisUrl, word => {
        for (const socket of sockets) {
            send(socket, [word]);
        }
    });

    app.openapi(ticketRoute(guard), c =>
        c.json({ ticket: store.addTicket(c.var.person, TICKET_SECONDS) }, 201)
    );

    app.get("/chat", (c, next) => {
        const offered = c.req.header("sec-websocket-protocol")?.split(/\s*,\s*/) ?? [];
        const ticket = offered.find(protocol => protocol.startsWith("ticket."))?.slice("ticket.".length);
        const person = ticket === undefined ? undefined : store.takeTicket(ticket);
        if (person === undefined) {
            const detail = "The socket needs a ticket of POST /chat/tickets that was not used yet.";
            throw new ProblemError({ status: 401, code: "ticket_invalid", detail });
        }
        return upgradeWebSocket(() => eventsOf(person))(c, next);
    });

    function eventsOf(person: Person) {
        let end: NodeJS.Timeout;
        let words = 0;
        let since = 0;
        return {
            onOpen(_event: Event, socket: WSContext) {
                const left = Math.min(person.expiresAt - Date.now(), LONGEST_WAIT_MS);
                end = setTimeout(() => socket.close(TOKEN_EXPIRED, "The token has ended"), left);
                sockets.add(socket);
                send(socket, store.lastWords());
            },
            onMessage({ data }: MessageEvent, socket: WSContext) {
                if (Date.now() - since > WORDS_PERIOD_MS) {
                    [words, since] = [0, Date.now()];
                }
                if (++words > MOST_WORDS) {
                    sockets.delete(socket);
                    socket.close(TOO_MANY_WORDS, "Too many words at once");
                    return;
                }
                const text = typeof data === "string" ? data.trim().slice(0, LONGEST_WORD) : "";
                if (text !== "" && sockets.has(socket)) {
                    bus.publish(store.say(person.name, text));
                }
            },
            onClose(_event: CloseEvent, socket: WSContext) {
                clearTimeout(end);
                sockets.delete(socket);
            }
        };
    }

    return {
        async close(): Promise<void> {
            for (const socket of sockets) {
                socket.close(GOING_AWAY, "The server goes; come again");
            }
            await bus.close();
        }
    };
}

function send(socket: WSContext, words: readonly Word[]): void {
    const raw = socket.raw as WebSocket;
    if (raw.bufferedAmount > LARGEST_BACKLOG) {
        // It comes again for the last words, if it is there at all.
        raw.terminate();
        return;
    }
    socket.send(JSON.stringify(words));
}

/** Brings what is said at one instance to all of them. */
async function openBus(redisUrl: string | undefined, heard: (word: Word) => void) {
    if (redisUrl === undefined) {
        return { publish: heard, close: async () => undefined };
    }
    const publisher = createClient({ url: redisUrl });
    const subscriber = publisher.duplicate();
    for (const client of [publisher, subscriber]) {
        client.on("error", error =>
            console.error(JSON.stringify({ message: "redis", error: String(error) }))
        );
        await client.connect();
    }
    await subscriber.subscribe("todo:chat", text => heard(JSON.parse(text) as Word));
    return {
        publish: (word: Word) =>
            void publisher.publish("todo:chat", JSON.stringify(word)).catch(() => undefined),
        close: async () => {
            await Promise.all([publisher.close(), subscriber.close()]);
        }
    };
}
