/**
 * Which validators look at no certificate of a client, so that a route that asks for one can say so.
 *
 * In: validators, what the addon read of their options. Out: yes or no. Never: a certificate.
 */

import type { Settings } from "../addon/native.js";

const withoutCertificates = new WeakSet<object>();

/** Notes what a validator looks at. */
export function noteCertificates(validator: object, { seesCertificates }: Settings): void {
    if (!seesCertificates) {
        withoutCertificates.add(validator);
    }
}

/** Whether a validator looks at no certificate but those that are passed beside a request. */
export const seesNoCertificate = (validator: object): boolean => withoutCertificates.has(validator);
