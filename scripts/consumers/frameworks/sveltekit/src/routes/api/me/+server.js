import { env } from "node:process";
import { createValidator } from "oidc-spa-native";

let validator;

export async function GET({ request }) {
    validator ??= createValidator({ issuerUri: env.ISSUER_URI, expectedAudience: env.AUDIENCE, publicBaseUrl: env.PUBLIC_URL });
    const verdict = await validator.validateRequest(request);
    return verdict.isSuccess
        ? Response.json({ sub: verdict.claims.sub }, { headers: verdict.headers })
        : Response.json({ code: verdict.code }, { status: verdict.status, headers: verdict.headers });
}
