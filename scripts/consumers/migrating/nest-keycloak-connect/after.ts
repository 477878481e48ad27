import { Controller, Delete, Get, HttpCode, Module } from "@nestjs/common";
import { NestFactory } from "@nestjs/core";
import { rolesOf } from "oidc-spa-native/authorization";
import { Auth, AuthModule, RequireRoles } from "oidc-spa-native/nestjs";

@Controller()
class AppController {
    @Get("me")
    me(@Auth() auth: Auth) {
        return { hello: auth.claims.sub };
    }

    @RequireRoles(["editor"], rolesOf.keycloakRealm)
    @HttpCode(204)
    @Delete("items")
    remove() {}
}

@Module({
    imports: [
        AuthModule.forRoot({
            issuerUri: `${process.env.KEYCLOAK_URL}/realms/${process.env.KEYCLOAK_REALM}`,
            expectedAudience: process.env.AUDIENCE
        })
    ],
    controllers: [AppController]
})
class AppModule {}

NestFactory.create(AppModule).then(app => app.listen(process.env.PORT));
