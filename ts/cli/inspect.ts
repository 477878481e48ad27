/**
 * `oidc-spa-native inspect`: each check of a request, by `validator.explain`.
 *
 * In: a pasted request, options. Out: a page or JSON, and how the program ends. Never: a check of its own, a token that was
 * not asked for.
 */

import type { DpopMode, ExplainedCheck, Explanation, Validator, ValidatorOptions } from "../../index.js";
import { createValidator } from "../validator/create.js";
import { messageOf } from "../validator/shown.js";
import type { PastedRequest } from "./curl.js";
import { type Input, readAuthority, readKeys, readRequest } from "./input.js";
import { allOf, ownWordOf, rowsOf, textsOf, type OwnWord } from "./own-word.js";
import { json, quoted, Page, type Environment, type Output } from "./terminal.js";
import { timeOf, timeoutOf, UsageError, type Options } from "./usage.js";

/** What the program is given by the process that it runs in. */
export interface Surroundings {
    readonly stdin: Input;
    readonly stdout: Output;
    readonly stderr: Output;
    readonly env: Environment;
}

/** How the program ends. */
export type Exit = 0 | 1 | 2;

export async function inspect(
    words: readonly string[],
    options: Options,
    { stdin, stdout, env }: Surroundings
): Promise<Exit> {
    const request = await readRequest(words, options, stdin);
    const token = (request.authorization[0] ?? "").replace(/^\S+\s+/, "");
    const own = ownWordOf(token);
    const page = new Page(stdout, env);
    const shown = options["show-token"] === true ? { token, ...own } : {};
    if (options.issuer === undefined) {
        const command = commandFor(own);
        if (options.json === true) {
            const said = own === null ? null : Object.fromEntries(rowsOf(own));
            stdout.write(`${json({ judged: false, says: said, command, ...shown })}\n`);
        } else {
            sayWithoutIssuer(page, own, token, options, command);
        }
        return 2;
    }
    const explanation = await explained(request, options, options.issuer);
    if (options.json === true) {
        stdout.write(`${json({ judged: true, ...explanation, ...shown })}\n`);
    } else {
        say(page, explanation, options);
        if (options["show-token"] === true) {
            page.line();
            showToken(page, own, token);
        }
    }
    return explanation.refusal === null ? 0 : 1;
}

async function explained(request: PastedRequest, options: Options, issuerUri: string): Promise<Explanation> {
    const { method = "GET", url, authorization, dpop } = request;
    const at = timeOf(options);
    const configured: object = {
        ...issuerOf(options, issuerUri),
        keysTimeoutMs: timeoutOf(options),
        onWarning: () => undefined,
        ...(options.profile !== undefined && { profile: options.profile }),
        ...(at !== undefined && { clock: () => at })
    };
    const headers = { authorization: [...authorization], dpop: [...dpop] };
    if (url === undefined && authorization.some(field => /^dpop\s/i.test(field))) {
        throw new UsageError(
            "a DPoP proof is for one method and URL: add --url, as the client called it, and --method where it is not GET"
        );
    }
    const target = url === undefined ? undefined : { method, url };
    const rules = options.dpop === undefined ? {} : { dpop: options.dpop as DpopMode };
    try {
        const validator = createValidator(configured as ValidatorOptions);
        const explain = () => validator.explain(single(headers), target, rules);
        const explanation = await explain();
        // An expired token is no reason to ask an issuer, except for a person who wants to know the rest too.
        return wasAsked(explanation) || !(await isReady(validator, options)) ? explanation : await explain();
    } catch (error) {
        throw new UsageError(messageOf(error).replace(/^oidc-spa-native: /, ""));
    }
}

/** Whether there was a reason to look for keys. */
const wasAsked = ({ refusal, checks }: Explanation): boolean =>
    refusal?.code !== "token_expired" ||
    checks.some(({ id, outcome }) => id === "issuer.keys" && outcome !== "skipped");

const isReady = (validator: Validator, options: Options): Promise<boolean> =>
    validator.ready({ timeoutMs: timeoutOf(options) }).then(
        () => true,
        () => false
    );

/** A field with one value is a text, with several a list; a field without a value is left out. */
function single(headers: Record<string, string[]>): Record<string, string | string[]> {
    const came = Object.entries(headers).filter(([, values]) => values.length > 0);
    return Object.fromEntries(
        came.map(([name, [first = "", ...more]]) => [name, more.length === 0 ? first : [first, ...more]])
    );
}

