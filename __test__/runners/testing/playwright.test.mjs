import assert from "node:assert/strict";
import { createValidator } from "oidc-spa-native";
import { createTestIssuer, dpopClient } from "oidc-spa-native/testing";
import { createApp } from "./app.mjs";
import { listening } from "./listening.mjs";
import { launch, withPage } from "./page.setup.mjs";

const issuer = createTestIssuer();
const app = withPage(createApp(createValidator(issuer.options)));

/** What the page shows, in a browser that was made ready. */
async function shown(url, prepare) {
    const browser = await launch();
    try {
        const context = await browser.newContext();
        await prepare(context);
        const page = await context.newPage();
        await page.goto(url);
        return await page.locator("output:not(:empty)").textContent();
    } finally {
        await browser.close();
    }
}

test("the page of a user who is signed in, and of one who is not", async () => {
    await listening(app, async url => {
        const authorization = `Bearer ${issuer.sign({ sub: "ann" })}`;
        assert.equal(await shown(url, context => context.setExtraHTTPHeaders({ authorization })), "ann");
        assert.equal(await shown(url, () => undefined), "401");
    });
});

test("each request of the page has a proof of its own", async () => {
    await listening(app, async url => {
        const client = dpopClient({ token: client => issuer.sign({ sub: "ann" }, { boundTo: client }) });
        const prove = context =>
            context.route("**/me", route => {
                const request = route.request();
                const proof = client.headers(request.method(), request.url());
                return route.continue({ headers: { ...request.headers(), ...proof } });
            });
        assert.equal(await shown(url, prove), "ann");
    });
});
