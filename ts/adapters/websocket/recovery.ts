/**
 * Recovery of socket.io sessions: allowed only while the token of the earlier socket is valid.
 *
 * In: sockets, their server's options and adapter; the grant of a socket. Out: sessions that are not recovered,
 * middleware that is not skipped. Never: the recovery of a session without a known grant.
 */

/** The members of a socket that lead to its server and to the sessions of its namespace. */
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

/**
 * Prepares the server of a socket: a recovered socket is judged as a new one, and expired sessions are not recovered.
 */
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
            // The socket still exists when its session is stored.
            const socket = sessions.nsp?.sockets?.get(session.sid);
            const auth = socket === undefined ? undefined : authOf(socket);
            return persist?.(auth === undefined ? session : { ...session, [tag]: auth });
        };
        // It is called before middleware, and the missed events that it returns are sent at once.
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
        // By default a recovered socket skips all middleware.
        recovery.skipMiddlewares = false;
        if (!guarded.has(nsp.adapter)) {
            guarded.add(nsp.adapter);
            guard(nsp.adapter as Sessions);
        }
    };
}
