/**
 * The answers that come later, until JavaScript takes them.
 *
 * In: answers under tickets. Out: the same, many at a time. Never: a call of the receiver before the present one is over.
 */

import type { NativeInbox, NativeUnsettled, VerdictText } from "../boundary/interface.js";

type Later = VerdictText | NativeUnsettled;

export class WasmInbox implements NativeInbox {
    readonly #notify: () => void;
    #tickets: number[] = [];
    #answers: Later[] = [];

    constructor(notify: () => void) {
        this.#notify = notify;
    }

    put(ticket: number, answer: Later): void {
        this.#tickets.push(ticket);
        this.#answers.push(answer);
        if (this.#tickets.length === 1) {
            queueMicrotask(this.#notify);
        }
    }

    take(): readonly [number[], Later[]] {
        const taken = [this.#tickets, this.#answers] as const;
        this.#tickets = [];
        this.#answers = [];
        return taken;
    }
}
