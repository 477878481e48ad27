/**
 * Hands the certificate authorities of Node.js to the addon if the system has none, as in an image without the package
 * ca-certificates, such as `node:*-slim`.
 *
 * In: whether the system has authorities, from the addon. Out: certificates in PEM, once in a process. Never: an
 * exception, a certificate if the system has its own.
 */

import { lacksAuthorities, trustAuthorities } from "./native.js";

/** Called before the first fetch. Nearly every system has authorities; then nothing is read. */
export function lendAuthorities(): void {
    if (lacksAuthorities()) {
        // Loading it takes milliseconds, with the modules that it loads.
        const { rootCertificates } = require("node:tls") as typeof import("node:tls");
        // Not every runtime that has the module has the list.
        trustAuthorities([...((rootCertificates as readonly string[] | undefined) ?? [])]);
    }
}
