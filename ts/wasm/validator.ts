/**
 * A validator of the WebAssembly engine, behind the interface of the addon's.
 *
 * In: options, requests. Out: the engine's answers. Never: a rule about tokens or options; a question to an engine other than the
 * present one.
 */

import type {
    CredentialParts,
    Internals,
    NativeAnswer,
    NativeDoors,
    NativeInbox,
    NativeUnsettled,
    NativeValidator,
    NativeWait,
    RequestParts,
    VerdictText
} from "../boundary/interface.js";
import { hasOwn } from "../boundary/own.js";
import { Refused, type Field } from "./core.js";
import { failureText, LatestTime, type Engine, type Running } from "./engine.js";
import { steady, wall } from "./host.js";
import type { WasmInbox } from "./inbox.js";
import { Unsettled } from "./unsettled.js";

const [YES, NO] = [1, 0];
const NO_AGE = -1;
const UNKNOWN_KEYS =
    "oidc-spa-native: this run time says later whether the keys of the options are keys. Make the validator within answeredFirst().";

/** What a validator has in an engine: its number there. */
interface Place {
    readonly generation: number;
    readonly number: number;
}

/** The validators that may still have a place, so that it is given back when they were collected. */
interface Placed {
    readonly validator: WeakRef<WasmValidator>;
    readonly place: Place;
}

export class WasmValidator implements NativeValidator {
    readonly #engine: Engine;
    readonly #options: string;
    readonly #internals: Internals;
    #place: Place | undefined;
    #isRetired = false;
    /** The latest time of a verdict, by its own clock. */
    readonly #latest = new LatestTime();

    constructor(engine: Engine, options: string, internals: Internals) {
        this.#engine = engine;
        this.#options = options;
        this.#internals = internals;
        // Wrong options are an error here and now.
        this.#ask((_, running) => running);
    }

    settings(): string {
        return this.#text((number, { core }) => core.exports.settings(number));
    }

    health(): string {
        return this.#text((number, { core }) => core.exports.health(number, wall(), steady()));
    }

    metrics(): string {
        return this.#text((number, { core }) => core.exports.metrics(number, wall(), steady()));
    }

    snapshot(): string {
        return this.#text((number, { core }) => core.exports.snapshot(number, wall(), steady()));
    }

    retire(): void {
        this.#isRetired = true;
        this.#ask((number, { core }) => core.exports.retire(number));
    }

    acceptsIssuer(name: string): boolean {
        return this.#ask((number, { core }) => core.exports.accepts_issuer(number, core.put([name]))) === YES;
    }

