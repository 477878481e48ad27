/**
 * Notes which validators read no client certificates, so that a route that requires one is an error.
 *
 * In: validators, their settings. Out: yes or no. Never: a certificate.
 */

import type { Settings } from "../addon/native.js";

const withoutCertificates = new WeakSet<object>();

/** Notes which certificates a validator reads. */
export function noteCertificates(validator: object, { seesCertificates }: Settings): void {
    if (!seesCertificates) {
        withoutCertificates.add(validator);
    }
}

/** Whether a validator reads only certificates that are passed beside a request. */
export const seesNoCertificate = (validator: object): boolean => withoutCertificates.has(validator);
