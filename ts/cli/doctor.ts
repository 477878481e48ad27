/**
 * `oidc-spa-native doctor`: what this machine learns of an issuer, and the options that fit.
 *
 * In: an issuer's name, options. Out: a page or JSON, and how the program ends. Never: a second opinion on keys: what can be
 * used is what `ready()` and `health()` say.
 */

import { setTimeout } from "node:timers/promises";
import type { IssuerHealth, Validator, ValidatorOptions } from "../../index.js";
import { createValidator } from "../validator/create.js";
import { messageOf } from "../validator/shown.js";
import { readAuthority } from "./input.js";
import { type Exit, issuerOf, type Surroundings } from "./inspect.js";
import {
    certificateOf,
    lookAt,
    type Place,
    placesOf,
    proxiesOf,
    type ShownCertificate,
    withoutUser
} from "./look.js";
import { json, Page } from "./terminal.js";
import { timeoutOf, UsageError, type Options } from "./usage.js";

/** What was found. */
interface Findings {
    readonly issuerUri: string;
    /** Whether tokens of the issuer can be verified from here. */
    readonly isUsable: boolean;
    /** Why not. */
    readonly problem: string | null;
    readonly keys: IssuerHealth["keys"];
    readonly skippedKeys: IssuerHealth["skippedKeys"];
    readonly metadata: readonly Place[];
    readonly clockAheadSeconds: number | null;
    readonly certificate: ShownCertificate | null;
    readonly proxies: readonly (readonly [string, string])[];
    /** The lines of `createValidator` that fit. */
    readonly options: readonly string[];
    readonly notes: readonly string[];
}

const WELL_KNOWN = /\/\.well-known\/(?:openid-configuration|oauth-authorization-server)(.*)$/;

export async function doctor(
    words: readonly string[],
    options: Options,
    { stdout, env }: Surroundings
): Promise<Exit> {
    const [given = "", ...more] = words;
    if (given === "" || more.length > 0) {
        throw new UsageError("doctor takes one issuer: its URL, as in the claim iss of its tokens");
    }
    if (/^https?:/i.test(given) && hasUser(given)) {
        throw new UsageError(`an issuer's URL has no user and no password; got ${withoutUser(given)}`);
    }
    const issuerUri = given.replace(WELL_KNOWN, "$1");
    const findings = await examine(issuerUri, options, env);
    const notes =
        issuerUri === given
            ? findings.notes
            : [`What was given is where the metadata is; the issuer is ${issuerUri}.`, ...findings.notes];
    if (options.json === true) {
        const { metadata, ...others } = findings;
        const places = metadata.map(({ url, said }) => ({ url, said }));
        stdout.write(`${json({ ...others, notes, metadata: places })}\n`);
    } else {
        say(new Page(stdout, env), { ...findings, notes }, options);
    }
    return findings.isUsable ? 0 : 1;
}

function hasUser(url: string): boolean {
    if (!URL.canParse(url)) {
        return withoutUser(url) !== url;
    }
    const { username, password } = new URL(url);
    return `${username}${password}` !== "";
}

async function examine(issuerUri: string, options: Options, env: Surroundings["env"]): Promise<Findings> {
    const timeoutMs = timeoutOf(options);
    const [health, problem] = await experience(issuerUri, options, timeoutMs);
    // A server that the library would not ask is not asked here either.
    const isOffline = health === undefined || health.state === "static";
    const { ca } = readAuthority(options.ca);
    const metadata: Place[] = [];
    // The same order as the library's, and no further than to the first that is of use.
    for (const url of isOffline ? [] : placesOf(issuerUri)) {
        const place = await lookAt(url, timeoutMs, ca);
        metadata.push(place);
        if (place.document !== null || place.said.startsWith("no answer")) {
            break;
        }
    }
    const certificate =
        isOffline || metadata.length === 0 ? null : await certificateOf(issuerUri, timeoutMs, ca);
    const keys = health?.keys ?? [];
    const isUsable = problem === null && keys.length > 0;
    const found = {
        issuerUri,
        isUsable,
        problem: problem ?? (isUsable ? null : "None of the issuer's keys can verify a token"),
        keys,
        skippedKeys: health?.skippedKeys ?? [],
        metadata,
        clockAheadSeconds:
            metadata.find(place => place.clockAheadSeconds !== null)?.clockAheadSeconds ?? null,
        certificate,
        proxies: isOffline ? [] : proxiesOf(env)
    };
    return { ...found, ...optionsFor(found, options) };
}

