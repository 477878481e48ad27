// `npm run pack:check`: packs, looks at the tarballs, installs them into fresh projects and uses them there.
// `npm run pack:check -- functions`: in what tools for serverless functions make, and nowhere else.
// `npm run pack:check -- bundlers`: in what bundlers make with no option set, and nowhere else.
// `npm run pack:check -- frameworks`: in servers that frameworks build with no option set, and nowhere else.

import {
    copyFileSync,
    mkdirSync,
    mkdtempSync,
    readFileSync,
    realpathSync,
    renameSync,
    rmSync,
    writeFileSync
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { deadLinks } from "./links-check.mjs";
import { MODULES, NOTICES, pack, SBOM } from "./pack.mjs";
import { ROOT } from "./prepare.mjs";
import { run } from "./step.mjs";

const failures = [];
const { values, positionals } = parseArgs({
    options: { addons: { type: "string" } },
    allowPositionals: true
});
const { main, platforms } = await pack(values);
const [platform] = platforms;

console.log("\nPackages");
for (const { name, tarball, files, bytes, unpackedBytes } of [...platforms, main]) {
    console.log(
        `  ${name}: ${kilobytes(bytes)} packed, ${kilobytes(unpackedBytes)} unpacked, ${files.length} files`
    );
    console.log(`    ${tarball}`);
    console.log(`    ${files.join(" ")}`);
}
console.log();
mustHold(main, [
    "LICENSE",
    "README.md",
    "CHANGELOG.md",
    "index.d.ts",
    "binding/binding.js",
    "dist/index.js",
    "dist/server.js",
    "dist/cli/main.js",
    "dist/testing/index.js",
    ...MODULES,
    NOTICES,
    SBOM
]);
mustHold(platform, ["LICENSE", "README.md", NOTICES, SBOM]);
failures.push(...deadLinks(main.files));

await check("publint, strict", "node_modules/publint/src/cli.js", [main.tarball, "--strict"]);
await check("publint, strict, platform package", "node_modules/publint/src/cli.js", [
    platform.tarball,
    "--strict"
]);
await check(
    "are the types wrong, every resolution mode",
    "node_modules/@arethetypeswrong/cli/dist/index.js",
    [main.tarball, "--profile", "strict", "--format", "table-flipped"]
);

const { startIssuer, API } = await import("../examples/demo/issuer.mjs");
const { clientCredentials } = await import("../examples/demo/client.mjs");
const { useInBundles, useInNext } = await import("./bundle-check.mjs");
const { useInFrameworks } = await import("./framework-check.mjs");
const { useInFunctions } = await import("./functions-check.mjs");
const { migrate } = await import("./migrating-check.mjs");
const { shareReplays } = await import("./replay-check.mjs");
const { useWholeBundles } = await import("./whole-bundle-check.mjs");
const issuer = await startIssuer();
const projects = realpathSync(mkdtempSync(join(tmpdir(), "oidc-spa-native-pack-check-")));
try {
    const checks = { freshProject, copyConsumer, check, use, issuer };
    if (positionals.includes("functions")) {
        await useInFunctions(checks);
    } else if (positionals.includes("bundlers")) {
        failures.push(...(await useWholeBundles({ ...checks, environment })));
    } else if (positionals.includes("frameworks")) {
        failures.push(...(await useInFrameworks(checks)));
    } else {
        await useFromModule();
        await useFromCommonJs();
        await useFromTypeScript();
        await useAdapters();
        await useInBundles(checks);
        failures.push(...(await useInNext(checks)));
        failures.push(...(await migrate(checks)));
        failures.push(...(await shareReplays(checks)));
    }
} finally {
    await issuer.close();
    rmSync(projects, { recursive: true, force: true });
}

console.log(
    failures.length === 0
        ? `\nPacked, checked and used. ${main.name}: ${kilobytes(main.bytes)}, ${platform.name}: ${kilobytes(platform.bytes)}.`
        : `\nFAILED: ${failures.join("; ")}`
);
process.exitCode = failures.length === 0 ? 0 : 1;

function mustHold({ name, files }, expected) {
    for (const file of expected.filter(file => !files.includes(file))) {
        failures.push(`${name} lacks ${file}`);
    }
}

async function useFromModule() {
    const project = await freshProject("module", { type: "module" });
    copyConsumer("consumer.mjs", project);
    await use("an ECMAScript module", project, "consumer.mjs", [], { EXPECTED_ENGINE: "native" });
    const inspect = ["inspect", "--issuer", issuer.issuerUri, "--audience", API, await freshToken()];
    await check("Running its program", join(project, "node_modules/.bin/oidc-spa-native"), inspect);
}

async function useFromCommonJs() {
    const project = await freshProject("commonjs", { type: "commonjs" });
    copyConsumer("consumer.cjs", project);
    await use("a CommonJS module", project, "consumer.cjs", [], { EXPECTED_ENGINE: "native" });

    // What a user gets where there is no package for the platform.
    const installed = join(project, "node_modules", platform.name);
    renameSync(installed, `${installed}-away`);
    const { ok, output } = await run({
        title: "Using it without the platform's package: WebAssembly answers, and a warning says why",
        command: process.execPath,
        args: [join(project, "consumer.cjs")],
        env: { ...(await environment()), EXPECTED_ENGINE: "wasm" }
    });
    if (!ok || !output.includes(platform.name)) {
        failures.push("without the platform's package there is no answer, or the warning does not name it");
    }
}

async function useFromTypeScript() {
    const project = await freshProject("typescript", { type: "module" });
    copyConsumer("consumer.ts", project);
    const compilerOptions = {
        module: "nodenext",
        target: "es2022",
        lib: ["es2022"],
        types: [],
        strict: true,
        exactOptionalPropertyTypes: true,
        noUncheckedIndexedAccess: true,
        skipLibCheck: false
    };
    writeFileSync(
        join(project, "tsconfig.json"),
        JSON.stringify({ compilerOptions, include: ["consumer.ts"] })
    );
    if (
        await check("Compiling a strict TypeScript program on it", "node_modules/typescript/bin/tsc", [
            "-p",
            project
        ])
    ) {
        await use("a TypeScript program", project, "consumer.js");
    }
}

/** NestJS 11 here, which is CommonJS; the tests are on 12. */
async function useAdapters() {
    const nest = ["common", "core", "platform-express"].map(name => `@nestjs/${name}@^11`);
    const others = ["@types/node", "express", "fastify", "hono", "koa", "reflect-metadata", "rxjs"];
    const { devDependencies } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8"));
    const frameworks = [...nest, ...others.map(name => `${name}@${devDependencies[name]}`)];
    const project = await freshProject("adapters", { type: "commonjs" }, frameworks);
    copyConsumer("adapters.cjs", project);
    copyConsumer("adapters.ts", project);
    await use("adapters in a CommonJS program", project, "adapters.cjs");
    for (const module of ["node16", "nodenext"]) {
        const compilerOptions = {
            module,
            target: "es2022",
            lib: ["es2023", "dom"],
            types: ["node"],
            strict: true,
            noEmit: true
        };
        const file = join(project, `tsconfig.${module}.json`);
        writeFileSync(file, JSON.stringify({ compilerOptions, files: ["adapters.ts"] }));
        await check(`Compiling the adapters' types, module ${module}`, "node_modules/typescript/bin/tsc", [
            "-p",
            file
        ]);
    }
}

/** `isOurs: false`: without this package, whose peers exclude what a project is about. */
async function freshProject(name, manifest, frameworks = [], { isOurs = true } = {}) {
    const project = join(projects, name);
    mkdirSync(project);
    writeFileSync(join(project, "package.json"), JSON.stringify({ name, private: true, ...manifest }));
    const tarballs = isOurs ? [main.tarball, platform.tarball] : [];
    const { ok } = await run({
        title: `Installing ${isOurs ? "both tarballs" : "its packages"} into a fresh project (${name})`,
        command: "npm",
        args: [
            "install",
            "--prefix",
            project,
            "--no-audit",
            "--no-fund",
            "--loglevel=error",
            ...tarballs,
            ...frameworks
        ],
        quiet: true
    });
    if (!ok) {
        failures.push(`npm install (${name})`);
    }
    return project;
}

function copyConsumer(name, project) {
    copyFileSync(join(ROOT, "scripts", "consumers", name), join(project, name));
}

async function use(what, project, script, args = [], more = {}) {
    await check(`Using it from ${what}`, join(project, script), args, { ...(await environment()), ...more });
}

/** What a consumer reads. */
async function environment() {
    const token = await freshToken();
    return {
        ISSUER_URI: issuer.issuerUri,
        AUDIENCE: API,
        TOKEN: token,
        TAMPERED_TOKEN: tampered(token)
    };
}

/** A token is good for five minutes, and all checks take longer on a busy machine. */
function freshToken() {
    return clientCredentials(issuer, { clientId: "service-rs256", resource: API });
}

async function check(title, script, args, env, cwd) {
    const { ok } = await run({ title, command: process.execPath, args: [script, ...args], env, cwd });
    if (!ok) {
        failures.push(title);
    }
    return ok;
}

function tampered(accessToken) {
    const [header, payload, signature] = accessToken.split(".");
    const claims = { ...JSON.parse(Buffer.from(payload, "base64url").toString()), sub: "somebody-else" };
    return [header, Buffer.from(JSON.stringify(claims)).toString("base64url"), signature].join(".");
}

function kilobytes(bytes) {
    return `${(bytes / 1000).toFixed(0)} kB`;
}
