// A single-page application on oidc-spa, as its guide has it: DPoP on, signed in from the start.

import { DPoP } from "oidc-spa/DPoP";
import { oidcEarlyInit } from "oidc-spa/entrypoint";

const { shouldLoadApp } = oidcEarlyInit({
    BASE_URL: "/",
    sessionRestorationMethod: "full page redirect",
    securityDefenses: { ...DPoP({ mode: "enforced" }) }
});

if (shouldLoadApp) {
    void import("./app.js");
}
