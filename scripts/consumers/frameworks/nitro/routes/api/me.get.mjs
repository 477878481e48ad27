import { createValidator } from "oidc-spa-native";
let validator;
export default async event => {
    validator ??= createValidator({
        issuerUri: process.env.ISSUER_URI,
        expectedAudience: process.env.AUDIENCE,
        publicBaseUrl: process.env.PUBLIC_URL
    });
    const verdict = await validator.validateRequest(event.req);
    return verdict.isSuccess
        ? Response.json({ sub: verdict.claims.sub }, { headers: verdict.headers })
        : Response.json({ code: verdict.code }, { status: verdict.status, headers: verdict.headers });
};