/** What the library experiences with this issuer. */
async function experience(
    issuerUri: string,
    options: Options,
    timeoutMs: number
): Promise<[IssuerHealth | undefined, string | null]> {
    try {
        const recipient = options.audience === undefined && options.client === undefined;
        const asked: Options = recipient ? { ...options, "any-audience": true } : options;
        const configured: object = {
            ...issuerOf(asked, issuerUri),
            keysTimeoutMs: timeoutMs,
            // The page says the same.
            onWarning: () => undefined
        };
        const validator = createValidator(configured as ValidatorOptions);
        const problem = await firstProblemOf(validator, timeoutMs);
        return [validator.health().issuers[0], problem];
    } catch (error) {
        return [undefined, messageOf(error)];
    }
}

/** Why the keys did not come at the first attempt; `null` where they did. `ready` goes on until its time is over. */
async function firstProblemOf(validator: Validator, timeoutMs: number): Promise<string | null> {
    const isOver = new AbortController();
    const lastError = async (): Promise<string | null> => {
        while (!isOver.signal.aborted) {
            const error = validator.health().issuers[0]?.lastError ?? null;
            if (error !== null) {
                return error;
            }
            await setTimeout(LOOK_EVERY_MS);
        }
        return null;
    };
    const ready = validator.ready({ timeoutMs }).then(
        () => null,
        (error: unknown) => messageOf(error)
    );
    const problem = await Promise.race([ready, lastError()]);
    isOver.abort();
    return problem;
}

const LOOK_EVERY_MS = 20;

/** The options that fit what was found, in lines to copy, and what to say beside them. */
function optionsFor(
    {
        issuerUri,
        isUsable,
        keys,
        metadata,
        certificate,
        clockAheadSeconds
    }: Omit<Findings, "options" | "notes">,
    { audience, client, keys: given, ca, "allow-http": allowHttp }: Options
): Pick<Findings, "options" | "notes"> {
    const notes: string[] = [];
    const document = metadata.find(place => place.document !== null)?.document ?? null;
    const named = document?.["issuer"];
    const isOther = typeof named === "string" && !isSame(named, issuerUri);
    const members = [`issuerUri: ${text(isOther ? named : issuerUri)}`];
    if (isOther) {
        notes.push(
            "The metadata names another issuer. If that is the public name of this one, which tokens bear, these options fit."
        );
        const jwksUri = inner(document?.["jwks_uri"], named, issuerUri);
        if (jwksUri !== null) {
            members.push(`jwksUri: ${text(jwksUri)}`);
        }
    } else if (given !== undefined) {
        members.push(/^https?:/i.test(given) ? `jwksUri: ${text(given)}` : 'keys: { file: "./keys.json" }');
    }
    if (audience !== undefined || client === undefined) {
        const written = audience?.map(text) ?? ['"https://api.example.com"'];
        members.push(`expectedAudience: ${written.length === 1 ? written[0] : `[${written.join(", ")}]`}`);
    }
    if (client !== undefined) {
        members.push(`expectedClients: [${client.map(text).join(", ")}]`);
    }
    const algorithms = [...new Set(keys.flatMap(key => key.algorithms))];
    if (isUsable && algorithms.length > 0 && algorithms.length < 4) {
        members.push(`algorithms: [${algorithms.map(text).join(", ")}]`);
    }
    const network = [
        ...(ca !== undefined || (!isUsable && certificate !== null && certificate.distrust !== null)
            ? ['ca: readFileSync("./ca.pem", "utf8")']
            : []),
        ...(allowHttp === true ? ["allowHttp: true"] : [])
    ];
    if (network.length > 0) {
        members.push(`network: { ${network.join(", ")} }`);
    }
    const dpop = document?.["dpop_signing_alg_values_supported"];
    if (Array.isArray(dpop) && dpop.length > 0) {
        notes.push(
            'The issuer binds tokens by DPoP: `dpop: "required"` refuses all others, once each client does so.'
        );
    }
    if (clockAheadSeconds !== null && Math.abs(clockAheadSeconds) > 5) {
        notes.push("The two clocks differ: set this machine's by NTP, or write `leewaySeconds`.");
    }
    if (!isUsable && !isOther && network.length === 0) {
        return { options: [], notes };
    }
    const lines = members.map((member, i) => `    ${member}${i < members.length - 1 ? "," : ""}`);
    return { options: ["createValidator({", ...lines, "});"], notes };
}

