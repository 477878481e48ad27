// docs/troubleshooting.md: every code has its section, which says what a client sees, and the command of each, typed with a
// request that is refused for this reason, names it.

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createTestIssuer, dpopClient } from "oidc-spa-native/testing";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ended } from "../cli/program.js";
import { newAuthority } from "../support/certificates.js";
import { root } from "../support/script.js";

const ISSUER = "https://auth.example.com/realms/myrealm";
const AUDIENCE = "https://api.example.com";
const ITEMS = `${AUDIENCE}/items`;

const page = readFileSync(join(root, "docs/troubleshooting.md"), "utf8");
const sections = new Map(
    page
        .split(/^### /m)
        .slice(1)
        .map(text => [text.match(/^`(\w+)`/)?.[1] ?? text, text.split(/^## /m)[0] ?? ""])
);
const commandsOf = (text: string): string[] =>
    [...text.matchAll(/^```sh\n(.*?)^```$/gms)].map(([, block = ""]) => block.trim());
const intro = page.split(/^## /m)[0] ?? "";

/** The table of codes: name, status, what a client may read. */
const table = [
    ...readFileSync(join(root, "src/rejection.rs"), "utf8").matchAll(
        /^ {4}\w+, "(\w+)", (\d+), (\S+), \w+, "(.+)";$/gm
    )
].map(([, code = "", status = "", error = "", description = ""]) => ({ code, status, error, description }));

test("each code has its section and no other has one, in one order of few causes", () => {
    expect([...sections.keys()].sort()).toEqual(table.map(({ code }) => code).sort());
    for (const [code, text] of sections) {
        const causes = text.match(/^- /gm)?.length ?? 0;
        expect(causes, code).toBeGreaterThan(1);
        expect(causes, code).toBeLessThan(6);
        expect(commandsOf(text), code).toHaveLength(1);
    }
});

test("what a client sees is what the table says", () => {
    for (const { code, status, error, description } of table) {
        const seen = error === "None" ? "" : `, and “${description}”`;
        expect(sections.get(code)).toContain(`A client sees ${status}${seen}`);
    }
});

/** What is in the files, and what the last command says of it: by default that the request is refused for this code. */
interface Case {
    readonly token?: string;
    readonly request?: string;
    readonly says?: RegExp;
    readonly exit?: number;
}

const issuer = createTestIssuer({ issuerUri: ISSUER, audience: AUDIENCE });
const client = dpopClient({ token: bound => issuer.sign({}, { boundTo: bound }) });
const stranger = dpopClient({ token: bound => issuer.sign({}, { boundTo: bound }) });
const folder = mkdtempSync(join(tmpdir(), "oidc-spa-native-troubleshooting-"));
const curl = (...fields: string[]) =>
    `curl '${ITEMS}' \\\n${fields.map(field => `  -H '${field}'`).join(" \\\n")}`;
type Overrides = Parameters<typeof client.proof>[2];
const proved = (overrides?: Overrides, method = "GET", url = ITEMS) =>
    curl(`Authorization: DPoP ${client.token}`, `DPoP: ${client.proof(method, url, overrides)}`);
const good = (): Case => ({ request: proved(), says: /^It would be granted\./, exit: 0 });
const own = (claim: string, claims: object = {}): Case => ({
    token: issuer.sign({ [claim]: "here", ...claims }),
    says: new RegExp(`${claim}.*here`),
    exit: 2
});

let listening: Awaited<ReturnType<typeof issuer.listen>>;

const cases = (): Record<string, Case> => ({
    credentials_missing: { request: curl("accept: */*"), says: /no token is in what was given/, exit: 2 },
    scheme_unsupported: { request: curl(`Authorization: Token ${issuer.sign()}`) },
    credentials_malformed: { request: curl(`Authorization: Bearer Bearer ${issuer.sign()}`) },
    credentials_repeated: { request: curl("Authorization: Bearer a.b.c", "Authorization: Bearer a.b.c") },
    token_malformed: { token: "opaque" },
    token_type_unexpected: { token: issuer.sign({ token_use: "id" }) },
    algorithm_not_allowed: { token: issuer.sign({}, { algorithm: "HS256" }) },
    key_unknown: { token: issuer.sign({}, { header: { kid: "other" } }) },
    signature_invalid: { token: issuer.sign({}, { otherKey: true }) },
    token_expired: { token: issuer.sign({}, { expiresInSeconds: -5 }) },
    token_not_yet_valid: { token: issuer.sign({ nbf: Math.floor(Date.now() / 1000) + 100 }) },
    claim_missing: { token: issuer.sign({ aud: undefined }) },
    claim_malformed: { token: issuer.sign({ sub: 7 }) },
    issuer_mismatch: { token: issuer.sign({ iss: "https://other.test" }) },
    audience_mismatch: { token: issuer.sign({ aud: "account" }) },
    client_mismatch: { token: issuer.sign({ client_id: "other" }) },
    claims_rejected: own("tenant"),
    token_bound: { request: curl(`Authorization: Bearer ${client.token}`) },
    certificate_mismatch: {
        token: issuer.sign({ cnf: { "x5t#S256": "A".repeat(43) } }),
        says: /^[\w+/]{43}=$/m,
        exit: 0
    },
    token_unbound: {
        request: curl(`Authorization: DPoP ${issuer.sign()}`, `DPoP: ${client.proof("GET", ITEMS)}`)
    },
    proof_missing: { request: curl(`Authorization: DPoP ${client.token}`) },
    proof_repeated: { request: curl(`Authorization: DPoP ${client.token}`, "DPoP: a.b.c", "DPoP: a.b.c") },
    proof_malformed: { request: curl(`Authorization: DPoP ${client.token}`, `DPoP: ${issuer.sign()}`) },
    proof_algorithm_not_allowed: { request: proved({ header: { alg: "HS256" } }) },
    proof_signature_invalid: { request: proved({ otherKey: true }) },
    proof_key_mismatch: {
        request: curl(
            `Authorization: DPoP ${client.token}`,
            `DPoP: ${stranger.proof("GET", ITEMS, { accessToken: client.token })}`
        )
    },
    proof_method_mismatch: { request: proved({}, "POST") },
    proof_uri_mismatch: { request: proved({}, "GET", "http://api.example.com/items") },
    proof_token_mismatch: { request: proved({ accessToken: "other" }) },
    proof_stale: { request: proved({ issuedSecondsAgo: 1000 }) },
    proof_not_yet_valid: { request: proved({ issuedSecondsAgo: -1000 }) },
    proof_replayed: good(),
    proof_nonce_required: good(),
    scope_insufficient: own("scope"),
    role_insufficient: own("roles", { roles: ["here"] }),
    permission_insufficient: own("tenant"),
    authentication_insufficient: own("acr"),
    keys_unavailable: { says: /^Tokens can be verified: /, exit: 0 },
    replay_memory_unavailable: good()
});

beforeAll(async () => {
    // The same keys, behind a server: its name stands in the place of the page's.
    listening = await issuer.listen({ issuerUri: ISSUER });
    writeFileSync(join(folder, "client.pem"), newAuthority("Tests").client("client").cert);
    writeFileSync(join(folder, "token.txt"), issuer.sign());
    writeFileSync(join(folder, "request.txt"), proved());
    writeFileSync(join(folder, "keys.json"), JSON.stringify(issuer.jwks));
});

afterAll(async () => {
    await listening.close();
    rmSync(folder, { recursive: true });
});

/** Types a command as a reader would, where the issuer of the page is the one of this test. */
async function typed(command: string) {
    const main = join(root, "dist/cli/main.js");
    const npx = `npx() { shift; '${process.execPath}' '${main}' "$@" --keys '${listening.listensAt}/realms/myrealm/jwks'; }`;
    return ended(["bash", "--norc", "-c", `${npx}\n${command}`], "", { PATH: "/usr/bin:/bin" }, folder);
}

test("the commands of the introduction run", async () => {
    const commands = commandsOf(intro);
    expect(commands).toHaveLength(2);
    for (const command of commands) {
        expect((await typed(command)).exit, command).toBe(0);
    }
});

describe("the command of each section", () => {
    test.each(Object.keys(cases()))("%s", async code => {
        // Made anew: a proof is good for seconds, and the sections before may take longer.
        const { token, request, says, exit = 1 } = cases()[code] ?? {};
        writeFileSync(join(folder, "token.txt"), token ?? issuer.sign());
        writeFileSync(join(folder, "request.txt"), request ?? proved());
        const command = commandsOf(sections.get(code) ?? "").join("\n");
        const { out, err, ...end } = await typed(command);
        expect(`${out}${err}`).toMatch(says ?? new RegExp(`^It would be refused: ${code}$`, "m"));
        expect(end.exit).toBe(exit);
    });

    test("is tried for every code", () => {
        expect(Object.keys(cases()).sort()).toEqual(table.map(({ code }) => code).sort());
    });
});
