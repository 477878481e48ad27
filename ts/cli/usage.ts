/**
 * The commands and their options, as people write them.
 *
 * In: the words of a command line. Out: which command with which options, or a `UsageError`. Never: a file, a token that is
 * repeated in a message.
 */

import { parseArgs } from "node:util";
import { safe } from "./terminal.js";

/** The command line makes no sense; nothing was judged. */
export class UsageError extends Error {
    override readonly name = "UsageError";
}

export const USAGE = `oidc-spa-native inspect [TOKEN | CURL COMMAND] [options]
oidc-spa-native doctor ISSUER [options]
oidc-spa-native audit URL [options] [-- COMMAND]

inspect: each check that a request goes through, and why it is refused.
  The token comes as an argument, or better from standard input, where no list of processes shows it:
  a token, the header fields of a request, or a whole curl command.
  --issuer URL        the issuer, as you write it into createValidator
  --audience VALUE    what names your API in aud; several times: one is enough
  --client ID         expected clients, beside or in the place of an audience
  --any-audience      do not look at the audience
  --keys KEYS         a file with a JWK Set or PEM, their text, or the URL of a JWK Set; nothing else is fetched
  --proof PROOF       the DPoP proof, beside a token
  --method METHOD     the request's method (default: GET)
  --url URL           the request's URL, as the client wrote it
  --dpop MODE         allowed (default), required or disabled
  --profile PROFILE   default or rfc9068
  --at TIME           judge as at this time: seconds since 1970, or 2026-01-31T12:00:00Z
  --all               show the checks too that were not made
  --show-token        show the token and all its claims
doctor: what this machine learns of an issuer, and the options that fit.
  --audience VALUE, --client ID, --keys KEYS: as above
audit: sends the public vectors to a server of any language, and says which requests got in that must not.
  URL is one route that asks for a token. COMMAND starts the server with ISSUER_URI, AUDIENCE and JWKS_URI set.
  --audience VALUE    the audience of the tokens (default: https://api.test)
  --typ TYPE          typ of good tokens (default: at+jwt), such as JWT
  --claims JSON       claims that the server asks for beside the usual ones, such as '{"scope":"items:read"}'
  --method METHOD     as above
  --dpop MODE         allowed (default): proofs are sent if a good one gets in; required, disabled
  --profile PROFILE   rfc9068: the server says that it follows RFC 9068 to the letter
  --issuer-port PORT  where the issuer of the run listens (default: a free port)
  --issuer-host HOST  the address that it listens at (default: 127.0.0.1)
  --issuer URL        its name, if the server reaches it by another than that address
  --jwks FILE         write its keys to this file too, for servers that read them from one
  --junit FILE        write the report as JUnit's XML to this file
  --strict            what servers should do counts like what they must do
  --rate NUMBER       requests in a second, at most (default: 20; from 1 to 50)
  --wait SECONDS      how long to wait for the server (default: 120)
  --within SECONDS    how long the vectors may take (default: 300)
all:
  --ca FILE           certificates of an authority to trust, in PEM
  --allow-http        http to hosts other than this one; not for audit
  --timeout SECONDS   how long to wait for the issuer; audit: for an answer (default: 10)
  --json              for programs
  --help

Ends with 0 where the request would be granted (doctor: where tokens of the issuer can be verified; audit: where no request
got a wrong verdict), 1 where not, 2 where nothing was judged.
`;

export type Command = "inspect" | "doctor" | "audit";

/** What was asked for. */
export interface Asked {
    readonly command: Command | "help";
    /** The words that are no options. */
    readonly words: readonly string[];
    readonly options: Options;
}

const OPTIONS = {
    issuer: { type: "string" },
    audience: { type: "string", multiple: true },
    client: { type: "string", multiple: true },
    "any-audience": { type: "boolean" },
    keys: { type: "string" },
    proof: { type: "string" },
    method: { type: "string" },
    url: { type: "string" },
    dpop: { type: "string" },
    profile: { type: "string" },
    at: { type: "string" },
    all: { type: "boolean" },
    "show-token": { type: "boolean" },
    typ: { type: "string" },
    claims: { type: "string" },
    "issuer-port": { type: "string" },
    "issuer-host": { type: "string" },
    jwks: { type: "string" },
    junit: { type: "string" },
    strict: { type: "boolean" },
    rate: { type: "string" },
    wait: { type: "string" },
    within: { type: "string" },
    ca: { type: "string" },
    "allow-http": { type: "boolean" },
    timeout: { type: "string" },
    json: { type: "boolean" },
    help: { type: "boolean", short: "h" }
} as const;

