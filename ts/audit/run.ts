/**
 * A run: confirm, wait for a good token, send every vector, read the answers.
 *
 * In: a target, an issuer, limits. Out: a report. Never: a vector to a server that did not confirm itself, a verdict on a
 * request whose good twin is refused.
 */

import { setTimeout as sleep } from "node:timers/promises";
import type { Answer, Exchange, NoAnswer } from "./exchange.js";
import type { AuditIssuer } from "./issuer.js";
import { askedNonce, faultsOf, isAnswer, readingOf, shownAnswer } from "./reading.js";
import type { ServerProcess } from "./server-process.js";
import { resultOf, type AnswerFault, type Report, type Result } from "./report.js";
import { CONFIRMATION_PATH, TargetError, type Target } from "./target.js";
import { Supply } from "./supply.js";
import type { Made, WireVector } from "./wire.js";

/** What a run is told by its operator. */
export interface RunOptions {
    readonly audience: string;
    readonly method: string;
    readonly profile: "default" | "rfc9068";
    /** `typ` of good tokens. */
    readonly typ: string;
    /** Claims that the server asks for beside the usual ones. */
    readonly claims: Readonly<Record<string, unknown>>;
    /** Whether requests with proofs are sent; `undefined`: if a good one gets in. */
    readonly dpop: boolean | undefined;
    /** How long to wait for the confirmation and for the first good token. */
    readonly waitMs: number;
    /** How long the vectors may take. */
    readonly withinMs: number;
}

/** What a run is made with. */
export interface Run {
    readonly target: Target;
    readonly issuer: AuditIssuer;
    readonly exchange: Exchange;
    readonly options: RunOptions;
    readonly supply: Supply;
    /** The process of the server, if this program started it: it is started again when a request ends it. */
    readonly server: ServerProcess | undefined;
}

const LOOK_EVERY_MS = 500;

/** How long a server that failed may take until it answers again. */
const ALIVE_WITHIN_MS = 30_000;

/**
 * After so many results without a request that got in, a good one is sent again: the server may refuse everything by now.
 */
const UNSURE_RESULTS = 50;

const BEARER = "rfc6750/good/B3.2-bearer";
const PROOF = "rfc9449/good/B2.22-proof";
const NOTHING = "rfc6750/credentials/B3.9-none";

/** Makes the vectors and publishes their keys: before a server asks for them. */
export async function prepare({
    target,
    issuer,
    options
}: Pick<Run, "target" | "issuer" | "options">): Promise<{
    readonly supply: Supply;
    readonly keys: Made["keys"];
}> {
    const supply = new Supply({
        issuer: issuer.issuerUri,
        audience: options.audience,
        url: target.url,
        method: options.method,
        profile: options.profile,
        typ: options.typ,
        claims: options.claims,
        keys: issuer.privateKeys,
        run: ""
    });
    const { keys } = await supply.all();
    issuer.publish(keys);
    return { supply, keys };
}

/** Waits until a server on another machine shows the run's code. Until then nothing else is sent to it. */
export async function confirm(
    { exchange, options, target }: Pick<Run, "exchange" | "options" | "target">,
    code: string
): Promise<void> {
    if (target.isLoopback) {
        return;
    }
    const until = performance.now() + options.waitMs;
    for (;;) {
        const answer = await exchange.send({ method: "GET", target: CONFIRMATION_PATH, fields: [] });
        if (isAnswer(answer) && answer.status === 200 && answer.body.trim() === code) {
            return;
        }
        if (performance.now() > until) {
            throw new TargetError(
                `the server did not show this run's code at ${CONFIRMATION_PATH}; it was not audited`
            );
        }
        await sleep(4 * LOOK_EVERY_MS);
    }
}

/** Sends the vectors. */
export async function run({ target, issuer, exchange, options, supply, server }: Run): Promise<Report> {
    const begun = performance.now();
    const schemes = await openedBy({ supply, exchange, options, server, issuer });
    const audit = new Audit(supply, exchange, server, options.method, schemes.includes("DPoP"));
    const ended = await audit.sendAll(schemes, options.withinMs);
    return {
        url: target.url.href,
        issuer: issuer.issuerUri,
        audience: options.audience,
        profile: options.profile,
        schemes,
        requests: exchange.sent,
        seconds: Math.round((performance.now() - begun) / 1000),
        ended,
        results: audit.results,
        answers: audit.answers
    };
}

