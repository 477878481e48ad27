// A real authorization server (oidc-provider), embedded: loopback, in memory, gone when it is closed.

import { generateKeyPairSync, randomBytes, randomUUID } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:http";
import { text } from "node:stream/consumers";

const { Provider, errors } = await withoutKnownWarnings(() => import("oidc-provider"));

/** The resource server of the demo, as a resource indicator (RFC 8707) and so as the tokens' audience. */
export const API = "https://api.example.com";
/** Another resource server of the same issuer. */
export const OTHER_API = "https://billing.example.com";
/** The scope that both resource servers know. */
export const SCOPE = "items:read";

/** Confidential clients for the client credentials grant: one a signature algorithm, and one with short-lived tokens. */
export const SERVICES = [
    { clientId: "service-rs256", algorithm: "RS256" },
    { clientId: "service-es256", algorithm: "ES256" },
    { clientId: "service-eddsa", algorithm: "EdDSA" },
    { clientId: "service-short-lived", algorithm: "ES256", lifetimeSeconds: 1 }
];
/** The public client for the authorization code grant with PKCE. Its redirect URI is read, never fetched. */
export const APP = { clientId: "app", algorithm: "ES256", redirectUri: "https://app.example.com/callback" };

/**
 * Starts the authorization server.
 *
 * @param {object} [options]
 * @param {number} [options.port] - default: any free one
 * @param {object[]} [options.keys] - private JWKs to sign with; default {@link generateSigningKeys}
 * @param {string[]} [options.resources] - resource indicators that tokens may be asked for
 * @param {string} [options.scope] - the scopes that the resource servers know; default {@link SCOPE}
 * @param {{ clientId: string, algorithm?: string, lifetimeSeconds?: number }[]} [options.services]
 * @param {{ clientId: string, algorithm?: string, redirectUri: string, origin?: string }} [options.app] - the public
 *   client; with `origin`, its pages in a browser may call the token endpoint
 * @param {(claims: object) => object} [options.tokenClaims] - returns further claims for an access token
 * @returns an object with
 *   - `issuerUri`
 *   - `clientSecret`, shared by the services
 *   - `jwksRequests`: how often the JWK Set was read
 *   - `rotate({ keys, published })`: signs with new keys from now on; with `published: false` the JWK Set stays the
 *     old one until `publish()`
 *   - `publish()`
 *   - `close()`
 */
export async function startIssuer({
    port = 0,
    keys = generateSigningKeys(),
    resources = [API, OTHER_API],
    scope = SCOPE,
    services = SERVICES,
    app = APP,
    tokenClaims = () => ({})
} = {}) {
    const clientSecret = randomBytes(24).toString("base64url");
    const cookieKey = randomBytes(32).toString("base64url");
    // They differ between a rotation and the publication of its keys.
    let signing;
    let publishing;
    let jwksRequests = 0;

    const server = createServer((req, res) => {
        const [pathname] = req.url.split("?");
        if (pathname === "/jwks") {
            jwksRequests += 1;
            publishing.callback()(req, res);
        } else if (pathname.startsWith("/interaction/")) {
            signIn(signing, req, res).catch(error => {
                console.error("sign-in failed:", error);
                res.writeHead(500).end();
            });
        } else {
            signing.callback()(req, res);
        }
    });
    server.listen(port, "127.0.0.1");
    await once(server, "listening");
    const issuerUri = `http://127.0.0.1:${server.address().port}`;

    function sign(signingKeys) {
        const settings = {
            issuerUri,
            signingKeys,
            clientSecret,
            cookieKey,
            resources,
            scope,
            services,
            app,
            tokenClaims
        };
        signing = createProvider(settings);
    }

    function publish() {
        publishing = signing;
    }

    sign(keys);
    publish();

    return {
        issuerUri,
        clientSecret,
        get jwksRequests() {
            return jwksRequests;
        },
        rotate({ keys: newKeys = generateSigningKeys(), published = true } = {}) {
            sign(newKeys);
            if (published) {
                publish();
            }
        },
        publish,
        async close() {
            server.closeAllConnections();
            server.close();
            await once(server, "close");
        }
    };
}

