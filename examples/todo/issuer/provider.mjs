// The settings of oidc-provider: one public client, the page; one resource, the API; access tokens that are bound to a key.

import { Memory } from "./memory.mjs";
import { refusedPage, signOutPage } from "./pages.mjs";
import { personOf } from "./people.mjs";

const { Provider, errors } = await withoutKnownWarnings(() => import("oidc-provider"));

const HOUR = 3600;
const SCOPE = "todos";

export function createProvider({ issuerUri, keys, audience, webOrigin, clientId, tokenSeconds }) {
    const configuration = {
        adapter: Memory,
        jwks: { keys: keys.current() },
        cookies: { keys: [keys.cookieKey] },
        clients: [
            {
                client_id: clientId,
                token_endpoint_auth_method: "none",
                grant_types: ["authorization_code", "refresh_token"],
                response_types: ["code"],
                redirect_uris: [`${webOrigin}/`],
                post_logout_redirect_uris: [`${webOrigin}/`],
                id_token_signed_response_alg: "ES256",
                dpop_bound_access_tokens: true
            }
        ],
        scopes: ["openid", "profile", "email"],
        claims: { openid: ["sub"], profile: ["name"], email: ["email"] },
        conformIdTokenClaims: false,
        findAccount: (_context, sub) => ({ accountId: sub, claims: () => claimsOf(sub) }),
        extraTokenClaims: (_context, { accountId }) => {
            const { name, roles } = personOf(accountId);
            return { name, roles };
        },
        pkce: { required: () => true },
        renderError(context, refusal) {
            context.type = "html";
            context.body = refusedPage(refusal);
        },
        interactions: { url: (_context, { uid }) => `/sign-in/${uid}` },
        // Whoever signs in has granted what the page asks for: there is no consent page.
        loadExistingGrant: context => grantEverything(context.oidc, audience),
        issueRefreshToken: () => true,
        clientBasedCORS: (_context, origin) => origin === webOrigin,
        ttl: {
            AccessToken: context => lifetimeAskedFor(context) ?? tokenSeconds(),
            Grant: 12 * HOUR,
            IdToken: HOUR,
            Interaction: HOUR,
            RefreshToken: 12 * HOUR,
            Session: 12 * HOUR
        },
        features: {
            devInteractions: { enabled: false },
            dPoP: { enabled: true },
            rpInitiatedLogout: {
                enabled: true,
                logoutSource: (context, form) => {
                    context.body = signOutPage(form);
                }
            },
            resourceIndicators: {
                enabled: true,
                defaultResource: () => audience,
                useGrantedResource: () => true,
                getResourceServerInfo(_context, resource) {
                    if (resource !== audience) {
                        throw new errors.InvalidTarget();
                    }
                    return {
                        scope: SCOPE,
                        audience,
                        accessTokenFormat: "jwt",
                        jwt: { sign: { alg: "ES256" } }
                    };
                }
            }
        }
    };
    const provider = withoutKnownWarnings(() => new Provider(issuerUri, configuration));
    provider.on("server_error", (_context, error) => console.error("The issuer failed:", error));
    return provider;
}

function claimsOf(sub) {
    const { name, email } = personOf(sub);
    return { sub, name, email };
}

/** A lesson of the panel asks for a token that ends at once. No issuer in production lets a client choose. */
function lifetimeAskedFor(context) {
    const seconds = Number(context.oidc.body?.lesson_lifetime);
    return seconds >= 1 && seconds <= 60 ? seconds : undefined;
}

async function grantEverything({ provider, client, session }, audience) {
    const grant = new provider.Grant({ clientId: client.clientId, accountId: session.accountId });
    grant.addOIDCScope("openid profile email");
    grant.addResourceScope(audience, SCOPE);
    await grant.save();
    return grant;
}

/** oidc-provider warns of Node.js 20, where it works too. Any other warning is shown. */
function withoutKnownWarnings(run) {
    const { warn } = console;
    console.warn = (...message) => {
        if (!/oidc-provider WARNING: Unsupported runtime/.test(message.join(" "))) {
            warn(...message);
        }
    };
    const restore = () => {
        console.warn = warn;
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
