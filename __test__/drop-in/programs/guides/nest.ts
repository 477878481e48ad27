// A program on NestJS, as a user of oidc-spa/server writes it: the controllers hand the raw request over.

import "reflect-metadata";
import {
    BadRequestException,
    Controller,
    ForbiddenException,
    Get,
    Module,
    Req,
    UnauthorizedException
} from "@nestjs/common";
import { NestFactory } from "@nestjs/core";
import type { Request } from "express";
import { extractRequestAuthContext, oidcSpa, type AnyRequest } from "oidc-spa/server";
import { z } from "zod";

const { bootstrapAuth, validateAndDecodeAccessToken } = oidcSpa
    .withExpectedDecodedAccessTokenShape({
        decodedAccessTokenSchema: z.object({
            sub: z.string(),
            realm_access: z.object({ roles: z.array(z.string()) }).optional()
        })
    })
    .createUtils();

interface User {
    id: string;
    roles: string[];
}

/** `undefined` for a request without credentials. */
async function findUser(req: AnyRequest): Promise<User | undefined> {
    const requestAuthContext = extractRequestAuthContext({ request: req, trustProxy: true });
    if (!requestAuthContext) {
        return undefined;
    }
    if (!requestAuthContext.isWellFormed) {
        console.warn(requestAuthContext.debugErrorMessage);
        throw new BadRequestException();
    }
    const { isSuccess, debugErrorMessage, decodedAccessToken } = await validateAndDecodeAccessToken(
        requestAuthContext.accessTokenAndMetadata
    );
    if (!isSuccess) {
        console.warn(debugErrorMessage);
        throw new UnauthorizedException();
    }
    return { id: decodedAccessToken.sub, roles: decodedAccessToken.realm_access?.roles ?? [] };
}

async function getUser(req: AnyRequest, requiredRole?: "editor"): Promise<User> {
    const user = await findUser(req);
    if (!user) {
        throw new UnauthorizedException();
    }
    if (requiredRole && !user.roles.includes(requiredRole)) {
        throw new ForbiddenException(`This needs the role ${requiredRole}`);
    }
    return user;
}

@Controller("api")
class ItemsController {
    @Get("public")
    readPublic() {
        return { open: true };
    }

    @Get("greeting")
    async readGreeting(@Req() req: Request) {
        const user = await findUser(req);
        return { hello: user?.id ?? "stranger" };
    }

    @Get("items")
    async readItems(@Req() req: Request) {
        const user = await getUser(req);
        return { owner: user.id, items: ["apple"] };
    }

    @Get("reports")
    async readReports(@Req() req: Request) {
        const user = await getUser(req, "editor");
        return { editor: user.id, roles: user.roles };
    }
}

@Module({ controllers: [ItemsController] })
class AppModule {}

bootstrapAuth({
    implementation: "real",
    issuerUri: process.env.OIDC_ISSUER_URI!,
    expectedAudience: process.env.OIDC_AUDIENCE
});

const app = await NestFactory.create(AppModule, { logger: ["error", "warn"] });
await app.listen(Number(process.env.PORT ?? 3000), "127.0.0.1");
console.log(`Listening on ${await app.getUrl()}`);
