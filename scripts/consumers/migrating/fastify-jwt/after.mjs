import Fastify from "fastify";
import { createValidator } from "oidc-spa-native";
import { allScopes } from "oidc-spa-native/authorization";
import { protect } from "oidc-spa-native/fastify";

const validator = createValidator({
    issuerUri: process.env.ISSUER_URI,
    expectedAudience: process.env.AUDIENCE,
    algorithms: ["RS256"]
});

const fastify = Fastify();
fastify.addHook("onRequest", protect(validator));

fastify.get("/me", async request => ({ hello: request.auth.claims.sub }));
fastify.delete(
    "/items",
    { onRequest: protect(validator, { require: allScopes(["items:write"]) }) },
    async (_request, reply) => reply.code(204).send()
);

fastify.listen({ port: Number(process.env.PORT) });
