// oauth4webapi: `validateJwtAccessToken` on a Fetch request. It checks DPoP proofs; remembering them is left to the
// application.

import { authorizationField } from "../wire.mjs";

export const oauth4webapi = {
    id: "oauth4webapi",
    title: "oauth4webapi",
    role: "peer",
    package: "oauth4webapi",
    can: () => true,
    async make({ issuerUri, audience, algorithm, target }) {
        const oauth = await import("oauth4webapi");
        const insecure = { [oauth.allowInsecureRequests]: true };
        const issuer = new URL(issuerUri);
        const server = await oauth.processDiscoveryResponse(
            issuer,
            await oauth.discoveryRequest(issuer, insecure)
        );
        const options = { ...insecure, signingAlgorithms: [algorithm] };
        // A proof may be signed with another algorithm, and this option is for both.
        const dpopOptions = { ...insecure, signingAlgorithms: [algorithm, "ES256"] };
        return {
            prepare: ({ token, proof }) =>
                new Request(target.url, {
                    method: target.method,
                    headers:
                        proof === undefined
                            ? { authorization: authorizationField("Bearer", token) }
                            : { authorization: authorizationField("DPoP", token), dpop: proof }
                }),
            verify: request =>
                oauth.validateJwtAccessToken(
                    server,
                    request,
                    audience,
                    request.headers.has("dpop") ? dpopOptions : options
                )
        };
    }
};
