// What `npm run pack:check` migrates: the programs of docs/migrating.md, before and after, get the same requests.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { cpSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { ROOT } from "./prepare.mjs";

const AUDIENCE = "orders-api";
const REALM = "demo";
const EXPRESS = ["express@5"];
const nest = version =>
    ["common", "core", "platform-express"]
        .map(name => `@nestjs/${name}@${version}`)
        .concat("reflect-metadata", "rxjs");

/**
 * What each package is installed with, and the statuses that it answered with before where they differ. docs/migrating.md
 * lists the same. NestJS stands in two projects, since nest-keycloak-connect ends at NestJS 10.
 */
export const PEERS = {
    "express-oauth2-jwt-bearer": {
        before: [...EXPRESS, "express-oauth2-jwt-bearer@1"],
        differs: {
            "another scheme": 400,
            "an ID token": 200,
            "a refresh token": 200,
            "a logout token": 200
        }
    },
    "passport-jwt": {
        before: [...EXPRESS, "passport@0.7", "passport-jwt@4", "jwks-rsa@4"],
        differs: {
            "a token without expiry": 200,
            "no token after Bearer": 401,
            "a token bound to a key, without proof": 200,
            "an ID token": 200,
            "a refresh token": 200,
            "a logout token": 200
        }
    },
    "express-jwt": {
        before: [...EXPRESS, "express-jwt@8", "jwks-rsa@4"],
        differs: {
            "a token without expiry": 200,
            "no token after Bearer": 401,
            "a token bound to a key, without proof": 200,
            "an ID token": 200,
            "a refresh token": 200,
            "a logout token": 200
        }
    },
    "fastify-jwt": {
        before: ["fastify@5", "@fastify/jwt@10", "get-jwks@11"],
        differs: {
            "a token that is not valid yet": 500,
            "a token without expiry": 200,
            "no token after Bearer": 401,
            "a token bound to a key, without proof": 200,
            "an ID token": 200,
            "a refresh token": 200,
            "a logout token": 200
        }
    },
    "hono-jwk": {
        before: ["hono@4", "@hono/node-server"],
        differs: {
            "a token without expiry": 200,
            "no token after Bearer": 401,
            "a token bound to a key, without proof": 200,
            "an ID token": 200,
            "a refresh token": 200
        }
    },
    "keycloak-connect": {
        before: [...EXPRESS, "keycloak-connect@26"],
        differs: {
            "no credentials": 403,
            "an expired token": 403,
            "a token that is not valid yet": 200,
            "a token without expiry": 200,
            "a token for another API": 403,
            "a token of another issuer": 403,
            "a token that another key signed": 403,
            "no JWT": 403,
            "another scheme": 403,
            "no token after Bearer": 403,
            "a token bound to a key, without proof": 200,
            "an ID token": 403,
            "a refresh token": 403,
            "a logout token": 200
        }
    },
    "nest-keycloak-connect": {
        before: [...nest(10), "nest-keycloak-connect@1", "keycloak-connect@26", "@types/node@20"],
        after: [...nest(11), "@types/node@20"],
        differs: {
            "a token that is not valid yet": 200,
            "a token without expiry": 200,
            "no token after Bearer": 401,
            "a token bound to a key, without proof": 200,
            "a logout token": 200
        }
    }
};

/**
 * @param {import("./bundle-check.mjs").Checks} checks
 * @returns {Promise<string[]>} what is wrong
 */
export async function migrate({ freshProject, check }) {
    const issuer = await startRealm();
    const faults = [];
    try {
        for (const [peer, { before, after, differs }] of Object.entries(PEERS)) {
            // Where each side has a project, what the one before stands on is too old for this package.
            const isOurs = after === undefined;
            const first = await freshProject(`migrating-${peer}`, {}, before, { isOurs });
            const second = isOurs ? first : await freshProject(`migrating-${peer}-after`, {}, after);
            const projects = { before: first, after: second };
            for (const [side, others] of Object.entries({ before: differs, after: {} })) {
                const program = await programOf(peer, side, projects[side], check);
                const expected = issuer.requests.map(({ name, status }) => others[name] ?? status);
                faults.push(...(await answers(`${peer}, ${side}`, program, issuer, expected)));
            }
        }
    } finally {
        issuer.close();
    }
    return faults;
}

async function programOf(peer, side, project, check) {
    const isTypeScript = peer.startsWith("nest-");
    const source = `${side}.${isTypeScript ? "ts" : "mjs"}`;
    cpSync(join(ROOT, "scripts/consumers/migrating", peer, source), join(project, source));
    if (!isTypeScript) {
        return join(project, source);
    }
    const compilerOptions = {
        module: "node16",
        target: "es2022",
        types: ["node"],
        strict: false,
        skipLibCheck: true,
        experimentalDecorators: true,
        emitDecoratorMetadata: true
    };
    const config = join(project, `tsconfig.${side}.json`);
    writeFileSync(config, JSON.stringify({ compilerOptions, files: [source] }));
    await check(`Compiling ${peer}, ${side}`, "node_modules/typescript/bin/tsc", ["-p", config]);
    return join(project, `${side}.js`);
}

