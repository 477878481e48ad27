/**
 * The engine in use: makes it, asks it, and throws it away when it fails. Fetches what it wants to have.
 *
 * In: questions for a core. Out: its answers, at once or when keys have come. Never: a verdict by an engine that failed or that has no random
 * seed, an answer that grants in the place of one that failed.
 */

import { apart } from "../boundary/apart.js";
import { exchange, type WantedRequest } from "../boundary/exchange.js";
import { NoRequestError } from "../boundary/no-request.js";
import { hasOwn } from "../boundary/own.js";
import { Core, isRefused } from "./core.js";
import {
    MAX_TIMER_MS,
    clearTimeout,
    setTimeout,
    steady,
    textsOf,
    wall,
    type Host,
    type Questions
} from "./host.js";
import { Sleepers } from "./sleepers.js";

const FAILED = "internal error: the WebAssembly engine failed, and is replaced";
const LOST = "the request ended before it got its answer";
const UNANSWERED = "internal error: this run time gave no answer about a signature in time";
/** After a failure, engines are made at least so far apart, in milliseconds: each one fetches the keys again. */
const REPLACE_MS = 1000;
const SEED_BYTES = 32;

/** The text of a failure, as `readVerdict` reads it. */
export const failureText = (message: string): string => JSON.stringify([-2, null, message]);

/** The answer must wait: for keys, or for answers about signatures. */
interface WaitStep {
    readonly wait: number;
    readonly fetches: readonly number[];
    readonly plans: readonly number[];
    readonly until: number;
    readonly lacksAnswers: boolean;
}

type FetchStep =
    | { readonly request: WantedRequest }
    | {
          readonly done: true;
          readonly plan: number;
          readonly fetches: readonly number[];
          readonly next: number | null;
      }
    | { readonly stale: true };

/** A core, and which one it is: numbers that it gave have a meaning for it alone. */
export interface Running {
    readonly core: Core;
    readonly generation: number;
    /** Those of the request, where answers about signatures come later. */
    readonly questions: Questions | null;
}

/** The latest time that a clock may have shown to a verdict. A request that waited for keys is judged later than it came. */
export class LatestTime {
    /** How far the clock is ahead of the steady one. */
    #ahead = Number.NEGATIVE_INFINITY;

    /** A verdict is asked for at this time, and at this one of the steady clock. */
    saw(now: number, at: number): void {
        this.#ahead = Math.max(this.#ahead, now - at);
    }

    /** At this time of the steady clock; `undefined` if no verdict was asked for. */
    at(steadyTime: number): number | undefined {
        return Number.isFinite(this.#ahead) ? this.#ahead + steadyTime : undefined;
    }
}

export class Engine {
    readonly #host: Host;
    readonly #sleepers: Sleepers;
    #core: Core | undefined;
    #generation = 0;
    #hasSeed = false;
    #isLost = false;
    #madeAt = 0;
    /** When `due` must be asked, on the steady clock. */
    #next = Number.POSITIVE_INFINITY;
    #timer: NodeJS.Timeout | undefined;
    #listener: ((event: string) => void) | undefined;
    #isTelling = false;
    /** The latest time of a verdict, by the clock that validators share; */
    readonly latest = new LatestTime();
    /** and what it was, and the steady clock, when an engine was lost with all that it remembered of proofs. */
    lost: { readonly latest: number | undefined; readonly steady: number } | undefined;

