// What an application's tests do with the package, in whatever realm their runner puts them.

/** @param {{ test: Function, expect: Function, main: object, server: object, authorization: object, fetch: object, own: number }} runner */
exports.cases = ({ test, expect, main, server, authorization, fetch, own }) => {
    const { ISSUER, AUDIENCE, JWKS, TOKEN, LATER, BOUND, PROOFS, ITEMS } = process.env;
    const { createValidator } = main;
    const options = { issuerUri: ISSUER, expectedAudience: AUDIENCE };
    const withKeys = { ...options, keys: { jwks: JSON.parse(JWKS) } };
    const bearer = token => ({ authorization: `Bearer ${token}` });
    const told = verdict => (verdict.isSuccess ? "granted" : `${verdict.code}: ${verdict.debugErrorMessage}`);

    test("the first request waits for keys, and the first with a new key", async () => {
        const validator = createValidator(options);
        const first = validator.validateRequest(bearer(TOKEN));
        expect(first).toBeInstanceOf(Promise);
        expect(told(await first)).toBe("granted");
        // Of a key that the issuer has had since.
        expect(told(await validator.validateRequest(bearer(LATER)))).toBe("granted");
        expect(told(await validator.validateRequest(bearer(`${LATER.slice(0, -8)}AAAAAAAA`)))).toContain(
            "signature_invalid"
        );
    });

    test("ready() is this realm's Promise, and rejects with its Error", async () => {
        const ready = createValidator(options).ready();
        expect(ready).toBeInstanceOf(Promise);
        await ready;
        const nobody = createValidator({ issuerUri: "http://127.0.0.1:9", expectedAudience: AUDIENCE });
        const error = await nobody.ready({ timeoutMs: 0 }).catch(error => error);
        expect(error).toBeInstanceOf(Error);
        expect(error.message).toContain("http://127.0.0.1:9");
    });

    test("an option that makes no sense is a TypeError that says why", () => {
        let error;
        try {
            createValidator({ issuerUri: ISSUER, expectedAudience: AUDIENCE, leewaySeconds: -1 });
        } catch (thrown) {
            error = thrown;
        }
        expect(error).toBeInstanceOf(TypeError);
        expect(error.message).toContain("leewaySeconds");
    });

    test("a proof is judged with this realm's store, on this thread and on others", async () => {
        for (const verification of ["inline", "threads"]) {
            const seen = new Set();
            const checkAndStore = async key => !seen.has(key) && seen.add(key) !== undefined;
            const validator = createValidator({ ...withKeys, verification, replayStore: { checkAndStore } });
            const ask = () =>
                validator.validateRequest(
                    { authorization: `DPoP ${BOUND}`, dpop: JSON.parse(PROOFS)[own] },
                    { method: "GET", url: ITEMS }
                );
            // The process remembers the proof of the first round.
            const expected = verification === "inline" ? "granted" : "proof_replayed";
            expect(told(await ask())).toContain(expected);
            expect(told(await ask())).toContain("proof_replayed");
        }
    });

    test("what this realm's code throws is told", async () => {
        const fails = message => () => {
            throw new TypeError(message);
        };
        const validator = createValidator({ ...withKeys, claims: { parse: fails("no such tenant") } });
        expect(told(await validator.validateRequest(bearer(TOKEN)))).toContain("no such tenant");
        const granted = await createValidator(withKeys).validateRequest(bearer(TOKEN));
        const requirement = authorization.satisfies(fails("no such row"));
        expect(told(createValidator(withKeys).authorize(granted, requirement))).toContain("no such row");
    });

    test("bytes of this realm are a certificate", async () => {
        const target = { method: "GET", url: ITEMS, clientCertificate: new Uint8Array([48, 0]) };
        expect(told(await createValidator(withKeys).validateRequest(bearer(TOKEN), target))).toBe("granted");
        target.clientCertificate = new DataView(new ArrayBuffer(2));
        const thrown = await createValidator(withKeys)
            .validateRequest(bearer(TOKEN), target)
            .catch(error => error);
        expect(thrown.message).toContain("clientCertificate");
    });

    test("a guard lets pass and refuses", async () => {
        const protect = fetch.protect(
            createValidator(options),
            {},
            (_, auth) => new Response(auth.claims.sub)
        );
        const ask = headers => protect(new Request(ITEMS, { headers }));
        const passed = await ask(bearer(TOKEN));
        expect([passed.status, await passed.text()]).toEqual([200, "user-1"]);
        expect((await ask({})).status).toBe(401);
    });

    test("the drop-in waits for keys, and tells what a schema throws", async () => {
        const { oidcSpa, extractRequestAuthContext } = server;
        const schema = {
            parse: claims => {
                if (claims.sub === "user-1") return { name: claims.sub };
                throw new Error("who is that");
            }
        };
        const utils = oidcSpa
            .withExpectedDecodedAccessTokenShape({ decodedAccessTokenSchema: schema })
            .createUtils();
        const started = utils.bootstrapAuth({ implementation: "real", ...options });
        const ask = async token => {
            const request = { method: "GET", url: ITEMS, headers: new Headers(bearer(token)) };
            const { accessTokenAndMetadata } = extractRequestAuthContext({ request, trustProxy: false });
            return utils.validateAndDecodeAccessToken(accessTokenAndMetadata);
        };
        const first = await ask(TOKEN);
        expect([first.debugErrorMessage, first.decodedAccessToken]).toEqual([undefined, { name: "user-1" }]);
        await started;
        expect((await ask(process.env.STRANGER)).debugErrorMessage).toContain("who is that");
    });
};