    namedIssuer(
        now: number,
        flags: number,
        authorization: string | null,
        dpop: string | null
    ): readonly [iss: string, mayPass: boolean] | null {
        return JSON.parse(
            this.#text((number, { core }) =>
                core.exports.named_issuer(number, now, flags, core.put([authorization, dpop]))
            )
        ) as readonly [string, boolean] | null;
    }

    refuse(
        now: number,
        rules: number,
        code: string,
        scheme: string | null,
        debugErrorMessage: string,
        scopes: readonly string[],
        acrValues: readonly string[],
        maxAgeSeconds: number | null
    ): VerdictText {
        const fields = [code, scheme, debugErrorMessage, JSON.stringify(scopes), JSON.stringify(acrValues)];
        return orError(
            this.#judge((number, { core }) =>
                core.text(core.exports.refuse(number, now, rules, maxAgeSeconds ?? NO_AGE, core.put(fields)))
            )
        );
    }

    objection(
        now: number,
        rules: number,
        issuer: number,
        scheme: string,
        accessToken: string
    ): readonly [code: string, debugErrorMessage: string] | null {
        const text = this.#judge((number, { core }) =>
            core.text(core.exports.objection(number, now, rules, issuer, core.put([scheme, accessToken])))
        );
        return JSON.parse(orError(text)) as readonly [string, string] | null;
    }

    doors(to: NativeInbox): NativeDoors {
        const inbox = to as WasmInbox;
        const authorizeRequest: NativeDoors["authorizeRequest"] = (now, rules, scopes, known, ...parts) =>
            this.#answer(inbox, now, (number, { core }, at) =>
                core.exports.authorize_request(
                    number,
                    now,
                    at,
                    rules,
                    known,
                    parts[0],
                    core.put(fieldsOf(scopes, parts))
                )
            );
        const authorizeCredentials: NativeDoors["authorizeCredentials"] = (now, known, ...parts) => {
            const [scheme, accessToken, rejectsIfBound, ...others] = parts satisfies CredentialParts;
            return this.#answer(inbox, now, (number, { core }, at) =>
                core.exports.authorize_credentials(
                    number,
                    now,
                    at,
                    known,
                    rejectsIfBound ? YES : NO,
                    core.put([scheme, accessToken, ...others])
                )
            );
        };
        return {
            authorizeRequest,
            authorizeCredentials,
            // There are no other threads: this one does it.
            submitRequest: (ticket, now, rules, scopes, known, ...parts) =>
                give(inbox, ticket, () => authorizeRequest(now, rules, scopes, known, ...parts)),
            submitCredentials: (ticket, now, known, ...parts) =>
                give(inbox, ticket, () => authorizeCredentials(now, known, ...parts)),
            explainRequest: (ticket, now, rules, scopes, _known, ...parts) =>
                this.#later(inbox, ticket, now, (number, { core }, at) =>
                    core.exports.explain_request(
                        number,
                        now,
                        at,
                        rules ?? 0,
                        parts[0],
                        core.put(fieldsOf(scopes, parts))
                    )
                ),
            explainCredentials: (ticket, now, _known, ...parts) => {
                const [scheme, accessToken, rejectsIfBound, ...others] = parts satisfies CredentialParts;
                this.#later(inbox, ticket, now, (number, { core }, at) =>
                    core.exports.explain_credentials(
                        number,
                        now,
                        at,
                        rejectsIfBound ? YES : NO,
                        core.put([scheme, accessToken, ...others])
                    )
                );
            },
            ready: (ticket, timeoutMs, failFast) =>
                this.#later(inbox, ticket, undefined, (number, { core }, at) =>
                    core.exports.ready(number, at, timeoutMs, failFast ? YES : NO)
                ),
            keysEpoch: issuer =>
                this.#ask((number, { core }) => core.exports.keys_epoch(number, issuer, steady()))
        };
    }

    /** The first answer for a request. */
    #answer(inbox: WasmInbox, now: number, give: AskAt<number>): NativeAnswer {
        return this.#judge((number, running, at) => {
            const text = running.core.text(give(number, running, at));
            // All but a verdict is an object.
            return text.startsWith("[") ? text : this.#unready(inbox, text, running);
        }, now);
    }

    /** What is no verdict yet: it waits for keys, or for the application's replay store. */
    #unready(inbox: WasmInbox, text: string, running: Running): NativeAnswer {
        const step = this.#engine.waitOf(text, running);
        if (step === undefined) {
            return new Unsettled(this.#engine, text, running).orDropped();
        }
        let isAwaited = false;
        // A caller that cannot wait does not take the answer.
        queueMicrotask(() => isAwaited || this.#giveUpWait(step.wait, running));
        return {
            answerUnder: ticket => {
                if (isAwaited) {
                    throw new Error("internal error: this request was settled before");
                }
                isAwaited = true;
                const onLost = (text: string) => inbox.put(ticket, text);
                void this.#engine.answerOf(step, running, onLost).then(answer => {
                    inbox.put(ticket, this.#settled(answer, running));
                });
            }
        } satisfies NativeWait;
    }

    #giveUpWait(wait: number, { generation }: Running): void {
        this.#engine.giveUp(generation, core => core.exports.wait_drop(wait));
    }

    #settled(text: string, running: Running): VerdictText | NativeUnsettled {
        return text.startsWith("[") ? text : new Unsettled(this.#engine, text, running);
    }

    /** An answer that always comes to the inbox, and is a text. */
    #later(inbox: WasmInbox, ticket: number, now: number | undefined, give: AskAt<number>): void {
        this.#judge((number, running, at) => {
            const text = running.core.text(give(number, running, at));
            const step = this.#engine.waitOf(text, running);
            if (step === undefined) {
                inbox.put(ticket, text);
            } else {
                const put = (answer: string) => inbox.put(ticket, answer);
                void this.#engine.answerOf(step, running, put).then(put);
            }
        }, now);
    }

    #text(give: Ask<number>): string {
        return this.#ask((number, running) => running.core.text(give(number, running)));
    }

    #ask<Answer>(ask: Ask<Answer>): Answer {
        return this.#engine.ask(running => ask(this.#numberIn(running), running));
    }

    #judge<Answer>(ask: AskAt<Answer>, now?: number): Answer {
        const begun = steady();
        this.#engine.refresh(begun);
        return this.#engine.judge(running => {
            const before = this.#place;
            const number = this.#numberIn(running);
            // What an engine learns with new options is not older than the question.
            const at = this.#place === before ? begun : steady();
            if (now !== undefined) {
                (this.#internals.ownClock === true ? this.#latest : this.#engine.latest).saw(now, at);
            }
            return ask(number, running, at);
        });
    }

    /** Its number in this engine. An engine that replaced another one gets the options again. */
    #numberIn({ core, generation }: Running): number {
        if (this.#place?.generation === generation) {
            return this.#place.number;
        }
        const { lost } = this.#engine;
        const lostAt =
            lost && (this.#internals.ownClock === true ? this.#latest.at(lost.steady) : lost.latest);
        const internals = { ...this.#internals, ...(lostAt !== undefined && { replayLostAt: lostAt }) };
        const made = JSON.parse(
            core.text(
                core.exports.validator_new(
                    wall(),
                    steady(),
                    core.put([this.#options, JSON.stringify(internals)])
                )
            )
        ) as { readonly validator: number } | { readonly error: string } | { readonly lacksAnswers: true };
        if (hasOwn(made, "error")) {
            throw new Refused(made.error);
        }
        if (hasOwn(made, "lacksAnswers")) {
            throw new Refused(UNKNOWN_KEYS);
        }
        this.#place = { generation, number: made.validator };
        if (this.#isRetired) {
            core.exports.retire(made.validator);
        }
        keepPlace(this, this.#place, { core, generation });
        // The options may hold keys that another process fetched, and that are to be refreshed.
        this.#engine.look();
        return made.validator;
    }
}

type Ask<Answer> = (number: number, running: Running) => Answer;
/** The same with the time of the steady clock, which is read once for a request: each reading is a call into the run time. */
type AskAt<Answer> = (number: number, running: Running, at: number) => Answer;

/** The fields of a request: its flags are a number, and no field. */
const fieldsOf = (scopes: string | null, [, ...parts]: RequestParts): readonly Field[] => [scopes, ...parts];

/** The text, unless it is the sentence of an error. */
function orError(text: string): string {
    if (text.startsWith('{"error":')) {
        throw new Error((JSON.parse(text) as { readonly error: string }).error);
    }
    return text;
}

/** Brings a first answer into the inbox. */
function give(inbox: WasmInbox, ticket: number, ask: () => NativeAnswer): void {
    let answer: NativeAnswer;
    try {
        answer = ask();
    } catch (error) {
        inbox.put(ticket, failureText((error as Error).message));
        return;
    }
    if (typeof answer === "object" && hasOwn(answer, "answerUnder")) {
        answer.answerUnder(ticket);
    } else {
        inbox.put(ticket, answer);
    }
}

let placed: Placed[] = [];
const FIRST_REMOVAL = 64;
/** How many places there may be before those of collected validators are given back. */
let removeAt = FIRST_REMOVAL;

/**
 * Gives the places of collected validators back, now and then. Not with a `FinalizationRegistry`, which may call while a worker
 * thread ends.
 */
function keepPlace(
    validator: WasmValidator,
    place: Place,
    { core, generation }: Omit<Running, "questions">
): void {
    placed.push({ validator: new WeakRef(validator), place });
    if (placed.length < removeAt) {
        return;
    }
    placed = placed.filter(({ validator, place }) => {
        const isOfThisEngine = place.generation === generation;
        if (isOfThisEngine && validator.deref() === undefined) {
            core.exports.validator_free(place.number);
            return false;
        }
        return isOfThisEngine;
    });
    removeAt = Math.max(FIRST_REMOVAL, 2 * placed.length);
}
