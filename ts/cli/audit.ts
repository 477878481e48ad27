/**
 * `oidc-spa-native audit`: the public vectors, sent to a server of any language.
 *
 * In: the URL of a route, options, a command that starts the server. Out: a page or JSON, files, and how the program ends.
 * Never: a server process that outlives the run, a rule about which server may be audited.
 */

import { writeFileSync } from "node:fs";
import { Exchange } from "../audit/exchange.js";
import { startIssuer } from "../audit/issuer.js";
import { isFinding, junitOf, type Report } from "../audit/report.js";
import { confirm, prepare, run, type RunOptions } from "../audit/run.js";
import { ServerProcess } from "../audit/server-process.js";
import { CONFIRMATION_PATH, newConfirmation, targetOf, type Target } from "../audit/target.js";
import { sayReport } from "./audit-page.js";
import { readAuthority } from "./input.js";
import type { Exit, Surroundings } from "./inspect.js";
import { json, Page } from "./terminal.js";
import { numberOf, timeoutOf, UsageError, type Options } from "./usage.js";

const AUDIENCE = "https://api.test";

export async function audit(
    words: readonly string[],
    options: Options,
    { stdout, stderr, env }: Surroundings
): Promise<Exit> {
    const [url, ...command] = words;
    if (url === undefined) {
        throw new UsageError("audit takes the URL of one route of your server");
    }
    const runOptions = runOptionsOf(options);
    const target = await targetOf(url, readAuthority(options.ca).ca);
    const exchange = new Exchange(target, {
        perSecond: numberOf("rate", options.rate ?? "20", "requests in a second", 1, 50),
        timeoutMs: timeoutOf(options)
    });
    const issuer = await startIssuer({
        port: numberOf("issuer-port", options["issuer-port"] ?? "0", "a port", 0, 65_535),
        host: options["issuer-host"] ?? "127.0.0.1",
        issuerUri: options.issuer
    });
    let server: ServerProcess | undefined;
    try {
        const { supply, keys } = await prepare({ target, issuer, options: runOptions });
        if (options.jwks !== undefined) {
            write("--jwks", options.jwks, json({ keys }));
        }
        const settings = {
            ISSUER_URI: issuer.issuerUri,
            AUDIENCE: runOptions.audience,
            JWKS_URI: issuer.jwksUri
        };
        const code = target.isLoopback ? undefined : newConfirmation();
        const page = new Page(options.json === true ? stderr : stdout, env);
        sayHow(page, target, settings, code, command.length > 0);
        server = command.length > 0 ? new ServerProcess(command, { ...env, ...settings }) : undefined;
        server?.start();
        await confirm({ exchange, options: runOptions, target }, code ?? "");
        const report = await run({ target, issuer, exchange, options: runOptions, supply, server });
        const isStrict = options.strict === true;
        if (options.junit !== undefined) {
            write("--junit", options.junit, junitOf(report, isStrict));
        }
        if (options.json === true) {
            stdout.write(`${json(report)}\n`);
        } else {
            sayReport(page, report, isStrict);
        }
        return exitOf(report, isStrict);
    } finally {
        await Promise.all([issuer.close(), server?.stop()]);
    }
}

function exitOf({ results, ended }: Report, isStrict: boolean): Exit {
    return results.some(result => isFinding(result, isStrict)) ? 1 : ended === null ? 0 : 2;
}

function runOptionsOf({
    typ = "at+jwt",
    audience,
    method = "GET",
    profile = "default",
    dpop = "allowed",
    ...options
}: Options): RunOptions {
    if (!/^[A-Z]{1,20}$/.test(method)) {
        throw new UsageError("--method takes a method in capitals, such as GET");
    }
    if (profile !== "default" && profile !== "rfc9068") {
        throw new UsageError("--profile takes default or rfc9068");
    }
    if (!["allowed", "required", "disabled"].includes(dpop)) {
        throw new UsageError("--dpop takes allowed, required or disabled");
    }
    if (typ !== "at+jwt" && profile === "rfc9068") {
        throw new UsageError("--typ is at+jwt with --profile rfc9068");
    }
    if (audience !== undefined && audience.length > 1) {
        throw new UsageError("audit takes one --audience");
    }
    if (options.issuer !== undefined && !URL.canParse(options.issuer)) {
        throw new UsageError("--issuer takes a URL");
    }
    return {
        audience: audience?.[0] ?? AUDIENCE,
        method,
        profile,
        typ,
        claims: claimsOf(options.claims),
        dpop: dpop === "allowed" ? undefined : dpop === "required",
        waitMs: 1000 * numberOf("wait", options.wait ?? "120", "seconds", 1, 3600),
        withinMs: 1000 * numberOf("within", options.within ?? "300", "seconds", 1, 3600)
    };
}

/** Claims that the vectors are about, which a run sets itself. */
const OWN_CLAIMS = ["iss", "aud", "exp", "iat", "nbf", "jti", "cnf"];

function claimsOf(text = "{}"): Readonly<Record<string, unknown>> {
    let claims: unknown;
    try {
        claims = JSON.parse(text);
    } catch {
        claims = undefined;
    }
    if (typeof claims !== "object" || claims === null || Array.isArray(claims)) {
        throw new UsageError("--claims takes an object in JSON");
    }
    const own = OWN_CLAIMS.find(name => Object.hasOwn(claims, name));
    if (own !== undefined) {
        throw new UsageError(`--claims cannot set ${own}, which the vectors are about`);
    }
    return { ...claims };
}

function sayHow(
    page: Page,
    target: Target,
    settings: Readonly<Record<string, string>>,
    code: string | undefined,
    isStarted: boolean
): void {
    page.line(`Auditing ${target.url.href}`, "bold");
    page.line(
        isStarted
            ? "The server is started with these values:"
            : "Start the server with this issuer, audience and JWK Set:"
    );
    for (const [name, value] of Object.entries(settings)) {
        page.code(`${name}=${value}`);
    }
    if (code !== undefined) {
        page.line(`The server is on another machine. To show that its operator agrees, let it answer`);
        page.code(`GET ${target.url.origin}${CONFIRMATION_PATH}`);
        page.line("with status 200 and this text, and nothing else:");
        page.code(code);
    }
    page.line("Waiting until a good token gets in.", "gray");
}

function write(option: string, path: string, text: string): void {
    try {
        writeFileSync(path, text);
    } catch (error) {
        const code = (error as NodeJS.ErrnoException).code ?? "error";
        throw new UsageError(`${option}: the file cannot be written (${code})`);
    }
}
