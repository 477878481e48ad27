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
both:
  --ca FILE           certificates of an authority to trust, in PEM
  --allow-http        http to hosts other than this one
  --timeout SECONDS   how long to wait for the issuer (default: 10)
  --json              for programs
  --help

Ends with 0 where the request would be granted (doctor: where tokens of the issuer can be verified), 1 where not,
2 where nothing was judged.
`;

/** What was asked for. */
export interface Asked {
    readonly command: "inspect" | "doctor" | "help";
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
    readonly ca?: string | undefined;
    readonly "allow-http"?: boolean | undefined;
    readonly timeout?: string | undefined;
    readonly json?: boolean | undefined;
    readonly help?: boolean | undefined;
}

const OF_DOCTOR: readonly string[] = [
    "audience",
    "client",
    "keys",
    "ca",
    "allow-http",
    "timeout",
    "json",
    "help"
];

/** Reads a command line. */
export function readCommandLine(args: readonly string[]): Asked {
    const { values, positionals } = parsed(args);
    const [command, ...words] = positionals;
    if (values.help === true || command === "help") {
        return { command: "help", words, options: values };
    }
    if (command !== "inspect" && command !== "doctor") {
        throw new UsageError(
            command === undefined
                ? "which command: inspect or doctor?"
                : "there are the commands inspect and doctor"
        );
    }
    const misplaced =
        command === "doctor" ? Object.keys(values).find(name => !OF_DOCTOR.includes(name)) : undefined;
    if (misplaced !== undefined) {
        throw new UsageError(`--${misplaced} is an option of inspect, not of doctor`);
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

/** Seconds to wait for an issuer, in milliseconds. */
export function timeoutOf({ timeout = "10" }: Options): number {
    const seconds = Number(timeout);
    if (!(seconds >= 0.1 && seconds <= 30)) {
        throw new UsageError("--timeout takes seconds, from 0.1 to 30");
    }
    return Math.round(seconds * 1000);
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
