// Whom TLS trusts: self-signed servers that are given, Node.js' own authorities where the system has none, and nobody
// for an environment that asks not to verify.

import { execFile, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { rootCertificates } from "node:tls";
import { promisify } from "node:util";
import { createValidator, type NetworkOptions } from "oidc-spa-native";
import { afterAll, expect, test } from "vitest";
import { newAuthority, selfSigned, selfSignedWith, serverSignedBy } from "../support/certificates.js";
import { AUDIENCE, ITEMS, nowInSeconds } from "../support/fixtures.js";
import type { LocalIssuer } from "../support/local-issuer.js";
import { describeWith } from "../support/programs.js";
import { outcome } from "../support/reaching.js";
import { NO_NETWORK_VARIABLES, root, script } from "../support/script.js";
import { f, issuerWith, provideIssuers } from "../support/many-issuers.js";

const empty = mkdtempSync(join(tmpdir(), "oidc-spa-native-"));

provideIssuers();

afterAll(() => rmSync(empty, { recursive: true }));

const attempt = (issuer: LocalIssuer, network: NetworkOptions): Promise<string> => {
    const options = { issuerUri: issuer.issuerUri, expectedAudience: AUDIENCE, network };
    return outcome(f, createValidator(options), issuer.issuerUri);
};

/** A program that asks an issuer for its keys, and says how that ended. */
const ASK = `import { createValidator } from "oidc-spa-native";
     const { ISSUER, AUDIENCE, TOKEN } = process.env;
     const validator = createValidator({ issuerUri: ISSUER, expectedAudience: AUDIENCE, keysTimeoutMs: 2500 });
     const verdict = await validator.validateRequest({ authorization: "Bearer " + TOKEN });
     console.log(verdict.isSuccess ? "granted" : "failed: " + validator.health().issuers[0].lastError);`;

const asker = ({ issuerUri }: LocalIssuer) => ({
    ISSUER: issuerUri,
    AUDIENCE,
    TOKEN: f.token(nowInSeconds(), { iss: issuerUri })
});

/** Adds an authority to those of Node.js. */
const LEND = `const Module = require("node:module");
     const load = Module._load;
     Module._load = (name, ...rest) => {
         const loaded = load(name, ...rest);
         const isTls = name === "node:tls" || name === "tls";
         return isTls ? { ...loaded, rootCertificates: [...loaded.rootCertificates, process.env.CA] } : loaded;
     };
     const { createValidator } = require("oidc-spa-native");`;

/** The environment of an image without certificates. */
const NO_AUTHORITIES = { SSL_CERT_FILE: join(empty, "none.pem"), SSL_CERT_DIR: empty };

describeWith(["openssl"], "a certificate that is its own authority", () => {
    const NAME = "auth.example.test";
    const kinds = { "as `openssl req -x509` makes it": "critical, CA:TRUE", "of a server only": "CA:FALSE" };

    test.each(Object.entries(kinds))(
        "%s is trusted where it is given, and only there",
        async (_, constraints) => {
            const pair = selfSigned(["localhost"], constraints);
            const issuer = await issuerWith({ tls: pair, host: "localhost" });
            expect(await attempt(issuer, {})).toMatch(/^failed: .*`network\.ca`/);
            const file = join(empty, "..", `oidc-spa-native-own-${process.pid}.pem`);
            writeFileSync(file, pair.cert);
            const env = { ...asker(issuer), NODE_EXTRA_CA_CERTS: file };
            expect((await script(ASK, "module", env)).stdout).toBe("granted");
            rmSync(file);
            // One of the same name, of another key.
            expect(await attempt(issuer, { ca: selfSigned(["localhost"], constraints).cert })).toMatch(
                /^failed: .*`network\.ca`/
            );
            expect(await attempt(issuer, { ca: newAuthority("Other").ca })).toMatch(
                /^failed: .*`network\.ca`/
            );
            expect(await attempt(issuer, { ca: pair.cert })).toBe("granted");
            expect(await attempt(issuer, { ca: `${newAuthority("Other").ca}\n${pair.cert}` })).toBe(
                "granted"
            );
        }
    );

    test("its name counts all the same", async () => {
        const pair = selfSigned([NAME]);
        const issuer = await issuerWith({ tls: pair, host: "localhost" });
        expect(await attempt(issuer, { ca: pair.cert })).toMatch(/^failed: .*not valid for name/);
    });

    test("a server's own certificate is enough, whoever signed it", async () => {
        const authority = newAuthority("Authority of the tests");
        const [pair, other] = [authority.server(), authority.server()];
        const issuer = await issuerWith({ tls: pair, host: "localhost" });
        expect(await attempt(issuer, { ca: pair.cert })).toBe("granted");
        expect(await attempt(issuer, { ca: other.cert })).toMatch(
            /^failed: .*UnknownIssuer.*NODE_EXTRA_CA_CERTS/
        );
    });
});

describeWith(["openssl"], "a certificate that is given", () => {
    const OWN = "auth.example.test";
    const signers: Record<string, [readonly string[], string]> = {
        "an authority's": [["basicConstraints = critical, CA:TRUE"], "granted"],
        "an authority's that says so by its key's use alone": [["keyUsage = keyCertSign"], "granted"],
        "a server's, as it says": [["basicConstraints = CA:FALSE"], "refused"],
        "a server's that says nothing of it": [["keyUsage = digitalSignature"], "refused"],
        "an authority's whose key must not sign": [
            ["basicConstraints = critical, CA:TRUE", "keyUsage = critical, digitalSignature"],
            "refused"
        ]
    };

    // Else whoever holds the key of one server could stand for every other one.
    test.each(Object.entries(signers))(
        "%s: whether it vouches for others",
        async (_, [extensions, expected]) => {
            const given = selfSignedWith([OWN], extensions);
            const issuer = await issuerWith({ tls: serverSignedBy(given), host: "localhost" });
            const found = await attempt(issuer, { ca: given.cert });
            expect(found).toMatch(expected === "granted" ? /^granted$/ : /^failed: .*UnknownIssuer/);
        }
    );

    test("a server's that an authority signed vouches for nobody, in the chain or out of it", async () => {
        const authority = newAuthority("Authority of the tests");
        const given = authority.server(OWN);
        const { cert, key } = serverSignedBy(given);
        for (const chain of [cert, cert + given.cert]) {
            const issuer = await issuerWith({ tls: { cert: chain, key }, host: "localhost" });
            expect(await attempt(issuer, { ca: given.cert })).toMatch(/^failed: /);
        }
        const own = await issuerWith({ tls: given, host: "localhost" });
        expect(await attempt(own, { ca: given.cert })).toBe("granted");
    });

    test("a given authority signed it, for another name: the message says so", async () => {
        const authority = newAuthority("Authority of the tests");
        const issuer = await issuerWith({ tls: authority.server(), host: "127.0.0.2" });
        expect(await attempt(issuer, { ca: authority.ca })).toMatch(/^failed: .*not valid for name/);
        expect(await attempt(issuer, {})).toMatch(/^failed: .*UnknownIssuer/);
    });

    // Its purpose counts, whoever verifies it.
    test("a client's certificate of a given authority makes no server", async () => {
        const authority = newAuthority("Authority of the tests");
        const issuer = await issuerWith({ tls: authority.client("client"), host: "localhost" });
        expect(await attempt(issuer, { ca: authority.ca })).toMatch(/^failed: .*server authentication/);
    });

    test("a server's own is enough where there is no authority at all", async () => {
        const pair = selfSigned(["localhost"], "CA:FALSE");
        const issuer = await issuerWith({ tls: pair, host: "localhost" });
        const ask = ASK.replace("createValidator({", "createValidator({ network: { ca: process.env.CA },");
        const bare = `${LEND.replace(/rootCertificates: .*]/, "rootCertificates: []")}
            (async () => {${ask.slice(ask.indexOf(";") + 1)}})();`;
        const env = { ...asker(issuer), ...NO_AUTHORITIES };
        expect((await script(bare, "commonjs", { ...env, CA: pair.cert })).stdout).toBe("granted");
        const other = selfSigned(["localhost"], "CA:FALSE").cert;
        expect((await script(bare, "commonjs", { ...env, CA: other })).stdout).toMatch(/^failed: /);
    });
});

describeWith(["openssl"], "a machine without certificates of authorities", () => {
    test("an http issuer needs none", async () => {
        const issuer = await issuerWith({});
        expect((await script(ASK, "module", { ...asker(issuer), ...NO_AUTHORITIES })).stdout).toBe("granted");
    });

    test("trusts those of Node.js, and no others", async () => {
        const authority = newAuthority("Authority of the tests");
        const issuer = await issuerWith({ tls: authority.server(), host: "localhost" });
        const { stdout } = await script(ASK, "module", { ...asker(issuer), ...NO_AUTHORITIES });
        expect(stdout).toMatch(/^failed: .*UnknownIssuer.*NODE_EXTRA_CA_CERTS/);
        // The list of Node.js is what is lent: with this authority in it, the issuer is trusted.
        const lent = `${LEND} (async () => {${ASK.slice(ASK.indexOf(";") + 1)}})();`;
        const env = { ...asker(issuer), CA: authority.ca };
        expect((await script(lent, "commonjs", { ...env, ...NO_AUTHORITIES })).stdout).toBe("granted");
        // Where the system has its own, they are not asked for.
        expect((await script(lent, "commonjs", env)).stdout).toMatch(/^failed: .*UnknownIssuer/);
        expect(rootCertificates.length).toBeGreaterThan(50);
    });

    test("`network.ca` and NODE_EXTRA_CA_CERTS count there too", async () => {
        const authority = newAuthority("Authority of the tests");
        const issuer = await issuerWith({ tls: authority.server(), host: "localhost" });
        const file = join(empty, "..", `oidc-spa-native-ca-${process.pid}.pem`);
        writeFileSync(file, authority.ca);
        const env = { ...asker(issuer), ...NO_AUTHORITIES, NODE_EXTRA_CA_CERTS: file };
        expect((await script(ASK, "module", env)).stdout).toBe("granted");
        rmSync(file);
    });

    test("a Redis over TLS is trusted by those of Node.js there too", async () => {
        const authority = newAuthority("Authority of the tests");
        const server = await issuerWith({ tls: authority.server(), host: "localhost" });
        const now = nowInSeconds();
        const token = f.boundToken(now);
        const options = {
            issuerUri: f.issuer.issuerUri,
            expectedAudience: AUDIENCE,
            keys: { jwks: f.issuer.jwks },
            replayStore: { redis: `rediss://localhost:${server.port}`, timeoutMs: 2000 }
        };
        const headers = { authorization: `DPoP ${token}`, dpop: f.proof(now, token) };
        const program = `${LEND}
             const validator = createValidator(${JSON.stringify(options)});
             validator.validateRequest(${JSON.stringify(headers)}, { method: "GET", url: "${ITEMS}" })
                 .then(() => console.log(validator.health().replayMemory.lastError));`;
        // What answers is no Redis; whether its certificate is trusted comes before that.
        const withoutSystem = { SSL_CERT_DIR: empty, SSL_CERT_FILE: undefined as never };
        const outcome = async (env: object) =>
            (await script(program, "commonjs", { ...env, CA: authority.ca })).stdout;
        expect(await outcome({})).toContain("certificate");
        expect(await outcome(withoutSystem)).not.toMatch(/certificate|null/);
    });

    test("an image without /etc/ssl (skipped where mounting is not permitted)", async ({ skip }) => {
        const mounted =
            'mount -t tmpfs none /etc/ssl && mount -t tmpfs none /usr/share/ca-certificates; exec "$@"';
        const unshare = ["-m", "sh", "-c", mounted, "sh"];
        if (spawnSync("unshare", [...unshare, "true"]).status !== 0) {
            skip();
        }
        const authority = newAuthority("Authority of the tests");
        const [plain, tls] = [
            await issuerWith({}),
            await issuerWith({ tls: authority.server(), host: "localhost" })
        ];
        const env = {
            ...process.env,
            ...NO_NETWORK_VARIABLES,
            SSL_CERT_FILE: undefined,
            SSL_CERT_DIR: undefined
        };
        const outcome = (issuer: LocalIssuer): Promise<string> =>
            spawnOf(["unshare", ...unshare], { ...env, ...asker(issuer) });
        expect(await outcome(plain)).toBe("granted");
        expect(await outcome(tls)).toMatch(/^failed: .*UnknownIssuer/);
    });
});

/** What {@link ASK} says, run by this command. */
async function spawnOf([command, ...rest]: string[], env: NodeJS.ProcessEnv): Promise<string> {
    const args = [...rest, process.execPath, "--input-type=module", "--eval", ASK];
    const { stdout } = await promisify(execFile)(command as string, args, {
        cwd: root,
        timeout: 60_000,
        env
    });
    return stdout.trim();
}

test("a server that speaks plain http where TLS is expected: the message names the option", async () => {
    const issuer = await issuerWith({});
    const issuerUri = issuer.issuerUri.replace("http:", "https:");
    const options = { issuerUri, expectedAudience: AUDIENCE };
    expect(await outcome(f, createValidator(options), issuerUri)).toMatch(
        /^failed: .*`network\.allowHttp: true`/
    );
    expect(await attempt(issuer, {})).toBe("granted");
});

test("NODE_TLS_REJECT_UNAUTHORIZED=0 is refused aloud, once, where keys are fetched", async () => {
    const program = `import { createValidator } from "oidc-spa-native";
         import { oidcSpa } from "oidc-spa-native/server";
         const common = { issuerUri: "https://auth.example.com", expectedAudience: "a" };
         const jwk = { kty: "OKP", crv: "Ed25519", x: "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo" };
         process.env.ONLY_STATIC ? createValidator({ ...common, keys: { jwks: { keys: [jwk] } } }) : createValidator(common);
         process.env.ONLY_STATIC || createValidator(common);`;
    const outcome = async (env: Record<string, string>): Promise<string> =>
        (await script(program, "module", env)).stderr;
    const warned = await outcome({ NODE_TLS_REJECT_UNAUTHORIZED: "0" });
    expect(warned.match(/OIDC_SPA_NATIVE_OPTIONS/g)).toHaveLength(1);
    expect(warned).toMatch(/NODE_TLS_REJECT_UNAUTHORIZED=0 is ignored.*network\.ca/);
    expect(await outcome({ NODE_TLS_REJECT_UNAUTHORIZED: "1" })).not.toContain("OIDC_SPA_NATIVE_OPTIONS");
    expect(await outcome({ NODE_TLS_REJECT_UNAUTHORIZED: "0", ONLY_STATIC: "1" })).not.toContain(
        "is ignored: keys"
    );
});