    constructor(host: Host) {
        this.#host = host;
        this.#sleepers = new Sleepers(({ wait, generation }) => {
            this.giveUp(generation, core => core.exports.wait_drop(wait));
        }, !host.hasTimers);
    }

    /**
     * Asks for something that is no verdict. If the engine fails, this throws.
     *
     * At the top level of a module workerd has no random bytes. The engine that answers there gets none, and gives no verdict.
     */
    ask<Answer>(question: (running: Running) => Answer): Answer {
        return this.#ask(question, false, null);
    }

    /**
     * Asks for a verdict, with the questions of this request if it has some already. If the engine fails, this throws.
     */
    judge<Answer>(
        question: (running: Running) => Answer,
        questions = this.#host.newQuestions?.() ?? null
    ): Answer {
        return this.#ask(question, true, questions);
    }

    #ask<Answer>(
        question: (running: Running) => Answer,
        needsSeed: boolean,
        questions: Questions | null
    ): Answer {
        const core = this.#running(needsSeed);
        const running = { core, generation: this.#generation, questions };
        try {
            // Functions without a name: bundlers that keep names, as wrangler does, define each one's again in each request.
            return questions === null ? question(running) : questions.during(() => question(running));
        } catch (error) {
            if (isRefused(error)) {
                throw error;
            }
            this.#lose(running.generation, error);
            throw new Error(FAILED, { cause: error });
        }
    }

    #running(needsSeed: boolean): Core {
        if (this.#core !== undefined && (this.#hasSeed || !needsSeed)) {
            return this.#core;
        }
        if (this.#isLost && steady() - this.#madeAt < REPLACE_MS) {
            throw new Error(FAILED);
        }
        const seed = new Uint8Array(SEED_BYTES);
        let hasSeed = true;
        try {
            crypto.getRandomValues(seed);
        } catch (error) {
            if (needsSeed) {
                throw new NoRequestError(error);
            }
            hasSeed = false;
        }
        if (this.#core === undefined || hasSeed) {
            const { compiled, newSignatures } = this.#host;
            this.#core = new Core(compiled(), seed, newSignatures(), textsOf(this.#host));
            this.#generation += 1;
            this.#hasSeed = hasSeed;
            this.#isLost = false;
            this.#madeAt = steady();
        }
        return this.#core;
    }

    #isRunning(generation: number): boolean {
        return generation === this.#generation && this.#core !== undefined;
    }

    /** Nothing of a core that failed is used again. */
    #lose(generation: number, error: unknown): void {
        if (!this.#isRunning(generation)) {
            return;
        }
        this.#core = undefined;
        const at = steady();
        this.lost = { latest: this.latest.at(at), steady: at };
        this.#isLost = true;
        this.#next = Number.POSITIVE_INFINITY;
        this.#sleepers.wakeAll();
        process.emitWarning(
            `The WebAssembly engine failed (${String(error)}) and is replaced. Keys are fetched again, and DPoP proofs that were made before ` +
                "are refused, since the memory of proofs is lost.",
            { type: "oidc-spa-native", code: "OIDC_SPA_NATIVE_ENGINE_FAILED" }
        );
    }

    /** Begins to refresh keys whose time has come. Called with each request: not every run time has timers between requests. */
    refresh(now: number): void {
        if (now >= this.#next) {
            this.#due();
        }
    }

    #due(): void {
        this.#next = Number.POSITIVE_INFINITY;
        try {
            this.judge(running => {
                const { fetches, next } = JSON.parse(
                    running.core.text(running.core.exports.due(wall(), steady()))
                ) as { fetches: readonly number[]; next: number | null };
                this.#beginAll(fetches, running);
                this.#dueAt(next);
            });
        } catch {
            // The next request is told so.
        }
    }

    /** Asks what is due, if the answer may have changed. */
    look(): void {
        this.#next = steady();
    }

    #dueAt(next: number | null): void {
        this.#next = Math.min(this.#next, next ?? Number.POSITIVE_INFINITY);
        this.#setTimer();
    }

    #setTimer(): void {
        if (!this.#host.hasTimers || this.#next === Number.POSITIVE_INFINITY) {
            return;
        }
        clearTimeout(this.#timer);
        this.#timer = apart(() =>
            setTimeout(
                // A timer counts from the beginning of the turn that set it, so after a long turn it comes too early.
                () => (steady() >= this.#next ? this.#due() : this.#setTimer()),
                Math.min(Math.max(this.#next - steady(), 0) + 1, MAX_TIMER_MS)
            )
        );
        this.#timer.unref();
    }

    /** The step that this text has, if the answer must wait. */
    waitOf(text: string, running: Running): WaitStep | undefined {
        if (!text.startsWith('{"wait":')) {
            return undefined;
        }
        const step = JSON.parse(text) as WaitStep;
        this.#beginAll(step.fetches, running);
        this.#tell();
        return step;
    }

    /**
     * Waits until there is an answer other than a wait. Never rejects: a failure is a text, too. If the run time has ended the
     * request, this Promise stays as it is, and `onLost` gets the text of a failure.
     */
    async answerOf(
        first: WaitStep,
        { generation, questions }: Running,
        onLost: (text: string) => void
    ): Promise<string> {
        let step: WaitStep | undefined = first;
        let text = "";
        while (step !== undefined) {
            const { wait, plans, until, lacksAnswers }: WaitStep = step;
            if (!lacksAnswers) {
                await this.#sleepers.sleep({
                    wait,
                    generation,
                    plans,
                    until,
                    onLost: () => onLost(failureText(LOST))
                });
            } else if (questions === null || !(await questions.answered())) {
                this.giveUp(generation, core => core.exports.wait_drop(wait));
                return failureText(UNANSWERED);
            }
            if (!this.#isRunning(generation)) {
                return failureText(FAILED);
            }
            try {
                step = this.judge(running => {
                    const { core } = running;
                    text = core.text(core.exports.wait_resume(wait, wall(), steady()));
                    return this.waitOf(text, running);
                }, questions);
            } catch {
                return failureText(FAILED);
            }
        }
        this.#tell();
        return text;
    }

    /** Gives back something that this engine keeps for a request, if it is still that engine. */
    giveUp(generation: number, drop: (core: Core) => void): void {
        if (this.#isRunning(generation)) {
            try {
                this.ask(({ core }) => drop(core));
            } catch {
                // The engine failed, and keeps nothing.
            }
        }
    }

    #beginAll(fetches: readonly number[], { generation }: Running): void {
        for (const fetch of fetches) {
            this.#host.keepRunning(apart(() => this.#fetch(fetch, generation)));
        }
    }

    /** Carries out one fetch with all its requests. Never rejects. */
    async #fetch(fetch: number, generation: number): Promise<void> {
        try {
            let step = this.#fetchStep(generation, core => core.exports.fetch_next(fetch, wall(), steady()));
            while (step !== undefined && hasOwn(step, "request")) {
                const answer = await exchange(step.request);
                step = this.#fetchStep(generation, core =>
                    hasOwn(answer, "kind")
                        ? core.exports.fetch_failed(
                              fetch,
                              wall(),
                              steady(),
                              answer.kind,
                              core.put([answer.message])
                          )
                        : core.exports.fetch_answered(
                              fetch,
                              wall(),
                              steady(),
                              answer.status,
                              core.put([JSON.stringify(answer.headers), answer.body])
                          )
                );
            }
        } catch {
            // The engine failed, and those who wait have been woken.
        }
    }

    /** One step of a fetch; what it ends is done here. */
    #fetchStep(generation: number, give: (core: Core) => number): FetchStep | undefined {
        if (!this.#isRunning(generation)) {
            return undefined;
        }
        return this.judge(running => {
            const step = JSON.parse(running.core.text(give(running.core))) as FetchStep;
            if (hasOwn(step, "done")) {
                this.#beginAll(step.fetches, running);
                this.#dueAt(step.next);
                this.#sleepers.wake(step.plan);
            }
            this.#tell();
            return step;
        });
    }

    /** Calls with the JSON text of each event from now on. */
    listen(listener: (event: string) => void): void {
        this.#listener = listener;
    }

    /** Tells of what has happened, when the present call is over. */
    #tell(): void {
        if (this.#isTelling || this.#listener === undefined) {
            return;
        }
        this.#isTelling = true;
        queueMicrotask(() => {
            this.#isTelling = false;
            if (this.#core === undefined) {
                return;
            }
            let events: readonly object[] = [];
            try {
                events = this.ask(
                    ({ core }) => JSON.parse(core.text(core.exports.events())) as readonly object[]
                );
            } catch {
                // The next request is told so.
            }
            for (const event of events) {
                this.#listener?.(JSON.stringify(event));
            }
        });
    }
}
