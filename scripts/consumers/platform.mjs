// What the installed package must do on every platform, in one process: `release:foreign` copies it into a fresh project,
// beside certificates of a server and of its authority.

import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { resolve } from "node:path";
import { Worker, isMainThread, threadId } from "node:worker_threads";
import { createValidator } from "oidc-spa-native";
import { createTestIssuer, dpopClient } from "oidc-spa-native/testing";

const URL_OF_API = "https://api.example.com/items";
const engine = process.env.EXPECTED_ENGINE;
const ca = readFileSync("ca.pem", "utf8");
const done = [];

const codeOf = verdict => (verdict.isSuccess ? "granted" : verdict.code);
const bearer = token => ({ authorization: `Bearer ${token}` });

for (const algorithm of ["RS256", "ES256", "EdDSA"]) {
    const issuer = createTestIssuer({ algorithms: [algorithm] });
    const server = await issuer.listen({
        tls: { key: readFileSync("server.key"), cert: readFileSync("server.pem") }
    });
    // Files of Windows end their lines in another way.
    const network = engine === "native" ? { network: { ca: ca.replaceAll("\n", "\r\n") } } : {};
    const validator = createValidator({ ...server.options, ...network });
    const ask = async headers => codeOf(await validator.validateRequest(headers));
    assert.equal(validator.health().engine, engine);
    assert.equal(await ask(bearer(server.sign())), "granted", algorithm);
    assert.equal(await ask(bearer(server.sign({}, { otherKey: true }))), "signature_invalid");
    assert.equal(await ask(bearer(server.sign({}, { expiresInSeconds: -60 }))), "token_expired");
    assert.ok(server.requests.jwks > 0);
    done.push(`${algorithm} with keys over https`);

    if (engine === "native") {
        const trusting = createValidator(server.options);
        const verdict = await trusting.validateRequest(bearer(server.sign()));
        assert.deepEqual([codeOf(verdict), verdict.status], ["keys_unavailable", 503]);
        done.push("a server without a trusted certificate is refused");
    }
    await server.close();
}

const issuer = createTestIssuer();
const validator = createValidator(issuer.options);
const client = dpopClient({ token: ({ thumbprint }) => issuer.sign({}, { boundTo: { thumbprint } }) });
const ask = async headers =>
    codeOf(await validator.validateRequest(headers, { method: "GET", url: URL_OF_API }));
const once = client.headers("GET", URL_OF_API);
assert.equal(await ask(once), "granted");
assert.equal(await ask(once), "proof_replayed");
assert.equal(await ask(client.headers("GET", URL_OF_API, { otherKey: true })), "proof_signature_invalid");
assert.equal(await ask(client.headers("POST", URL_OF_API)), "proof_method_mismatch");
assert.equal(await ask(bearer(client.token)), "token_bound");
done.push("DPoP, and a replay is refused");

const file = resolve(`keys-${threadId}.json`);
writeFileSync(file, `${JSON.stringify(issuer.jwks, null, 2).replaceAll("\n", "\r\n")}\r\n`);
const fromFile = createValidator({ ...issuer.options, keys: { file } });
assert.equal(codeOf(await fromFile.validateRequest(bearer(issuer.sign()))), "granted");
done.push("keys from a file with CRLF");

if (isMainThread) {
    const worker = new Worker(new URL(import.meta.url));
    await new Promise((resolve, reject) => {
        worker.once("error", reject);
        worker.once("exit", code =>
            code === 0 ? resolve() : reject(new Error(`the worker ended with ${code}`))
        );
    });
    done.push("the same in a worker thread");
    const { platform, arch, version } = process;
    console.log(`${platform} ${arch} Node.js ${version}, ${engine}: ${[...new Set(done)].join("; ")}`);
    console.log("every check of the platform passed");
}
