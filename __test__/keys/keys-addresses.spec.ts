// Who is asked: an issuer's own words lead to no server that is nearer to this machine than the issuer itself.

import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { hostname, networkInterfaces, tmpdir } from "node:os";
import { join } from "node:path";
import { createValidator, type NetworkOptions, type ValidatorOptions } from "oidc-spa-native";
import { beforeAll, expect, test } from "vitest";
import { newAuthority, type Authority } from "../support/certificates.js";
import { AUDIENCE } from "../support/fixtures.js";
import type { LocalIssuer } from "../support/local-issuer.js";
import { describeWith } from "../support/programs.js";
import { outcome, startProxy } from "../support/reaching.js";
import { script } from "../support/script.js";
import { f, issuerWith, open, provideIssuers } from "../support/many-issuers.js";

provideIssuers();

let attempts = 0;

/** The first attempt's end. The rest of the options is the issuer's. */
async function attempt(issuerUri: string, network: NetworkOptions, rest: Partial<ValidatorOptions> = {}) {
    // Validators with the same limits share what the first of them fetched.
    const limits = { metadataBytes: 256 * 1024 + attempts++ };
    const options = { issuerUri, expectedAudience: AUDIENCE, network, limits, ...rest } as ValidatorOptions;
    return outcome(f, createValidator(options) as never, issuerUri);
}

/** A server that counts its connections, whatever comes on them. */
async function startWitness(host: string) {
    const witness = { connections: 0, port: 0 };
    const server = createServer((_req, res) => void res.end()).on("connection", socket => {
        witness.connections++;
        socket.on("error", () => undefined);
    });
    server.listen(0, host);
    await once(server, "listening");
    open.push({
        close: async () => {
            server.closeAllConnections();
            server.close();
        }
    });
    witness.port = (server.address() as AddressInfo).port;
    return witness;
}

const outside = Object.values(networkInterfaces())
    .flatMap(list => list ?? [])
    .find(({ internal, family }) => !internal && family === "IPv4")?.address;

