// Four libraries, each set up as its documentation says, for the same issuer and audience.
//
// An engine says of a request: `undefined` if it is granted, or a text that says why not.

import { createHash } from "node:crypto";
import { calculateJwkThumbprint, createLocalJWKSet, EmbeddedJWK, jwtVerify } from "jose";
import { allowInsecureRequests, jwksCache, validateJwtAccessToken } from "oauth4webapi";
import { extractRequestAuthContext, oidcSpa } from "oidc-spa/server";
import { createValidator } from "oidc-spa-native";
import { AUDIENCE, NOW } from "./drafts.mjs";

/** The request as `node:http` holds it: repeated fields as Node.js joins them, and `rawHeaders` with all of them. */
export function nodeRequest({ method, target, fields }) {
    const headers = {};
    for (const [name, value] of fields) {
        const key = name.toLowerCase();
        const isFirstAlone = key === "authorization" || key === "host";
        const before = headers[key];
        headers[key] = before === undefined ? value : isFirstAlone ? before : `${before}, ${value}`;
    }
    const socket = { remoteAddress: "192.0.2.7", encrypted: true };
    return { method, url: target, headers, rawHeaders: fields.flat(), httpVersion: "1.1", socket };
}

async function reasonOf(judge) {
    try {
        await judge();
        return undefined;
    } catch (error) {
        return `${error.code ?? error.name}: ${error.message}`;
    }
}

function ours(issuerUri, jwks) {
    const validator = createValidator({
        issuerUri,
        expectedAudience: AUDIENCE,
        keys: { jwks },
        clock: () => NOW * 1000
    });
    return async request => {
        const verdict = await validator.validateRequest(nodeRequest(request));
        return verdict.isSuccess ? undefined : `${verdict.code}: ${verdict.debugErrorMessage}`;
    };
}

async function theirs(issuerUri) {
    const utils = oidcSpa.createUtils();
    await utils.bootstrapAuth({ implementation: "real", issuerUri, expectedAudience: AUDIENCE });
    return request =>
        reasonOf(async () => {
            const context = extractRequestAuthContext({ request: nodeRequest(request), trustProxy: false });
            if (!context?.isWellFormed) {
                throw new Error(context?.debugErrorMessage ?? "no credentials");
            }
            const result = await utils.validateAndDecodeAccessToken(context.accessTokenAndMetadata);
            if (!result.isSuccess) {
                throw new Error(`${result.errorCause}: ${result.debugErrorMessage}`);
            }
        });
}

/** `jose` verifies JWTs. The comparisons of RFC 9449 section 4.3 around it are those that a careful program writes. */
function jose(issuerUri, jwks) {
    const keys = createLocalJWKSet(jwks);
    const currentDate = new Date(NOW * 1000);
    const require = (condition, what) => {
        if (!condition) {
            throw new Error(what);
        }
    };
    return request =>
        reasonOf(async () => {
            const { headers, method, url } = nodeRequest(request);
            const [, scheme, token] = /^(Bearer|DPoP) +(\S+)$/i.exec(headers.authorization ?? "") ?? [];
            require(token !== undefined, "no credentials");
            const { payload } = await jwtVerify(token, keys, {
                issuer: issuerUri,
                audience: AUDIENCE,
                currentDate,
                requiredClaims: ["exp", "iat", "sub"]
            });
            const jkt = payload.cnf?.jkt;
            require((jkt !== undefined) === (scheme.toLowerCase() === "dpop"), "scheme");
            if (jkt === undefined) {
                return;
            }
            const proof = await jwtVerify(headers.dpop ?? "", EmbeddedJWK, {
                typ: "dpop+jwt",
                currentDate,
                maxTokenAge: 40,
                clockTolerance: 10,
                requiredClaims: ["jti", "iat"]
            });
            const { htm, htu, ath } = proof.payload;
            require((await calculateJwkThumbprint(proof.protectedHeader.jwk)) === jkt, "jkt");
            require(htm === method, "htm");
            const sent = new URL(url, `https://${headers.host}`);
            const named = new URL(htu);
            require(named.origin + named.pathname === sent.origin + sent.pathname, "htu");
            require(ath === createHash("sha256").update(token).digest("base64url"), "ath");
        });
}

function oauth4webapi(issuerUri, jwks) {
    const server = { issuer: issuerUri, jwks_uri: `${issuerUri}/jwks` };
    return request =>
        reasonOf(async () => {
            const url = new URL(request.target, `https://${new Headers(request.fields).get("host")}`);
            const received = new Request(url, { method: request.method, headers: request.fields });
            await validateJwtAccessToken(server, received, AUDIENCE, {
                [jwksCache]: { jwks, uat: NOW },
                [allowInsecureRequests]: true
            });
        });
}

/** The engines by name, for an issuer that listens at this address. */
export async function createEngines(issuerUri, jwks) {
    return {
        "oidc-spa-native": ours(issuerUri, jwks),
        "oidc-spa/server": await theirs(issuerUri),
        jose: jose(issuerUri, jwks),
        oauth4webapi: oauth4webapi(issuerUri, jwks)
    };
}