/** Waits until a good request gets in; which schemes do. */
async function openedBy({
    supply,
    exchange,
    options,
    server,
    issuer
}: Omit<Run, "target">): Promise<readonly string[]> {
    const { method, dpop, waitMs } = options;
    const send = async (id: string): Promise<Answer | NoAnswer> => {
        const [step] = (await supply.one(id)).steps;
        return exchange.send({ method, target: step?.target ?? "/", fields: step?.fields ?? [] });
    };
    const proven = async () => {
        let answer = await send(PROOF);
        const nonce = askedNonce(answer);
        if (nonce !== undefined) {
            supply.nonce = nonce;
            answer = await send(PROOF);
        }
        supply.spend();
        return answer;
    };
    const until = performance.now() + waitMs;
    for (let last = ""; ; await sleep(LOOK_EVERY_MS)) {
        const bearer = await send(BEARER);
        const isBearerIn = readingOf(bearer) === "in";
        // A server that is not there yet is asked for nothing else.
        const isThere = isAnswer(bearer);
        const bound =
            isThere && dpop !== false && (isBearerIn || dpop === true || asksForDpop(bearer))
                ? await proven()
                : undefined;
        const isBoundIn = bound !== undefined && readingOf(bound) === "in";
        if (isBearerIn || isBoundIn) {
            if (readingOf(await send(NOTHING)) === "in") {
                throw new TargetError(
                    "the route takes requests without a token, so nothing can be said: name a route that asks for one"
                );
            }
            if (dpop === true && !isBoundIn) {
                throw new TargetError(
                    `a good DPoP request is refused (${bound === undefined ? last : shownAnswer(bound)})`
                );
            }
            return [...(isBearerIn ? ["Bearer"] : []), ...(isBoundIn ? ["DPoP"] : [])];
        }
        last = shownAnswer(bearer);
        if (server?.hasEnded === true) {
            throw new TargetError("the command that starts the server ended before a good token got in");
        }
        if (performance.now() > until) {
            const keys = issuer.asked === 0 ? "; nobody asked the issuer for its keys" : "";
            throw new TargetError(`no good token got in (the last answer: ${last})${keys}`);
        }
    }
}

const asksForDpop = (answer: Answer): boolean => /\bdpop\b/i.test(answer.fields["www-authenticate"] ?? "");

/** Vectors, one after the other, and what was found so far. */
class Audit {
    readonly results: Result[] = [];
    readonly #faults = new Map<string, AnswerFault>();
    readonly #supply: Supply;
    readonly #exchange: Exchange;
    readonly #server: ServerProcess | undefined;
    readonly #method: string;
    readonly #isDpopTaken: boolean;
    /** Good vectors that got in. */
    readonly #granted = new Set<string>();
    /** Algorithms whose good tokens got in, and those whose did not. */
    readonly #algorithms = new Map<string, boolean>();
    /** How many results are older than the last request that got in: they are of a server that took good requests. */
    #sure = 0;

    constructor(
        supply: Supply,
        exchange: Exchange,
        server: ServerProcess | undefined,
        method: string,
        isDpopTaken: boolean
    ) {
        this.#supply = supply;
        this.#server = server;
        this.#exchange = exchange;
        this.#method = method;
        this.#isDpopTaken = isDpopTaken;
    }