describeWith(["openssl"], "an issuer that is not on this machine", () => {
    const NAME = "auth.example.test";
    let authority: Authority;
    /** The issuer, the proxy through which it is reached, and what a validator is told of them. */
    let issuer: LocalIssuer;
    let network: NetworkOptions;

    beforeAll(async () => {
        authority = newAuthority("Authority of the tests");
        issuer = await issuerWith({ tls: authority.server(NAME), authority: NAME });
        const proxy = await startProxy(issuer.port);
        open.push(proxy);
        network = { ca: authority.ca, proxy: `http://${proxy.url}` };
    });

    const naming = (jwks_uri: string): void => {
        issuer.metadata = { issuer: issuer.issuerUri, jwks_uri };
    };

    test("does not lead to this machine over http, nor to any address of it", async () => {
        const witness = await startWitness("127.0.0.1");
        const here = [
            "http://127.0.0.1",
            "http://localhost",
            "http://[::1]",
            "http://2130706433",
            "https://127.0.0.1",
            "https://localhost",
            "https://jwks.localhost",
            "https://[::1]",
            "https://[::ffff:127.0.0.1]",
            "https://2130706433",
            "https://0x7f.1",
            "https://0177.0.0.1",
            "https://0.0.0.0",
            "https://0",
            "https://[::]"
        ];
        for (const origin of here) {
            naming(`${origin}:${witness.port}/admin?action=1`);
            const refused = await attempt(issuer.issuerUri, network);
            expect(refused, origin).toMatch(/^failed: .*(this very machine|failed to lookup)/);
            expect(refused, origin).toMatch(/jwksUri|failed to lookup/);
            // What stands in a query may be a secret.
            expect(refused, origin).not.toContain("action");
        }
        // Plain http to others is no leave to name this machine.
        naming(`http://127.0.0.1:${witness.port}/admin`);
        expect(await attempt(issuer.issuerUri, { ...network, allowHttp: true })).toMatch(
            /^failed: .*this very machine/
        );
        expect(witness.connections).toBe(0);
        naming(`${issuer.issuerUri}/jwks`);
        expect(await attempt(issuer.issuerUri, network)).toBe("granted");
    });

    test("leads to no private address either, and to no cloud's own", async () => {
        const near = [
            "10.0.0.1",
            "172.16.0.1",
            "192.168.0.1",
            "100.64.0.1",
            "169.254.169.254",
            "[fd00::1]",
            "[fe80::1]",
            "[fd00:ec2::254]",
            "[::ffff:10.0.0.1]",
            "[64:ff9b::a00:1]",
            "[2002:a00:1::]",
            "0xa000001"
        ];
        for (const host of near) {
            naming(`https://${host}/jwks`);
            const refused = await attempt(issuer.issuerUri, network);
            expect(refused, host).toMatch(/^failed: .* (private|link-local) address and is not asked/);
            expect(refused, host).toContain("network.privateAddresses");
        }
    });

    test("leads there where the application says so: `privateAddresses`, or its own `jwksUri`", async () => {
        const keys = await issuerWith({ tls: authority.server() });
        const jwksUri = `https://127.0.0.1:${keys.port}/jwks`;
        naming(jwksUri);
        expect(await attempt(issuer.issuerUri, network)).toMatch(/^failed: .*this very machine/);
        expect(await attempt(issuer.issuerUri, { ...network, privateAddresses: false })).toMatch(
            /^failed: .*`network.privateAddresses` is `false`/
        );
        expect(keys.requests.jwks).toBe(0);
        expect(await attempt(issuer.issuerUri, { ...network, privateAddresses: true })).toBe("granted");
        expect(await attempt(issuer.issuerUri, network, { jwksUri })).toBe("granted");
        // Its name is looked up by the proxy, and its address is this machine's all the same.
        const localhost = `https://localhost:${keys.port}/jwks`;
        naming(localhost);
        expect(await attempt(issuer.issuerUri, network)).toMatch(/^failed: .*this very machine/);
        expect(await attempt(issuer.issuerUri, { ...network, privateAddresses: true })).toBe("granted");
    });

    test("a name that no proxy is asked for is judged by what it resolves to", async () => {
        const keys = await issuerWith({ tls: authority.server(hostname()) });
        const folder = await mkdtemp(join(tmpdir(), "oidc-spa-native-"));
        const file = join(folder, "ca.pem");
        await writeFile(file, authority.ca);
        naming(`https://${hostname()}:${keys.port}/jwks`);
        const outcome = async (privateAddresses: string): Promise<string> => {
            const text = `import { createValidator } from "oidc-spa-native";
                 const network = { privateAddresses: ${privateAddresses} };
                 const options = { issuerUri: "${issuer.issuerUri}", expectedAudience: "a", network };
                 const validator = createValidator(options);
                 validator.ready({ timeoutMs: 300 }).then(() => console.log("ready"), error => console.log(error.message));`;
            const env = {
                NODE_EXTRA_CA_CERTS: file,
                HTTPS_PROXY: network.proxy as string,
                NO_PROXY: hostname()
            };
            return (await script(text, "module", env)).stdout;
        };
        // Whether it is an address of this machine or of its network: neither is the internet's.
        expect(await outcome("undefined")).toMatch(
            / is (a private address|an address of this very machine) and is not asked/
        );
        expect(keys.requests.jwks).toBe(0);
        expect(await outcome("true")).not.toContain("is not asked");
        await rm(folder, { recursive: true });
    });
});

describeWith(["openssl"], "an issuer on this machine or in its network", () => {
    test("may name what is as near as itself", async () => {
        const authority = newAuthority("Authority of the tests");
        const keys = await issuerWith({ tls: authority.server() });
        const here = await issuerWith({});
        for (const jwks_uri of [
            `https://localhost:${keys.port}/jwks`,
            `https://127.0.0.1:${keys.port}/jwks`
        ]) {
            here.metadata = { issuer: here.issuerUri, jwks_uri };
            expect(await attempt(here.issuerUri, { ca: authority.ca })).toBe("granted");
            expect(await attempt(here.issuerUri, { ca: authority.ca, privateAddresses: false })).toMatch(
                /^failed: .*`network.privateAddresses` is `false`/
            );
        }
    });

    test.skipIf(outside === undefined)(
        "in a private network, names what is in it, and not this machine (skipped on a machine without a network)",
        async () => {
            const keys = await issuerWith({});
            const near = await issuerWith({ host: outside as string });
            const network = { allowHttp: true, proxy: false } as const;
            expect(await attempt(near.issuerUri, network)).toBe("granted");
            for (const host of ["127.0.0.1", "localhost", "[::ffff:7f00:1]"]) {
                near.metadata = { issuer: near.issuerUri, jwks_uri: `http://${host}:${keys.port}/jwks` };
                expect(await attempt(near.issuerUri, network)).toMatch(/^failed: .*this very machine/);
            }
            expect(keys.requests.jwks).toBe(0);
            near.metadata = { issuer: near.issuerUri, jwks_uri: `http://127.0.0.1:${keys.port}/jwks` };
            expect(await attempt(near.issuerUri, { ...network, privateAddresses: true })).toBe("granted");
        }
    );
});