async function answers(title, program, issuer, expected) {
    console.log(`▸ Asking the program of docs/migrating.md: ${title}`);
    const port = await freePort();
    const server = spawn(process.execPath, [program], {
        env: {
            ...process.env,
            PORT: String(port),
            ISSUER_URI: issuer.issuerUri,
            JWKS_URI: issuer.jwksUri,
            AUDIENCE,
            KEYCLOAK_URL: issuer.keycloakUrl,
            KEYCLOAK_REALM: REALM
        },
        stdio: ["ignore", "pipe", "pipe"]
    });
    let output = "";
    for (const stream of [server.stdout, server.stderr]) {
        stream.setEncoding("utf8").on("data", text => (output += text));
    }
    const ended = once(server, "close");
    try {
        const faults = [];
        for (const [index, { name, method, path, authorization, body }] of issuer.requests.entries()) {
            const headers = authorization === undefined ? {} : { authorization };
            const answer = await ask(`http://127.0.0.1:${port}${path}`, { method, headers }, server);
            const said = await answer.text?.();
            if (answer.status !== expected[index]) {
                faults.push(`${title}: ${name} got ${answer.status}, expected ${expected[index]}`);
            } else if (answer.status === 200 && said !== body) {
                faults.push(`${title}: ${name} was answered with ${said}`);
            }
        }
        if (faults.length > 0) {
            process.stderr.write(output.slice(0, 2000));
        }
        return faults;
    } finally {
        server.kill("SIGKILL");
        await ended;
    }
}

async function ask(url, request, server) {
    for (let attempt = 0; ; attempt++) {
        try {
            return await fetch(url, request);
        } catch (error) {
            if (attempt === 300 || server.exitCode !== null) {
                return { status: `no answer (${error.cause?.code ?? error.message})` };
            }
            await sleep(100);
        }
    }
}

/** An issuer with the paths of a Keycloak realm: metadata and keys, and the requests that every program gets. */
async function startRealm() {
    const { createTestIssuer, createTestKey } = await import("oidc-spa-native/testing");
    const realm = createTestIssuer({
        shape: "keycloak",
        issuerUri: `https://keycloak.test/realms/${REALM}`,
        audience: AUDIENCE,
        clientId: "app"
    });
    const issuer = await realm.listen({
        respond: ({ url }, response) => {
            const document = documents[url];
            if (document !== undefined) {
                response.setHeader("content-type", "application/json");
                response.end(JSON.stringify(document));
            }
            return document !== undefined;
        }
    });
    const { issuerUri } = issuer;
    const jwksUri = `${issuerUri}/protocol/openid-connect/certs`;
    const documents = {
        [`/realms/${REALM}/.well-known/openid-configuration`]: {
            issuer: issuerUri,
            jwks_uri: jwksUri,
            authorization_endpoint: `${issuerUri}/auth`,
            token_endpoint: `${issuerUri}/token`,
            response_types_supported: ["code"],
            subject_types_supported: ["public"],
            id_token_signing_alg_values_supported: ["RS256"]
        },
        [`/realms/${REALM}/protocol/openid-connect/certs`]: issuer.jwks
    };
    const usual = { sub: "ann", aud: AUDIENCE, scope: "openid", realm_access: { roles: ["reader"] } };
    const token = (claims = {}, overrides = {}) => issuer.sign({ ...usual, ...claims }, overrides);
    return {
        keycloakUrl: issuer.listensAt,
        issuerUri,
        jwksUri,
        requests: requestsOf(token, createTestKey()),
        close: issuer.close
    };
}

/** One a row of the page's table, in its order, where a status differs. */
function requestsOf(token, client) {
    const past = Math.floor(Date.now() / 1000) - 600;
    const me = { method: "GET", path: "/me", body: JSON.stringify({ hello: "ann" }) };
    const items = { method: "DELETE", path: "/items" };
    const bearer = (accessToken, scheme = "Bearer") => ({ authorization: `${scheme} ${accessToken}` });
    const editor = { scope: "openid items:write", realm_access: { roles: ["reader", "editor"] } };
    return [
        { name: "no credentials", status: 401, ...me },
        { name: "a good token", status: 200, ...me, ...bearer(token()) },
        { name: "the scheme in small letters", status: 200, ...me, ...bearer(token(), "bearer") },
        { name: "a good token that lacks the scope or role", status: 403, ...items, ...bearer(token()) },
        { name: "a good token that has it", status: 204, ...items, ...bearer(token(editor)) },
        { name: "an expired token", status: 401, ...me, ...bearer(token({ iat: past - 600, exp: past })) },
        { name: "a token that is not valid yet", status: 401, ...me, ...bearer(token({ nbf: past + 1200 })) },
        { name: "a token without expiry", status: 401, ...me, ...bearer(token({ exp: undefined })) },
        { name: "a token for another API", status: 401, ...me, ...bearer(token({ aud: "other-api" })) },
        {
            name: "a token for two APIs",
            status: 200,
            ...me,
            ...bearer(token({ aud: ["other-api", AUDIENCE] }))
        },
        {
            name: "a token of another issuer",
            status: 401,
            ...me,
            ...bearer(token({ iss: "https://a.example" }))
        },
        {
            name: "a token that another key signed",
            status: 401,
            ...me,
            ...bearer(token({}, { otherKey: true }))
        },
        { name: "no JWT", status: 401, ...me, ...bearer("abc") },
        { name: "another scheme", status: 401, ...me, authorization: "Basic YTpi" },
        { name: "no token after Bearer", status: 400, ...me, authorization: "Bearer" },
        {
            name: "a token bound to a key, without proof",
            status: 401,
            ...me,
            ...bearer(token({}, { boundTo: client }))
        },
        { name: "an ID token", status: 401, ...me, ...bearer(token({ typ: "ID", at_hash: "x" })) },
        { name: "a refresh token", status: 401, ...me, ...bearer(token({ typ: "Refresh" })) },
        {
            name: "a logout token",
            status: 401,
            ...me,
            ...bearer(token({}, { header: { typ: "logout+jwt" } }))
        }
    ];
}

async function freePort() {
    const server = createServer().listen(0, "127.0.0.1");
    await once(server, "listening");
    const { port } = server.address();
    server.close();
    return port;
}
