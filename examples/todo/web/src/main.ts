// Where the page starts: first what records the wire, then oidc-spa, whose DPoP proofs are made above it, then the application.

import "./wire";
import { DPoP } from "oidc-spa/DPoP";
import { oidcEarlyInit } from "oidc-spa/entrypoint";

const { shouldLoadApp } = oidcEarlyInit({
    BASE_URL: import.meta.env.BASE_URL,
    // On where the issuer knows DPoP. It is the API that requires it.
    securityDefenses: { ...DPoP({ mode: "auto" }) }
});

// In a frame in which a session is renewed there is no application.
if (shouldLoadApp) {
    void import("./app");
}