const text = (value: string): string => JSON.stringify(value);

const isSame = (a: string, b: string): boolean => a.replace(/\/$/, "") === b.replace(/\/$/, "");

/** Where the keys are by the name that this machine reached the issuer with. */
function inner(jwksUri: unknown, named: string, reached: string): string | null {
    if (typeof jwksUri !== "string" || ![jwksUri, named, reached].every(url => URL.canParse(url))) {
        return null;
    }
    const url = new URL(jwksUri);
    return url.origin === new URL(named).origin
        ? `${new URL(reached).origin}${url.pathname}${url.search}`
        : jwksUri;
}

function say(page: Page, findings: Findings, { ca }: Options): void {
    const { issuerUri, isUsable, problem, keys, skippedKeys, metadata, certificate, proxies } = findings;
    page.line(
        `${isUsable ? "Tokens can be verified" : "No token can be verified"}: ${issuerUri}`,
        isUsable ? "green" : "red"
    );
    if (problem !== null) {
        page.detail("why", problem.replace(/^oidc-spa-native: /, ""));
    }
    page.line();
    for (const { url, said, document } of metadata) {
        page.row(document === null ? "✗" : "✓", url, said);
    }
    for (const { kid, algorithms } of keys) {
        page.row("✓", `key ${kid ?? "(no kid)"}`, algorithms.join(", "));
    }
    for (const { kid, reason } of skippedKeys) {
        page.row("–", `key ${kid ?? "(no kid)"}, skipped`, "");
        page.detail("why", reason);
    }
    sayClock(page, findings.clockAheadSeconds);
    if (certificate !== null) {
        const { subject, authority, distrust, isSelfSigned, validUntil } = certificate;
        page.row(
            isUsable ? "✓" : distrust === null ? "✓" : "✗",
            `certificate ${subject}`,
            `until ${validUntil}`
        );
        page.detail("signed by", isSelfSigned ? `itself (${authority})` : authority);
        if (!isUsable && distrust !== null) {
            page.detail(
                "do",
                ca === undefined
                    ? "give that authority's certificate with --ca FILE, and as `network.ca`"
                    : "--ca names another authority"
            );
        }
    }
    for (const [name, value] of proxies) {
        page.row("!", name, value);
    }
    page.line();
    for (const note of findings.notes) {
        page.line(note, "yellow");
    }
    if (findings.options.length > 0) {
        page.line("Options that fit:");
    }
    for (const line of findings.options) {
        page.code(line);
    }
}

function sayClock(page: Page, ahead: number | null): void {
    if (ahead !== null) {
        const differs = Math.abs(ahead) > 5;
        const said = `${Math.abs(ahead)} s ${ahead < 0 ? "behind" : "ahead of"} this machine's`;
        page.row(
            differs ? "!" : "✓",
            "the issuer's clock",
            Math.abs(ahead) <= 1 ? "as this machine's" : said
        );
    }
}
