// Issuers with the keys of one, started by the tests of a file and closed with it.

import { afterAll, beforeAll } from "vitest";
import { createFixtures, type Fixtures } from "./fixtures.js";
import { startLocalIssuer, type LocalIssuer, type LocalIssuerOptions } from "./local-issuer.js";

export let f: Fixtures;

/** What is closed when the tests of the file are over. */
export const open: { close(): Promise<unknown> }[] = [];

/** To be called once, at the top of the file. */
export function provideIssuers(): void {
    beforeAll(async () => {
        f = await createFixtures();
        open.push(f.issuer);
    });
    afterAll(() => Promise.all(open.map(one => one.close())));
}

export async function issuerWith(options: LocalIssuerOptions): Promise<LocalIssuer> {
    const issuer = await startLocalIssuer({ keys: (f.issuer.jwks as { keys: unknown[] }).keys, ...options });
    open.push(issuer);
    return issuer;
}
