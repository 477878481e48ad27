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

/** Answers by itself; the Promise never settles, so that the route ends there. */
function refuse(reply: FastifyReply, status: 400 | 401 | 403) {
    reply.code(status).send();
    return new Promise<never>(() => {});
}

/** `undefined` for a request without credentials. */
async function findUser(params: { req: FastifyRequest; reply: FastifyReply }) {
    const { req, reply } = params;
    const requestAuthContext = extractRequestAuthContext({ request: req, trustProxy: true });
    if (!requestAuthContext) {
        return undefined;
    }
    if (!requestAuthContext.isWellFormed) {
        req.log.warn(requestAuthContext.debugErrorMessage);
        return refuse(reply, 400);
    }
    const { isSuccess, debugErrorMessage, decodedAccessToken } = await validateAndDecodeAccessToken(
        requestAuthContext.accessTokenAndMetadata
    );
    if (!isSuccess) {
        req.log.warn(debugErrorMessage);
        return refuse(reply, 401);
    }
    const { sub, realm_access } = decodedAccessToken;
    return { id: sub, roles: realm_access?.roles ?? [] };
}

async function getUser(params: { req: FastifyRequest; reply: FastifyReply; requiredRole?: "editor" }) {
    const { req, reply, requiredRole } = params;
    const user = await findUser({ req, reply });
    if (!user) {
        return refuse(reply, 401);
    }
    if (requiredRole && !user.roles.includes(requiredRole)) {
        return refuse(reply, 403);
    }
    return user;
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

        api.get("/greeting", async (req, reply) => {
            const user = await findUser({ req, reply });
            return { hello: user?.id ?? "stranger" };
        });

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
