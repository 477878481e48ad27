// What the application does once it is loaded. The test calls `callApi`.

import { createOidc } from "oidc-spa/core";

declare global {
    interface Window {
        /** Calls the API as the signed-in user: the status of the answer that the application got, and its body. */
        callApi?: (url: string) => Promise<{ status: number; body: string }>;
    }
}

const settings = new URL("./settings.json", window.location.href);
const { issuerUri, clientId, resource, scope } = (await (await fetch(settings)).json()) as Record<
    string,
    string
>;

const oidc = await createOidc({
    issuerUri: issuerUri ?? "",
    clientId: clientId ?? "",
    scopes: [scope ?? ""],
    extraQueryParams: { resource },
    extraTokenParams: { resource },
    autoLogin: true
});

window.callApi = async url => {
    const { accessToken } = await oidc.getTokens();
    const response = await fetch(url, { headers: { Authorization: `Bearer ${accessToken}` } });
    return { status: response.status, body: await response.text() };
};
