// The client: obtains access tokens the way applications do, with openid-client.

import * as oauth from "openid-client";
import { APP, SCOPE } from "./issuer.mjs";

/** A key pair whose proofs can be made outside of openid-client too. */
export const randomDPoPKeyPair = () => oauth.randomDPoPKeyPair("ES256", { extractable: true });

/**
 * The client credentials grant: a service acts for itself.
 *
 * @param {{ issuerUri: string, clientSecret: string }} issuer
 * @param {{ clientId: string, resource: string, dpopKeyPair?: oauth.CryptoKeyPair }} request
 * @returns {Promise<string>} the access token; bound to the key pair, if there is one
 */
export async function clientCredentials({ issuerUri, clientSecret }, { clientId, resource, dpopKeyPair }) {
    const client = await discover(issuerUri, clientId, oauth.ClientSecretBasic(clientSecret));
    const { access_token: accessToken } = await oauth.clientCredentialsGrant(
        client,
        { resource, scope: SCOPE },
        dpopHandle(client, dpopKeyPair)
    );
    return accessToken;
}

/**
 * The authorization code grant with PKCE: a person signs in with a browser.
 *
 * @param {{ issuerUri: string }} issuer
 * @param {{ login: string, resource: string, dpopKeyPair?: oauth.CryptoKeyPair }} request
 * @returns {Promise<string>} the access token
 */
export async function authorizationCode({ issuerUri }, { login, resource, dpopKeyPair }) {
    const client = await discover(issuerUri, APP.clientId, oauth.None());
    const pkceCodeVerifier = oauth.randomPKCECodeVerifier();
    const expectedState = oauth.randomState();
    const authorizationUrl = oauth.buildAuthorizationUrl(client, {
        redirect_uri: APP.redirectUri,
        scope: `openid ${SCOPE}`,
        resource,
        state: expectedState,
        code_challenge: await oauth.calculatePKCECodeChallenge(pkceCodeVerifier),
        code_challenge_method: "S256"
    });
    const callbackUrl = await browse(authorizationUrl, login);
    const { access_token: accessToken } = await oauth.authorizationCodeGrant(
        client,
        callbackUrl,
        { pkceCodeVerifier, expectedState },
        { resource },
        dpopHandle(client, dpopKeyPair)
    );
    return accessToken;
}

function discover(issuerUri, clientId, clientAuthentication) {
    // The issuer of the demo is on loopback, without TLS.
    const execute = [oauth.allowInsecureRequests];
    return oauth.discovery(new URL(issuerUri), clientId, undefined, clientAuthentication, { execute });
}

function dpopHandle(client, dpopKeyPair) {
    return dpopKeyPair && { DPoP: oauth.getDPoPHandle(client, dpopKeyPair) };
}

/** What a browser does: follows redirects with its cookies, and a person fills in the sign-in form. */
export async function browse(authorizationUrl, login) {
    const cookies = new Map();
    let request = { url: authorizationUrl, method: "GET" };
    for (let page = 0; page < 10; page += 1) {
        const response = await fetch(request.url, {
            method: request.method,
            body: request.form,
            redirect: "manual",
            headers: { cookie: [...cookies].map(([name, value]) => `${name}=${value}`).join("; ") }
        });
        for (const cookie of response.headers.getSetCookie()) {
            const [, name, value] = /^([^=]+)=([^;]*)/.exec(cookie);
            cookies.set(name, value);
        }
        const location = response.headers.get("location");
        if (location?.startsWith(APP.redirectUri)) {
            return new URL(location);
        }
        if (location) {
            request = { url: new URL(location, request.url), method: "GET" };
        } else if (response.ok && (await response.text()).includes('<form method="post">')) {
            request = { url: request.url, method: "POST", form: new URLSearchParams({ login }) };
        } else {
            throw new Error(
                `${request.method} ${request.url.pathname} answered ${response.status} instead of a page`
            );
        }
    }
    throw new Error("the sign-in did not come to an end after 10 pages");
}