/** Private JWKs for RS256, ES256 and EdDSA, each with a fresh `kid`. */
export function generateSigningKeys() {
    // As JWK from the start: in Node.js 20, a garbage collection that meets `KeyObject.export({ format: "jwk" })` of a
    // key just generated ends in a deadlock.
    const jwk = { publicKeyEncoding: { format: "jwk" }, privateKeyEncoding: { format: "jwk" } };
    const pairs = [
        generateKeyPairSync("rsa", { modulusLength: 2048, ...jwk }),
        generateKeyPairSync("ec", { namedCurve: "P-256", ...jwk }),
        generateKeyPairSync("ed25519", jwk)
    ];
    return pairs.map(({ privateKey }) => ({ ...privateKey, kid: randomUUID(), use: "sig" }));
}

function createProvider(settings) {
    const { issuerUri, signingKeys, clientSecret, cookieKey, resources, scope, services, app, tokenClaims } =
        settings;
    const clients = new Map([...services, app].map(client => [client.clientId, client]));
    const configuration = {
        jwks: { keys: signingKeys },
        clients: [...services.map(service => confidentialClient(service, clientSecret)), publicClient(app)],
        cookies: { keys: [cookieKey] },
        scopes: ["openid"],
        findAccount: (_context, accountId) => ({ accountId, claims: () => ({ sub: accountId }) }),
        pkce: { required: () => true },
        interactions: { url: (_context, interaction) => `/interaction/${interaction.uid}` },
        // Whoever signs in has granted what the application asks for: there is no consent page.
        loadExistingGrant: context => grantEverything(context.oidc, resources, scope),
        extraTokenClaims: (_context, token) => tokenClaims(token),
        clientBasedCORS: (_context, origin) => origin === app.origin,
        ttl: {
            AccessToken: (_context, token) => token.resourceServer.accessTokenTTL,
            ClientCredentials: (_context, token) => token.resourceServer.accessTokenTTL,
            Grant: 3600,
            IdToken: 3600,
            Interaction: 3600,
            Session: 3600
        },
        features: {
            devInteractions: { enabled: false },
            clientCredentials: { enabled: true },
            dPoP: { enabled: true },
            resourceIndicators: {
                enabled: true,
                useGrantedResource: () => true,
                getResourceServerInfo(_context, resource, client) {
                    if (!resources.includes(resource)) {
                        throw new errors.InvalidTarget();
                    }
                    const { algorithm = "RS256", lifetimeSeconds = 300 } = clients.get(client.clientId);
                    return {
                        scope,
                        audience: resource,
                        accessTokenFormat: "jwt",
                        accessTokenTTL: lifetimeSeconds,
                        jwt: { sign: { alg: algorithm } }
                    };
                }
            }
        }
    };
    const provider = withoutKnownWarnings(() => new Provider(issuerUri, configuration));
    provider.on("server_error", (_context, error) => console.error("oidc-provider failed:", error));
    return provider;
}

function confidentialClient({ clientId }, clientSecret) {
    return {
        client_id: clientId,
        client_secret: clientSecret,
        grant_types: ["client_credentials"],
        redirect_uris: [],
        response_types: []
    };
}

function publicClient({ clientId, redirectUri }) {
    return {
        client_id: clientId,
        token_endpoint_auth_method: "none",
        grant_types: ["authorization_code"],
        redirect_uris: [redirectUri],
        response_types: ["code"]
    };
}

async function grantEverything({ provider, client, session }, resources, scope) {
    const grant = new provider.Grant({ clientId: client.clientId, accountId: session.accountId });
    grant.addOIDCScope("openid");
    for (const resource of resources) {
        grant.addResourceScope(resource, scope);
    }
    await grant.save();
    return grant;
}

/** The sign-in page: any name will do. */
async function signIn(provider, req, res) {
    if (req.method === "POST") {
        const accountId = new URLSearchParams(await text(req)).get("login");
        await provider.interactionFinished(req, res, { login: { accountId } });
        return;
    }
    res.setHeader("content-type", "text/html; charset=utf-8").end(
        '<!doctype html><title>Sign in</title><form method="post"><input name="login"><button>Sign in</button></form>'
    );
}

/** oidc-provider warns of Node.js 20 and of its in-memory store. Both are meant here; any other warning is shown. */
function withoutKnownWarnings(run) {
    const { warn } = console;
    const restore = () => {
        console.warn = warn;
    };
    console.warn = (...message) => {
        if (
            !/oidc-provider WARNING: (Unsupported runtime|a quick start .* in-memory adapter)/.test(
                message.join(" ")
            )
        ) {
            warn(...message);
        }
    };
    let result;
    try {
        result = run();
    } finally {
        if (!(result instanceof Promise)) {
            restore();
        }
    }
    return result instanceof Promise ? result.finally(restore) : result;
}
