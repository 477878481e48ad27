// Installs what the audited servers need.

import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { installedName, SERVERS } from "./servers.mjs";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));

/** Debian's packages, with what each needs beyond this machine. They are unpacked, and not installed. */
const APT = {
    apache: [
        "libapache2-mod-oauth2",
        "liboauth2-0",
        "liboauth2-apache0",
        "libcjose0",
        "libmemcached11",
        "libhashkit2",
        "libhiredis0.14"
    ],
    go: [
        "golang-1.19-go",
        "golang-1.19-src",
        "golang-github-coreos-go-oidc-dev",
        "golang-github-pquerna-cachecontrol-dev",
        "golang-gopkg-square-go-jose.v2-dev",
        "golang-golang-x-crypto-dev",
        "golang-golang-x-net-dev",
        "golang-golang-x-oauth2-dev"
    ]
};

/** Installs it below a folder. What is there already stays. */
export function install(folder) {
    const run = (command, args, { cwd = folder, env = process.env } = {}) =>
        execFileSync(command, args, { cwd, env, stdio: ["ignore", 2, 2] });
    mkdirSync(join(folder, "servers"), { recursive: true });
    for (const name of ["package.json", "package-lock.json"]) {
        writeFileSync(join(folder, name), readFileSync(new URL(`packages/${name}`, import.meta.url)));
    }
    for (const program of SERVERS.flatMap(({ program, needs = [] }) => [program, ...needs])) {
        writeFileSync(join(folder, "servers", installedName(program)), readFileSync(join(ROOT, program)));
    }
    installNode(folder, run);
    installPython(folder, run);
    mkdirSync(join(folder, "debian"), { recursive: true });
    mkdirSync(join(folder, "httpd"), { recursive: true });
    writeFileSync(join(folder, "httpd/me"), "hello\n");
    const debian = { cwd: join(folder, "debian") };
    run("apt-get", ["download", "-qq", ...APT.apache, ...APT.go], debian);
    run("sh", ["-c", "for package in *.deb; do dpkg -x $package .; done"], debian);
    installGo(folder, run);
}

function installNode(folder, run) {
    run("npm", ["ci", "--no-audit", "--no-fund", "--loglevel=error"]);
    const compilerOptions = {
        module: "node16",
        target: "es2022",
        types: ["node"],
        skipLibCheck: true,
        experimentalDecorators: true,
        emitDecoratorMetadata: true
    };
    const config = join(folder, "tsconfig.json");
    writeFileSync(config, JSON.stringify({ compilerOptions, include: ["servers/*.ts"] }));
    run(process.execPath, ["node_modules/typescript/bin/tsc", "--project", config]);
}

function installPython(folder, run) {
    run("python3", ["-m", "venv", "python"]);
    const requirements = fileURLToPath(new URL("packages/requirements.txt", import.meta.url));
    run(join(folder, "python/bin/pip"), ["install", "--quiet", "--requirement", requirements]);
}

/** With Debian's libraries, and so without a module of another source. */
function installGo(folder, run) {
    const env = {
        ...process.env,
        GO111MODULE: "off",
        GOROOT: join(folder, "debian/usr/lib/go-1.19"),
        GOPATH: join(folder, "debian/usr/share/gocode"),
        GOCACHE: join(folder, "go-cache"),
        CGO_ENABLED: "0"
    };
    const program = ["-o", "servers/go_oidc", "servers/servers-go_oidc.go"];
    run(join(env.GOROOT, "bin/go"), ["build", ...program], { env });
}