export interface Options {
    readonly issuer?: string | undefined;
    readonly audience?: readonly string[] | undefined;
    readonly client?: readonly string[] | undefined;
    readonly "any-audience"?: boolean | undefined;
    readonly keys?: string | undefined;
    readonly proof?: string | undefined;
    readonly method?: string | undefined;
    readonly url?: string | undefined;
    readonly dpop?: string | undefined;
    readonly profile?: string | undefined;
    readonly at?: string | undefined;
    readonly all?: boolean | undefined;
    readonly "show-token"?: boolean | undefined;
    readonly typ?: string | undefined;
    readonly claims?: string | undefined;
    readonly "issuer-port"?: string | undefined;
    readonly "issuer-host"?: string | undefined;
    readonly jwks?: string | undefined;
    readonly junit?: string | undefined;
    readonly strict?: boolean | undefined;
    readonly rate?: string | undefined;
    readonly wait?: string | undefined;
    readonly within?: string | undefined;
    readonly ca?: string | undefined;
    readonly "allow-http"?: boolean | undefined;
    readonly timeout?: string | undefined;
    readonly json?: boolean | undefined;
    readonly help?: boolean | undefined;
}

type Names = readonly (keyof Options)[];

const EVERYWHERE: Names = ["ca", "timeout", "json", "help"];
const OF_INSPECT: Names = ["issuer", "client", "any-audience", "keys", "proof", "method", "url", "dpop"];
const OF_AUDIT: Names = [
    "issuer",
    "issuer-port",
    "issuer-host",
    "typ",
    "claims",
    "method",
    "dpop",
    "profile"
];

/** The options of each command. */
const OPTIONS_OF: Readonly<Record<Command, Names>> = {
    inspect: [...EVERYWHERE, ...OF_INSPECT, "audience", "profile", "at", "all", "show-token", "allow-http"],
    doctor: [...EVERYWHERE, "audience", "client", "keys", "allow-http"],
    audit: [...EVERYWHERE, ...OF_AUDIT, "audience", "jwks", "junit", "strict", "rate", "wait", "within"]
};

const isCommand = (word: string | undefined): word is Command =>
    word !== undefined && Object.hasOwn(OPTIONS_OF, word);

/** Reads a command line. */
export function readCommandLine(args: readonly string[]): Asked {
    const { values, positionals } = parsed(args);
    const [command, ...words] = positionals;
    if (values.help === true || command === "help") {
        return { command: "help", words, options: values };
    }
    if (!isCommand(command)) {
        throw new UsageError(
            command === undefined
                ? "which command: inspect, doctor or audit?"
                : "there are the commands inspect, doctor and audit"
        );
    }
    const misplaced = (Object.keys(values) as (keyof Options)[]).find(
        name => !OPTIONS_OF[command].includes(name)
    );
    if (misplaced !== undefined) {
        const others = (Object.keys(OPTIONS_OF) as Command[]).filter(name =>
            OPTIONS_OF[name].includes(misplaced)
        );
        throw new UsageError(`--${misplaced} is an option of ${others.join(" and ")}, not of ${command}`);
    }
    return { command, words, options: values };
}

function parsed(args: readonly string[]): { values: Options; positionals: string[] } {
    try {
        return parseArgs({ args: [...args], options: OPTIONS, allowPositionals: true });
    } catch (error) {
        // It quotes the option, and not a value: what stands behind "=" is cut off.
        const message = (error as Error).message.replace(/=[^'"]*/, "");
        throw new UsageError(safe(message.split(". ")[0] ?? message));
    }
}

/** Seconds to wait for one answer, in milliseconds. */
export const timeoutOf = ({ timeout = "10" }: Options): number =>
    Math.round(1000 * numberOf("timeout", timeout, "seconds", 0.1, 30));

/** A number of an option, between two limits. */
export function numberOf(
    name: keyof Options,
    text: string,
    unit: string,
    least: number,
    most: number
): number {
    const number = Number(text);
    if (text.trim() === "" || !(number >= least && number <= most)) {
        throw new UsageError(`--${name} takes ${unit}, from ${least} to ${most}`);
    }
    return number;
}

/** The time to judge at, in milliseconds; `undefined`: now. */
export function timeOf({ at }: Options): number | undefined {
    if (at === undefined) {
        return undefined;
    }
    const millis = /^\d+$/.test(at) ? Number(at) * 1000 : Date.parse(at);
    if (!Number.isFinite(millis) || millis > 253_402_300_799_999) {
        throw new UsageError("--at takes seconds since 1970, or a time such as 2026-01-31T12:00:00Z");
    }
    return millis;
}
