// The session, by oidc-spa: who is signed in, and the access token for the API.

import { oidcSpa } from "oidc-spa/react-spa";
import { settings } from "./settings";

export interface IdToken extends Record<string, unknown> {
    readonly sub: string;
    readonly name?: string;
}

export const { bootstrapOidc, useOidc, getOidc, enforceLogin, OidcInitializationGate } = oidcSpa
    .withExpectedDecodedIdTokenShape({
        decodedIdTokenSchema: { parse: claims => ({ ...claims, sub: String(claims.sub) }) as IdToken }
    })
    .createUtils();

const { issuerUri, clientId, scopes } = settings;
const extraParams = Object.fromEntries(new URLSearchParams(settings.extraParams));
void bootstrapOidc({
    implementation: "real",
    issuerUri,
    clientId,
    scopes: scopes.split(" "),
    extraQueryParams: extraParams,
    extraTokenParams: extraParams
});

export async function accessToken(): Promise<string> {
    const oidc = await getOidc({ assert: "user logged in" });
    return oidc.getAccessToken();
}
