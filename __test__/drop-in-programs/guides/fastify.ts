// A program on Fastify, as a user of oidc-spa/server writes it.

import Fastify, { type FastifyReply, type FastifyRequest } from "fastify";
import { extractRequestAuthContext, oidcSpa } from "oidc-spa/server";
import { z } from "zod";

const { bootstrapAuth, validateAndDecodeAccessToken } = oidcSpa
    .withExpectedDecodedAccessTokenShape({
        decodedAccessTokenSchema: z.object({
            sub: z.string(),
            realm_access: z.object({ roles: z.array(z.string()) }).optional()
        })
    })
    .createUtils();

async function getUser(params: { req: FastifyRequest; reply: FastifyReply; requiredRole?: "editor" }) {
    const { req, reply, requiredRole } = params;
    const refuse = (status: 400 | 401 | 403) => {
        reply.code(status).send();
        return new Promise<never>(() => {});
    };
    const requestAuthContext = extractRequestAuthContext({ request: req, trustProxy: true });
    if (!requestAuthContext) {
        return refuse(401);
    }
    if (!requestAuthContext.isWellFormed) {
        req.log.warn(requestAuthContext.debugErrorMessage);
        return refuse(400);
    }
    const { isSuccess, debugErrorMessage, decodedAccessToken } = await validateAndDecodeAccessToken(
        requestAuthContext.accessTokenAndMetadata
    );
    if (!isSuccess) {
        req.log.warn(debugErrorMessage);
        return refuse(401);
    }
    const { sub, realm_access } = decodedAccessToken;
    const roles = realm_access?.roles ?? [];
    if (requiredRole && !roles.includes(requiredRole)) {
        return refuse(403);
    }
    return { id: sub, roles };
}

bootstrapAuth({
    implementation: "real",
    issuerUri: process.env.OIDC_ISSUER_URI!,
    expectedAudience: process.env.OIDC_AUDIENCE
});

const app = Fastify({ trustProxy: true });

app.register(
    async api => {
        api.get("/public", async () => ({ open: true }));

        api.get("/items", async (req, reply) => {
            const user = await getUser({ req, reply });
            return { owner: user.id, items: ["apple"] };
        });

        api.get("/reports", async (req, reply) => {
            const user = await getUser({ req, reply, requiredRole: "editor" });
            return { editor: user.id, roles: user.roles };
        });
    },
    { prefix: "/api" }
);

const address = await app.listen({ port: Number(process.env.PORT ?? 3000), host: "127.0.0.1" });
console.log(`Listening on ${address}`);
