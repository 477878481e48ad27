/**
 * Sessions of socket.io that a client recovers: only as long as the token of the socket that left them.
 *
 * In: sockets that were let in, their server's options and adapter. Out: sessions that are not recovered, middleware that is
 * not skipped. May use: nothing. Never: a session of which it does not know whose it was.
 */

/** What is used of a socket to find its server and its session. */
export interface Recoverable {
    /** Its namespace, which knows the server's options and holds the sessions. */
    readonly nsp?: { readonly server?: object; readonly adapter?: object };
    once(event: "disconnect", listener: () => void): unknown;
}

type ServerOptions = { readonly connectionStateRecovery?: { skipMiddlewares?: boolean } };
type Session = { readonly pid: string; readonly [tag: symbol]: unknown };
type Sessions = {
    persistSession?(session: Session): unknown;
    restoreSession?(pid: string, offset: string): Promise<Session | null | undefined>;
};

/** Notes whose a socket's session is. Sockets and sessions of `auth` that has expired are new ones. */
export function newRecovery<Auth>(hasExpired: (auth: Auth) => boolean): {
    readonly prepare: (socket: Recoverable) => void;
    readonly note: (socket: Recoverable, auth: Auth) => void;
} {
    const guarded = new WeakSet<object>();
    const connected = new Map<unknown, Auth>();
    const tag = Symbol("oidc-spa-native:auth");

    const guard = (sessions: Sessions) => {
        const persist = sessions.persistSession?.bind(sessions);
        const restore = sessions.restoreSession?.bind(sessions);
        sessions.persistSession = session =>
            persist?.(
                connected.has(session.pid) ? { ...session, [tag]: connected.get(session.pid) } : session
            );
        // It is asked before middleware, and what it returns is sent at once: events that the client missed.
        sessions.restoreSession = async (pid, offset) => {
            const session = await restore?.(pid, offset);
            return session && tag in session && !hasExpired(session[tag] as Auth) ? session : null;
        };
    };
    return {
        prepare: ({ nsp }) => {
            const { opts } = (nsp?.server ?? {}) as { opts?: ServerOptions };
            const { connectionStateRecovery } = opts ?? {};
            if (connectionStateRecovery === undefined || nsp?.adapter === undefined) {
                return;
            }
            // By default a recovered socket passes by all middleware.
            connectionStateRecovery.skipMiddlewares = false;
            if (!guarded.has(nsp.adapter)) {
                guarded.add(nsp.adapter);
                guard(nsp.adapter as Sessions);
            }
        },
        note: (socket, auth) => {
            const { pid } = socket as { pid?: unknown };
            if (pid !== undefined) {
                connected.set(pid, auth);
                socket.once("disconnect", () => connected.delete(pid));
            }
        }
    };
}
