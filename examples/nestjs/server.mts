// A small API on NestJS. `npm run example -- nestjs` starts it beside an authorization server.

import "reflect-metadata";
import { Controller, Get, Module } from "@nestjs/common";
import { NestFactory } from "@nestjs/core";
import { rolesOf } from "oidc-spa-native/authorization";
import { Auth, AuthModule, OptionalAuth, Public, RequireRoles } from "oidc-spa-native/nestjs";
import { z } from "zod";

const claims = z.object({
    sub: z.string(),
    realm_access: z.object({ roles: z.array(z.string()) }).optional()
});

type Claims = z.infer<typeof claims>;

@Controller("api")
class ItemsController {
    @Public()
    @Get("public")
    readPublic() {
        return { open: true };
    }

    @OptionalAuth()
    @Get("greeting")
    readGreeting(@Auth() auth: Auth<Claims> | null) {
        return { hello: auth?.claims.sub ?? "stranger" };
    }

    @Get("items")
    readItems(@Auth() { claims }: Auth<Claims>) {
        return { owner: claims.sub, items: ["apple"] };
    }

    @RequireRoles(["editor"], rolesOf.keycloakRealm)
    @Get("reports")
    readReports(@Auth() { claims }: Auth<Claims>) {
        return { editor: claims.sub, roles: claims.realm_access?.roles };
    }
}

@Module({
    imports: [
        AuthModule.forRoot({
            issuerUri: process.env.OIDC_ISSUER_URI!,
            expectedAudience: process.env.OIDC_AUDIENCE!,
            claims
        })
    ],
    controllers: [ItemsController]
})
class AppModule {}

const app = await NestFactory.create(AppModule, { logger: ["error", "warn"] });
await app.listen(Number(process.env.PORT ?? 3000), "127.0.0.1");
console.log(`Listening on ${await app.getUrl()}`);
