/**
 * `extractRequestAuthContext`: the credentials of a request, and the method and URL that a proof must name.
 *
 * In: a request of any server. Out: the parameters of `validateAndDecodeAccessToken`. Never: a rule of OAuth.
 */

import { extractCredentials, textAt } from "../addon/native.js";
import { readRequest, type Sources } from "../request/request.js";
import type { AnyRequest, ParseAnyRequestResult } from "./types.js";

/** As in oidc-spa: only for a request of Node.js, an empty field counts as absent, and white space is removed. */
const SOURCES: Sources = {
    peerCertificate: false,
    pseudoScheme: true,
    valueOfNode: value => (value === "" ? null : value.trim())
};

/**
 * Reads the credentials of a request: `undefined` if it has none.
 *
 * Validates: the syntax of the `Authorization` field, and of the Host for DPoP. Does not validate: the token.
 */
export function extractRequestAuthContext(params: {
    request: AnyRequest;
    /** Whether `Forwarded` and `X-Forwarded-*` say how the client saw this server. */
    trustProxy: boolean;
}): ParseAnyRequestResult | undefined {
    const parts = readRequest(params.request, SOURCES);
    const [, authorization, dpop, method] = parts;
    const extraction = extractCredentials(Boolean(params.trustProxy), ...parts);

    if (extraction === null) {
        return undefined;
    }
    if (typeof extraction === "string") {
        return { isWellFormed: false, debugErrorMessage: extraction };
    }
    if (typeof extraction === "number") {
        const accessToken = textAt(extraction, authorization);
        return {
            isWellFormed: true,
            accessTokenAndMetadata: { scheme: "Bearer", accessToken, rejectIfAccessTokenDPoPBound: true }
        };
    }
    const [place, htu] = extraction;
    return {
        isWellFormed: true,
        accessTokenAndMetadata: {
            scheme: "DPoP",
            accessToken: textAt(place, authorization),
            dpopProof: dpop ?? "",
            expectedHtu: htu ?? undefined,
            expectedHtm: method ?? undefined
        }
    };
}
