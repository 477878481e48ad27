/**
 * Sessions of socket.io that a client recovers: only as long as the token of the socket that left them.
 *
 * In: sockets, their server's options and adapter; who a socket is. Out: sessions that are not recovered, middleware
 * that is not skipped. Never: a session of which it does not know whose it was.
 */

/** What is used of a socket to find its server and the sessions of its namespace. */
export interface Recoverable {
    readonly nsp?: { readonly server?: object; readonly adapter?: object };
}

type ServerOptions = { readonly connectionStateRecovery?: { skipMiddlewares?: boolean } };
type Session = { readonly sid: string; readonly [tag: symbol]: unknown };
type Sessions = {
    readonly nsp?: { readonly sockets?: ReadonlyMap<string, object> };
    persistSession?(session: Session): unknown;
    restoreSession?(pid: string, offset: string): Promise<Session | null | undefined>;
};

/** Prepares the server of a socket: who recovers a session is judged as a new socket, and finds none that has expired. */
export function createRecovery<Auth>(
    authOf: (socket: object) => Auth | undefined,
    hasExpired: (auth: Auth) => boolean
): (socket: Recoverable) => void {
    const guarded = new WeakSet<object>();
    const tag = Symbol("oidc-spa-native:auth");

    const guard = (sessions: Sessions) => {
        const persist = sessions.persistSession?.bind(sessions);
        const restore = sessions.restoreSession?.bind(sessions);
        sessions.persistSession = session => {
            // The socket is still there as its session is put away.
            const socket = sessions.nsp?.sockets?.get(session.sid);
            const auth = socket === undefined ? undefined : authOf(socket);
            return persist?.(auth === undefined ? session : { ...session, [tag]: auth });
        };
        // It is asked before middleware, and what it returns is sent at once: events that the client missed.
        sessions.restoreSession = async (pid, offset) => {
            const session = await restore?.(pid, offset);
            return session && tag in session && !hasExpired(session[tag] as Auth) ? session : null;
        };
    };
    return ({ nsp }) => {
        const { opts } = (nsp?.server ?? {}) as { opts?: ServerOptions };
        const recovery = opts?.connectionStateRecovery;
        if (recovery === undefined || nsp?.adapter === undefined) {
            return;
        }
        // By default a recovered socket passes by all middleware.
        recovery.skipMiddlewares = false;
        if (!guarded.has(nsp.adapter)) {
            guarded.add(nsp.adapter);
            guard(nsp.adapter as Sessions);
        }
    };
}
