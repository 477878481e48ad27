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
/** Bytes that may wait for a client that does not read. They are memory of this process. */
const LARGEST_BACKLOG = 256 * 1024;
/** As timers of JavaScript have it; a token that lives longer than 24 days ends its socket then. */
const LONGEST_WAIT_MS = 2 ** 31 - 1;
/** The close codes that the page knows: the token has ended; this instance goes. */
const TOKEN_EXPIRED = 4401;
const GOING_AWAY = 1001;
const POLICY = 1008;
/** What one person may have and say at one instance. */
const SOCKETS_AT_ONCE = 10;
const WORDS_A_MINUTE = 60;

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
    /** The sockets that are open, each with the id of its person. */
    const sockets = new Map<WSContext, string>();
    const bus = await openBus(redisUrl, word => {
        for (const socket of sockets.keys()) {
            send(socket, [word]);
        }
    });

    app.openapi(ticketRoute(guard), c => {
        const ticket = store.addTicket(c.var.person, TICKET_SECONDS);
        if (ticket === undefined) {
            throw tooMany("You have tickets that were not used yet.");
        }
        return c.json({ ticket }, 201);
    });

    app.get("/chat", (c, next) => {
        const field = c.req.header("sec-websocket-protocol") ?? "";
        // Not with a pattern for the spaces: a long run of them would cost the square of its length.
        const offered = field.split(",").map(protocol => protocol.trim());
        const ticket = offered.find(protocol => protocol.startsWith("ticket."))?.slice("ticket.".length);
        const person = ticket === undefined ? undefined : store.takeTicket(ticket);
        if (person === undefined) {
            const detail = "The socket needs a ticket of POST /chat/tickets that was not used yet.";
            throw new ProblemError({ status: 401, code: "ticket_invalid", detail });
        }
        if ([...sockets.values()].filter(id => id === person.id).length >= SOCKETS_AT_ONCE) {
            throw tooMany("You have as many sockets as one person may have.");
        }
        return upgradeWebSocket(() => eventsOf(person))(c, next);
    });

    function eventsOf(person: Person) {
        let end: NodeJS.Timeout;
        let said = 0;
        let minute = 0;
        return {
            onOpen(_event: Event, socket: WSContext) {
                const left = Math.min(person.expiresAt - Date.now(), LONGEST_WAIT_MS);
                end = setTimeout(() => close(socket, TOKEN_EXPIRED, "The token has ended"), left);
                sockets.set(socket, person.id);
                send(socket, store.lastWords());
            },
            onMessage({ data }: MessageEvent, socket: WSContext) {
                const text = typeof data === "string" ? data.trim().slice(0, LONGEST_WORD) : "";
                if (text === "" || !sockets.has(socket)) {
                    return;
                }
                const now = Math.floor(Date.now() / 60_000);
                said = now === minute ? said + 1 : 1;
                minute = now;
                if (said > WORDS_A_MINUTE) {
                    close(socket, POLICY, "Too much was said in a minute");
                    return;
                }
                bus.publish(store.say(person.name, text));
            },
            onClose(_event: CloseEvent, socket: WSContext) {
                clearTimeout(end);
                sockets.delete(socket);
            }
        };
    }

    /** What comes until the other side has closed too is not heard: it may take its time. */
    function close(socket: WSContext, code: number, reason: string): void {
        sockets.delete(socket);
        socket.close(code, reason);
    }

    return {
        async close(): Promise<void> {
            for (const socket of [...sockets.keys()]) {
                close(socket, GOING_AWAY, "The server goes; come again");
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

const tooMany = (detail: string) =>
    new ProblemError({
        status: 429,
        code: "too_many",
        detail,
        headers: { "Retry-After": String(TICKET_SECONDS) }
    });

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
