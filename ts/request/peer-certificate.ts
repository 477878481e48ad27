/**
 * Reads the certificate that a client showed in its TLS handshake, once for each connection.
 *
 * In: a request of Node.js and its socket. Out: the certificate in DER. Never: who signed it, what it says: the
 * handshake proved that the client holds its key, and a token names the certificate itself.
 */

import { types } from "node:util";
import type { Bag } from "./fields.js";

/** The certificates by connection, since Node.js copies the certificate at each call. */
const certificates = new WeakMap<object, Uint8Array>();

/** The certificate of the client's connection, or `null` if it showed none. */
export function certificateOfConnection(request: Bag, socket: Bag): Uint8Array | null {
    // Each HTTP/2 request has its own proxy object for the socket of its session.
    const session = (request.stream as Bag | null | undefined)?.session;
    const connection = typeof session === "object" && session !== null ? session : socket;
    const known = certificates.get(connection);
    if (known !== undefined) {
        return known;
    }
    const certificate = readCertificate(socket);
    if (certificate !== null) {
        certificates.set(connection, certificate);
    }
    return certificate;
}

function readCertificate(socket: Bag): Uint8Array | null {
    const read = socket.getPeerX509Certificate;
    // An object with `encrypted` need not be a TLS socket of Node.js: such a connection has no certificate.
    const certificate: unknown = typeof read === "function" ? Reflect.apply(read, socket, []) : undefined;
    const raw = (certificate as Bag | null | undefined)?.raw;
    return types.isUint8Array(raw) ? raw : null;
}
