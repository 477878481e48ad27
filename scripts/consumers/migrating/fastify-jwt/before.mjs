import jwt from "@fastify/jwt";
import Fastify from "fastify";
import buildGetJwks from "get-jwks";

const getJwks = buildGetJwks({ providerDiscovery: true });
const fastify = Fastify();
fastify.register(jwt, {
    decode: { complete: true },
    secret: (_request, { header: { kid, alg } }) =>
        getJwks.getPublicKey({ domain: process.env.ISSUER_URI, kid, alg }),
    verify: {
        allowedIss: process.env.ISSUER_URI,
        allowedAud: process.env.AUDIENCE,
        algorithms: ["RS256"]
    }
});
fastify.addHook("onRequest", async request => {
    await request.jwtVerify();
});

fastify.get("/me", async request => ({ hello: request.user.sub }));
fastify.delete("/items", async (request, reply) =>
    reply.code((request.user.scope ?? "").split(" ").includes("items:write") ? 204 : 403).send()
);

fastify.listen({ port: Number(process.env.PORT) });
