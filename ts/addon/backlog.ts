/**
 * How many requests this JavaScript thread seems to have at once.
 *
 * In: a call for each request. Out: a number. Never: an effect on a verdict. If a test has replaced the clock, only
 * this number is wrong.
 */

// Fake timers of an application's tests may replace these later.
const { nextTick } = process;
const turn = setImmediate;
const microtask = Promise.resolve();

/** Requests since the last microtask: they began together, and none of them has been answered yet. */
let together = 0;
/** Callbacks of this turn of the event loop that began requests, and of the turn before it. */
let thisTurn = 0;
let lastTurn = 0;
let isTickDue = false;
let isTurnDue = false;

/** Notes one more request. Requests that follow each other, each awaited, count as one. */
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

/** Notes how many verdicts came at once: the same number of requests may follow. */
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
