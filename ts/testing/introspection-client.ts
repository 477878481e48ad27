/**
 * The client that may ask a test issuer about tokens (RFC 7662 section 2.1).
 *
 * In: what a test wrote. Out: a name and a secret. Never: a request, a client without a secret.
 */

import { randomBytes } from "node:crypto";
import { invalid, kindOf, readMembers, type Members } from "../validator/members.js";

/** The client that may ask an issuer about tokens: a resource server or a gateway. */
export interface IntrospectionClient {
    readonly clientId: string;
    readonly clientSecret: string;
}

const CLIENT: Members = {
    of: "introspectionClient",
    noun: "option",
    names: ["clientId", "clientSecret"] satisfies (keyof IntrospectionClient)[],
    example: 'introspectionClient: { clientId: "gateway", clientSecret: "secret" }'
};

/** The client that a test wrote, or one with a new secret. */
export function readClient(given: unknown): IntrospectionClient {
    if (given === undefined) {
        return { clientId: "test-resource-server", clientSecret: randomBytes(24).toString("base64url") };
    }
    const { clientId, clientSecret } = readMembers(given, CLIENT);
    for (const [name, value] of Object.entries({ clientId, clientSecret })) {
        if (typeof value !== "string" || value === "") {
            throw invalid(`${name} must be a text; got ${kindOf(value)}. Write ${CLIENT.example}`);
        }
    }
    return { clientId, clientSecret } as IntrospectionClient;
}
