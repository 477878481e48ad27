// The application of docs/testing.md on NestJS, without decorator syntax, which needs a compiler.
import { Controller, Delete, Get, HttpCode, Module } from "@nestjs/common";
import { rolesOf } from "oidc-spa-native/authorization";
import { Auth, AuthModule, RequireRoles } from "oidc-spa-native/nestjs";

class ItemsController {
    mine(auth) {
        return { owner: auth.claims.sub };
    }
    remove() {}
}

const method = (name, ...decorators) => {
    const descriptor = Object.getOwnPropertyDescriptor(ItemsController.prototype, name);
    for (const decorate of decorators) {
        decorate(ItemsController.prototype, name, descriptor);
    }
};
method("mine", Get());
Auth()(ItemsController.prototype, "mine", 0);
method("remove", Delete(), HttpCode(204), RequireRoles(["editor"], rolesOf.keycloakRealm));
Controller("items")(ItemsController);

export class AppModule {}
Module({
    imports: [
        AuthModule.forRoot({
            issuerUri: "https://auth.example.com",
            expectedAudience: "https://api.example.com"
        })
    ],
    controllers: [ItemsController]
})(AppModule);
