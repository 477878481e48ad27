/**
 * How many requests this JavaScript thread seems to have at once.
 *
 * In: a word for each request. Out: a number. Never: an effect on a verdict: a clock that a test has replaced makes
 * this wrong, and nothing else.
 */

// Fake timers of an application's tests may replace these later.
const { nextTick } = process;
const turn = setImmediate;
const microtask = Promise.resolve();

/** Requests since the last microtask: they were begun together, and none of them can have been answered. */
let together = 0;
/** Callbacks of this turn of the event loop that began requests, and of the turn before it. */
let thisTurn = 0;
let lastTurn = 0;
let isTickDue = false;
let isTurnDue = false;

/** Notes one more request. One after the other, each awaited, counts as one, however many follow each other. */
export function requestsAtOnce(): number {
    together += 1;
    if (together === 1) {
        void microtask.then(endMicrotask);
    }
    // Ticks wait for all microtasks, and so for a whole chain of requests that await each other.
    if (!isTickDue) {
        isTickDue = true;
        nextTick(endCallback);
    }
    return Math.max(together, thisTurn, lastTurn);
}

/** Notes that so many verdicts came at once: as many requests may follow. */
export function answeredAtOnce(count: number): void {
    thisTurn = Math.max(thisTurn, count);
    awaitTurn();
}

function endMicrotask(): void {
    together = 0;
}

function endCallback(): void {
    isTickDue = false;
    thisTurn += 1;
    awaitTurn();
}

function awaitTurn(): void {
    if (!isTurnDue) {
        isTurnDue = true;
        turn(endTurn);
    }
}

function endTurn(): void {
    isTurnDue = false;
    lastTurn = thisTurn;
    thisTurn = 0;
}
