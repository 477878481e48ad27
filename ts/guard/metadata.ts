/**
 * Serves the protected resource metadata (RFC 9728 section 3).
 *
 * In: a validator with the option `resource`; method and request target. Out: the response, or `null` if the request is
 * for another path. Never: the Host of a request, authentication.
 */

import type { Validator } from "../../index.js";
import { invalid, kindOf } from "../validator/members.js";
import { isThenable } from "../validator/synchronous.js";
import { bodyFor, type ResponseToSend } from "./response.js";

/** Answers requests for the metadata; `null` to others. Takes the request target: path and query. */
export type MetadataHandler = (
    method: string | undefined,
    target: string | undefined
) => ResponseToSend | null;

// The document is public: clients of any origin read it before they have credentials.
const HEADERS = { "Access-Control-Allow-Origin": "*" } as const;
const ALLOW = "GET, HEAD, OPTIONS";

/** A handler for this validator. Throws TypeError if it has no `resource`. */
export function createMetadataHandler(validator: Pick<Validator, "resourceMetadata">): MetadataHandler {
    const { resourceMetadata } = Object(validator) as Partial<typeof validator>;
    if (resourceMetadata === null) {
        throw invalid(
            'to serve resource metadata, give the validator the option resource: "https://api.example.com"'
        );
    }
    // The option of this name is not a document: it has the members for one.
    if (typeof resourceMetadata?.path !== "string") {
        throw invalid(
            `resourceMetadata takes a validator; got ${isThenable(validator) ? "a Promise" : kindOf(validator)}. Write ` +
                "resourceMetadata(createValidator({ …, resource }))"
        );
    }
    const { path, document } = resourceMetadata;
    const text = JSON.stringify(document);
    const hasQuery = path.includes("?");

    return (method, target = "") => {
        if ((hasQuery ? target : target.split("?", 1)[0]) !== path) {
            return null;
        }
        switch (method) {
            case "GET":
            case "HEAD":
                return {
                    status: 200,
                    headers: {
                        ...HEADERS,
                        "Content-Type": "application/json",
                        "Cache-Control": "public, max-age=3600"
                    },
                    body: bodyFor(method, text)
                };
            case "OPTIONS":
                return {
                    status: 204,
                    headers: {
                        ...HEADERS,
                        Allow: ALLOW,
                        "Access-Control-Allow-Methods": ALLOW,
                        "Access-Control-Allow-Headers": "*"
                    },
                    body: null
                };
            default:
                return { status: 405, headers: { ...HEADERS, Allow: ALLOW }, body: null };
        }
    };
}

/**
 * Path and query of a URL as a Fetch-style server holds it; `undefined` if it is not a URL, since a client may send any
 * text.
 */
export function targetOf(url: string): string | undefined {
    if (!URL.canParse(url, BASE)) {
        return undefined;
    }
    const { pathname, search } = new URL(url, BASE);
    return pathname + search;
}

const BASE = "http://localhost";