    get answers(): readonly AnswerFault[] {
        return [...this.#faults.values()];
    }

    /** Returns why it ended early, or `null`. */
    async sendAll(schemes: readonly string[], withinMs: number): Promise<string | null> {
        const until = performance.now() + withinMs;
        const ids = (await this.#supply.all()).vectors.filter(
            ({ isDpop }) => !isDpop || schemes.includes("DPoP")
        );
        for (const { id } of ids) {
            if (performance.now() > until) {
                return `the time of ${Math.round(withinMs / 1000)} seconds is over`;
            }
            const result = await this.#send(await this.#supply.one(id));
            const isAlive = result.outcome !== "crashed" || (await this.#isAlive(schemes, until));
            const hasEnded = this.#server?.hasEnded === true;
            this.results.push(hasEnded ? { ...result, answer: "ended" } : result);
            if (hasEnded) {
                this.#server?.start();
            }
            if (!isAlive && !(hasEnded && (await this.#isAlive(schemes, until)))) {
                return `the server does not answer any more after ${id}`;
            }
            const isSure = this.results.length - this.#sure < (id === ids.at(-1)?.id ? 1 : UNSURE_RESULTS);
            if (!isSure && !(await this.#takesGood(schemes))) {
                return this.#withdrawn();
            }
        }
        return null;
    }

    /** Whether a good request still gets in. Some servers refuse everything to a sender whose requests were bad. */
    async #takesGood(schemes: readonly string[]): Promise<boolean> {
        const isBearerTaken = schemes.includes("Bearer");
        if (!isBearerTaken) {
            this.#supply.spend();
        }
        const { outcome } = await this.#send(await this.#supply.one(isBearerTaken ? BEARER : PROOF));
        this.#sure = outcome === "passed" ? this.results.length : this.#sure;
        return outcome === "passed";
    }

    /** The refusals since the last request that got in say nothing. Returns why the run ends. */
    #withdrawn(): string {
        const unsure = this.results.splice(this.#sure);
        this.results.push(
            ...unsure.map(result =>
                result.outcome === "passed" ? { ...result, outcome: "untested" as const } : result
            )
        );
        return (
            `good requests are refused too after ${unsure[0]?.id ?? ""} or a later one; the server may lock senders out ` +
            "after refusals: let it not do so during the audit"
        );
    }

    /** After a failure: whether the server still answers. */
    async #isAlive(schemes: readonly string[], until: number): Promise<boolean> {
        const last = Math.min(until, performance.now() + ALIVE_WITHIN_MS);
        while (this.#server?.hasEnded !== true) {
            const answer = await this.#exchange.send({ method: "GET", target: "/", fields: [] });
            if (isAnswer(answer) || answer.failure === "malformed") {
                return true;
            }
            // Some servers close the connection in the place of a refusal.
            if (answer.failure === "closed" && (await this.#takesGood(schemes))) {
                return true;
            }
            if (performance.now() > last) {
                return false;
            }
            await sleep(LOOK_EVERY_MS);
        }
        return false;
    }

    /** A server that wants another nonce than the last one gets it, once. */
    async #send(vector: WireVector, isAgain = false): Promise<Result> {
        const { id, steps, algorithm } = vector;
        const isGood = steps.at(-1)?.isGranted === true;
        if (!isGood && !this.#isTestable(vector)) {
            return resultOf(vector, "untested", "");
        }
        let answer: Answer | NoAnswer = { failure: "unreachable" };
        for (const [i, { target, fields, isGranted, status }] of steps.entries()) {
            answer = await this.#exchange.send({ method: this.#method, target, fields });
            const nonce = askedNonce(answer);
            if (nonce !== undefined && nonce !== this.#supply.nonce && vector.isDpop && !isAgain) {
                this.#supply.nonce = nonce;
                return this.#send(await this.#supply.one(id), true);
            }
            const reading = readingOf(answer);
            if (reading === "in") {
                this.#sure = this.results.length;
            }
            if (reading === "crashed") {
                return resultOf(vector, "crashed", shownAnswer(answer));
            }
            if (isAnswer(answer) && reading === "refused" && !isGranted) {
                this.#note(vector, faultsOf(answer, { fields, expected: status }, this.#isDpopTaken));
            }
            const isRight = (reading === "in") === isGranted;
            if (reading === "throttled" || (!isRight && i < steps.length - 1)) {
                return resultOf(vector, "untested", shownAnswer(answer));
            }
            if (i === steps.length - 1 && isGood) {
                this.#learn(id, algorithm, isRight);
            }
            if (!isRight) {
                const outcome = isGranted ? "kept-out" : "got-in";
                return resultOf(vector, outcome, shownAnswer(answer));
            }
        }
        return resultOf(vector, "passed", shownAnswer(answer));
    }

    #learn(id: string, algorithm: string | null, isIn: boolean): void {
        if (isIn) {
            this.#granted.add(id);
        }
        if (algorithm !== null && /\/(?:A29|A23|A24)-/.test(id)) {
            this.#algorithms.set(algorithm, isIn);
        }
    }

    /** A refusal says something only if the same request with one thing restored gets in. */
    #isTestable({ twin, algorithm, isDpop }: WireVector): boolean {
        const usual = isDpop ? PROOF : BEARER;
        const isTwinIn = this.#granted.has(twin ?? usual);
        return isTwinIn && (algorithm === null || this.#algorithms.get(algorithm) !== false);
    }

    #note({ id }: WireVector, faults: ReturnType<typeof faultsOf>): void {
        for (const kind of faults) {
            const known = this.#faults.get(kind.name);
            this.#faults.set(kind.name, {
                ...kind,
                example: known?.example ?? id,
                count: (known?.count ?? 0) + 1
            });
        }
    }
}
