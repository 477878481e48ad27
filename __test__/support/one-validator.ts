// What the tests of a file share: an issuer, a validator of its tokens, and ports that are closed with their test.

import type { Server } from "node:http";
import { createValidator, type Validator } from "oidc-spa-native";
import { afterAll, beforeAll, onTestFinished } from "vitest";
import { listening } from "../conformance/servers.js";
import { AUDIENCE, createFixtures, nowInSeconds, type Fixtures } from "./fixtures.js";

export let fixtures: Fixtures;
export let validator: Validator;

/** To be called once, at the top of the file. */
export function provideValidator(): void {
    beforeAll(async () => {
        fixtures = await createFixtures();
        validator = createValidator({ issuerUri: fixtures.issuer.issuerUri, expectedAudience: AUDIENCE });
        await validator.ready();
    });
    afterAll(() => fixtures.issuer.close());
}

/** A token, and when it ends. */
export const tokenFor = (seconds: number) => {
    const exp = nowInSeconds() + seconds;
    return { token: fixtures.token(nowInSeconds(), { exp }), due: exp * 1000 };
};

/** Lets it listen until the test is over. */
export async function portOf(server: Server): Promise<number> {
    const { port } = await listening(server);
    onTestFinished(() => {
        server.closeAllConnections();
        server.close();
    });
    return port;
}
