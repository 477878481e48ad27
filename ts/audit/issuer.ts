/**
 * The issuer of a run: a test issuer of the kit, which publishes the keys that the vectors are signed with.
 *
 * In: where it listens, how it is called. Out: an issuer, its private keys. Never: a key that another run has.
 */

import { createTestIssuer } from "../testing/issuer.js";
import { createTestKey, type SigningAlgorithm, type TestJwk } from "../testing/keys.js";

/** The keys of the issuer that vectors name, and an algorithm of each. */
const KEYS: Readonly<Record<string, SigningAlgorithm>> = {
    "rsa-1": "RS256",
    "rsa-2": "RS384",
    "ps-1": "PS256",
    "es-1": "ES256",
    "es-3": "ES384",
    "es-5": "ES512",
    "ed-1": "EdDSA"
};

/** Paths of keys: that of the metadata, and those that servers know without it, of Keycloak, Auth0 and others. */
const KEY_PATHS = /\/(?:jwks|\.well-known\/jwks\.json|protocol\/openid-connect\/certs)$/;

/** Where the issuer listens, and its name. */
export interface IssuerPlace {
    readonly port: number;
    readonly host: string;
    /** Its identifier, if servers reach it by another name than the address at which it listens. */
    readonly issuerUri: string | undefined;
}

/** The issuer of a run. */
export interface AuditIssuer {
    readonly issuerUri: string;
    readonly jwksUri: string;
    readonly privateKeys: Readonly<Record<string, TestJwk>>;
    /** What it publishes from now on, in the place of nothing. */
    publish(keys: readonly TestJwk[]): void;
    /** How often the keys were asked for. */
    readonly asked: number;
    close(): Promise<void>;
}

/** Starts it. */
export async function startIssuer({ port, host, issuerUri }: IssuerPlace): Promise<AuditIssuer> {
    const named = Object.entries(KEYS).map(([name, algorithm]) => [name, createTestKey(algorithm)] as const);
    let published: readonly TestJwk[] = [];
    let asked = 0;
    const listening = await createTestIssuer({
        issuerUri: issuerUri ?? "http://127.0.0.1/audit",
        keys: named.map(([, key]) => key)
    }).listen({
        port,
        host,
        issuerUri,
        respond: (request, response) => {
            const isForKeys = KEY_PATHS.test(request.url?.split("?", 1)[0] ?? "");
            if (isForKeys) {
                asked++;
                response.writeHead(200, { "Content-Type": "application/jwk-set+json" });
                response.end(JSON.stringify({ keys: published }));
            }
            return isForKeys;
        }
    });
    return {
        issuerUri: listening.issuerUri,
        jwksUri: `${listening.issuerUri.replace(/\/$/, "")}/jwks`,
        privateKeys: Object.fromEntries(named.map(([name, key]) => [name, key.privateJwk])),
        publish: keys => {
            published = keys;
        },
        get asked() {
            return asked;
        },
        close: () => listening.close()
    };
}
