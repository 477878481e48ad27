/**
 * Hands Node.js' own certificate authorities to the addon, where the system has none: an image without the package
 * ca-certificates, such as `node:*-slim`.
 *
 * In: what the addon says of the system. Out: certificates in PEM, once a process. Never: an exception, a certificate
 * where the system has its own.
 */

import { rootCertificates } from "node:tls";
import { lacksAuthorities, trustAuthorities } from "./native.js";

/** Before the first fetch. Where the system has authorities, which is so nearly everywhere, nothing is read. */
export function lendAuthorities(): void {
    if (lacksAuthorities()) {
        // Not every runtime that has the module has the list.
        trustAuthorities([...((rootCertificates as readonly string[] | undefined) ?? [])]);
    }
}
