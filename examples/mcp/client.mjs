// A client on the official SDK: it knows the server's URL, and finds out the rest.

import { UnauthorizedError } from "@modelcontextprotocol/sdk/client/auth.js";
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import { browse } from "../demo/client.mjs";
import { APP } from "../demo/issuer.mjs";

/**
 * @param {{ serverUrl: string, login: string }} options - `login`: who signs in, when the server asks for it
 * @returns an object with `call(tool, args)`, `tokens()`, `signIns` (the scopes that were asked for) and `close()`
 */
export async function connectMcpClient({ serverUrl, login }) {
    const provider = createOAuthProvider();
    const signIns = [];
    let transport;
    const client = new Client({ name: "items-client", version: "1.0.0" });
    const connect = () => {
        transport = new StreamableHTTPClientTransport(new URL(serverUrl), { authProvider: provider });
        return client.connect(transport);
    };
    await signingIn(connect);

    /** Where the server asks for a sign-in, a person does it, and the request is sent again. */
    async function signingIn(send) {
        try {
            return await send();
        } catch (error) {
            if (!(error instanceof UnauthorizedError)) {
                throw error;
            }
            const url = provider.authorizationUrl;
            signIns.push(url.searchParams.get("scope"));
            const callback = await browse(url, login);
            await transport.finishAuth(callback.searchParams.get("code"));
            return send();
        }
    }

    return {
        signIns,
        tokens: () => provider.tokens(),
        async call(name, args = {}) {
            const { content } = await signingIn(() => client.callTool({ name, arguments: args }));
            return content[0].text;
        },
        close: () => client.close()
    };
}

/** Of a public client that is registered with the authorization server, with everything in memory. */
function createOAuthProvider() {
    let tokens;
    let codeVerifier;
    return {
        redirectUrl: APP.redirectUri,
        clientMetadata: { client_name: "Items client", redirect_uris: [APP.redirectUri] },
        clientInformation: () => ({ client_id: APP.clientId }),
        tokens: () => tokens,
        saveTokens(saved) {
            tokens = saved;
        },
        codeVerifier: () => codeVerifier,
        saveCodeVerifier(saved) {
            codeVerifier = saved;
        },
        redirectToAuthorization(url) {
            this.authorizationUrl = url;
        }
    };
}
