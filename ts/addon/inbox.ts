/**
 * Makes a Promise for each answer that comes to this JavaScript environment from another thread.
 *
 * In: calls that answer under a ticket. Out: Promises. Never: a Promise that the addon made: it would belong to another
 * realm, and could outlive its environment.
 */

import { clearInterval as clearIntervalOfNode, setInterval as setIntervalOfNode } from "node:timers";
import { keepsAlive, NativeInbox, type NativeUnsettled, type VerdictText } from "./native.js";
import { answeredAtOnce } from "./backlog.js";
import { WaitingList } from "./waiting-list.js";
import { apart, weakly } from "../boundary/apart.js";

// Fake timers of an application's tests may replace these later.
const clearInterval = clearIntervalOfNode;
const setInterval = setIntervalOfNode;

/** The waiting Promises, by their tickets. */
const waiting = new WaitingList<VerdictText | NativeUnsettled>();

/** How many of them wait for the network, and not for a thread. */
let waitingLong = 0;

/**
 * Keeps the process and this realm alive while a Promise waits, if the engine does not. Making a timer costs more than its
 * `ref()`, so it stays for at most `MOMENT_MS` after the last one was answered.
 */
let aliveWhileWaiting: NodeJS.Timeout | undefined;
const MOMENT_MS = 100;

let inbox: NativeInbox | undefined;

/** The addon's inbox, into which its functions put their answers. */
export function theInbox(): NativeInbox {
    inbox ??= apart(() => new NativeInbox(weakly(collect)));
    return inbox;
}

/** How many wait for other threads. */
export function waitingForThreads(): number {
    return waiting.size - waitingLong;
}

/** The answer of a thread that verifies. */
export function soon(submit: (ticket: number) => void): Promise<VerdictText | NativeUnsettled> {
    return new Promise(resolve => wait(submit, resolve));
}

/** The answer of a wait for the network: for keys, or for a store. */
export function inTheEnd(submit: (ticket: number) => void): Promise<VerdictText | NativeUnsettled> {
    return new Promise(resolve => {
        wait(submit, answer => {
            waitingLong -= 1;
            resolve(answer);
        });
        waitingLong += 1;
    });
}

function wait(
    submit: (ticket: number) => void,
    resolve: (answer: VerdictText | NativeUnsettled) => void
): void {
    // This comes first, so that a failed call leaves no waiting Promise. No answer comes before this turn is over.
    const ticket = waiting.newNumber();
    submit(ticket);
    if (keepsAlive) {
        // Its own timers do so. Where there are no timers between requests, this one could not be used again.
    } else if (aliveWhileWaiting === undefined) {
        aliveWhileWaiting = apart(() => setInterval(letGo, MOMENT_MS));
    } else if (waiting.size === 0) {
        aliveWhileWaiting.ref();
    }
    waiting.add(ticket, resolve);
}

function collect(): void {
    const [tickets, answers] = theInbox().take();
    for (const [i, ticket] of tickets.entries()) {
        waiting.take(ticket)?.(answers[i] as VerdictText | NativeUnsettled);
    }
    if (waiting.size === 0) {
        aliveWhileWaiting?.unref();
    }
    answeredAtOnce(tickets.length);
}

function letGo(): void {
    if (waiting.size === 0) {
        clearInterval(aliveWhileWaiting);
        aliveWhileWaiting = undefined;
    }
}
