import assert from "node:assert/strict";
import { Test } from "@nestjs/testing";
import { createValidator } from "oidc-spa-native";
import { VALIDATOR } from "oidc-spa-native/nestjs";
import { createTestIssuer, fakeValidator } from "oidc-spa-native/testing";
import { AppModule } from "./nestjs-app.setup.mjs";

async function withApp(validator, use) {
    const module = await Test.createTestingModule({ imports: [AppModule] })
        .overrideProvider(VALIDATOR)
        .useValue(validator)
        .compile();
    const app = module.createNestApplication({ logger: false });
    await app.listen(0, "127.0.0.1");
    try {
        await use(`${await app.getUrl()}/items`);
    } finally {
        await app.close();
    }
}

test("guards and decorators, with tokens of the test", async () => {
    const issuer = createTestIssuer({ shape: "keycloak" });
    await withApp(createValidator(issuer.options), async url => {
        const ask = (method, accessToken) =>
            fetch(url, { method, headers: { authorization: `Bearer ${accessToken}` } });
        const editor = issuer.sign({ sub: "ben", realm_access: { roles: ["editor"] } });
        assert.equal((await fetch(url)).status, 401);
        assert.equal((await (await ask("GET", editor)).json()).owner, "ben");
        assert.equal((await ask("DELETE", issuer.sign())).status, 403);
        assert.equal((await ask("DELETE", editor)).status, 204);
    });
});

test("guards and decorators, for whoever the test says", async () => {
    await withApp(fakeValidator({ claims: { sub: "ann", realm_access: { roles: [] } } }), async url => {
        assert.equal((await (await fetch(url)).json()).owner, "ann");
        assert.equal((await fetch(url, { method: "DELETE" })).status, 403);
    });
});