/** The options of an issuer, and whom its tokens must be for. */
export function issuerOf(options: Options, issuerUri: string): object {
    const { audience, client } = options;
    const isUnchecked = options["any-audience"] === true;
    if (audience === undefined && client === undefined && !isUnchecked) {
        throw new UsageError("whom are the tokens for? Add --audience VALUE, --client ID or --any-audience");
    }
    const network = {
        ...readAuthority(options.ca),
        ...(options["allow-http"] === true && { allowHttp: true })
    };
    return {
        issuerUri,
        ...(audience !== undefined
            ? { expectedAudience: audience }
            : isUnchecked && { expectedAudience: false }),
        ...(client !== undefined && { expectedClients: client }),
        ...readKeys(options.keys),
        ...(Object.keys(network).length > 0 && { network })
    };
}

const MARKS = { passed: "✓", failed: "✗", skipped: "–" } as const;

function say(page: Page, { refusal, checks }: Explanation, options: Options): void {
    if (refusal === null) {
        page.line("It would be granted.", "green");
    } else {
        page.line(`It would be refused: ${refusal.code}`, "red");
    }
    if (options["any-audience"] === true) {
        page.line("The audience was not looked at.", "yellow");
    }
    page.line();
    const made = checks.filter(({ outcome }) => outcome !== "skipped");
    for (const check of options.all === true ? checks : made) {
        sayCheck(page, check);
    }
    const skipped = checks.length - made.length;
    if (options.all !== true && skipped > 0) {
        page.line();
        page.line(
            `${skipped} checks were not made: nothing asks for them, or one before them failed (--all).`,
            "gray"
        );
    }
}

function sayCheck(page: Page, check: ExplainedCheck): void {
    const { outcome, title, id, expected, found, isVerified, code, message, advice, clause } = check;
    page.row(MARKS[outcome], title, outcome === "failed" ? (code ?? "") : (found ?? ""));
    if (outcome !== "failed") {
        return;
    }
    page.detail("check", clause === null ? id : `${id}, ${clause}`);
    if (expected !== null) {
        page.detail("expected", expected);
    }
    if (found !== null) {
        page.detail("found", isVerified ? found : `${found} (not verified: the client's own word)`);
    }
    const why = advice === null ? message : message?.slice(0, -advice.length).replace(/[;.\s]+$/, "");
    page.detail("why", why ?? "");
    if (advice !== null) {
        page.detail("do", advice);
    }
}

function sayWithoutIssuer(
    page: Page,
    own: OwnWord | null,
    token: string,
    options: Options,
    command: string | null
): void {
    page.line("Nothing was judged: without --issuer nobody says whose token it must be.", "yellow");
    page.line();
    if (own === null) {
        page.line("The token is no signed JWT whose header and claims can be read.");
    } else {
        page.line("The token says of itself, and nobody vouches for it:");
        showToken(page, own, options["show-token"] === true ? token : null);
    }
    if (command !== null) {
        page.line();
        page.line("If this is what you expect of your tokens, inspect it with:");
        page.code(command);
    }
}

function showToken(page: Page, own: OwnWord | null, token: string | null): void {
    for (const [name, value] of own === null ? [] : token === null ? rowsOf(own) : allOf(own)) {
        page.detail(name, value, 12);
    }
    if (token !== null) {
        page.code(token);
    }
}

/** The command that judges a token by its own word; `null` where that holds what a person could not see. */
function commandFor(own: OwnWord | null): string | null {
    const iss = own?.claims["iss"];
    if (own === null || typeof iss !== "string") {
        return null;
    }
    const audiences = textsOf(own.claims["aud"]);
    const client = ["client_id", "azp", "cid", "appid"]
        .map(name => own.claims[name])
        .find(id => typeof id === "string");
    const recipient =
        audiences.length > 0
            ? audiences.slice(0, 1).flatMap(audience => ["--audience", audience])
            : client === undefined
              ? ["--any-audience"]
              : ["--client", client as string];
    const words = ["npx", "oidc-spa-native", "inspect", "--issuer", iss, ...recipient].map(quoted);
    return words.includes(null) ? null : words.join(" ");
}
