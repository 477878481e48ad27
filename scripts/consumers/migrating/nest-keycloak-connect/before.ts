import { Controller, Delete, Get, HttpCode, Module } from "@nestjs/common";
import { APP_GUARD, NestFactory } from "@nestjs/core";
import {
    AuthenticatedUser,
    AuthGuard,
    KeycloakConnectModule,
    RoleGuard,
    Roles,
    TokenValidation
} from "nest-keycloak-connect";

@Controller()
class AppController {
    @Get("me")
    me(@AuthenticatedUser() user: { sub: string }) {
        return { hello: user.sub };
    }

    @Roles({ roles: ["realm:editor"] })
    @HttpCode(204)
    @Delete("items")
    remove() {}
}

@Module({
    imports: [
        KeycloakConnectModule.register({
            authServerUrl: process.env.KEYCLOAK_URL,
            realm: process.env.KEYCLOAK_REALM,
            clientId: process.env.AUDIENCE,
            secret: "",
            bearerOnly: true,
            verifyTokenAudience: true,
            tokenValidation: TokenValidation.OFFLINE
        })
    ],
    controllers: [AppController],
    providers: [
        { provide: APP_GUARD, useClass: AuthGuard },
        { provide: APP_GUARD, useClass: RoleGuard }
    ]
})
class AppModule {}

NestFactory.create(AppModule).then(app => app.listen(process.env.PORT));
