// The requests that wait for keys: those that are gone leave nothing behind.

import { expect, test } from "vitest";
import { Sleepers } from "../../dist/wasm/sleepers.js";

test("requests whose time is long over are given up, and the others are not", () => {
    const dropped: number[] = [];
    const lost: number[] = [];
    const sleepers = new Sleepers(({ wait }) => dropped.push(wait), true);
    const sleep = (wait: number, until: number) =>
        void sleepers.sleep({ wait, generation: 1, plans: [1], until, onLost: () => lost.push(wait) });
    const now = performance.now();
    // None of their timers runs before this test is over, as on workerd where their requests have ended.
    const gone = Array.from({ length: 63 }, (_, i) => i);
    for (const wait of gone) {
        sleep(wait, now - 1001);
    }
    sleep(63, now + 60_000);
    expect([dropped, lost]).toEqual([[], []]);
    sleep(64, now + 60_000);
    expect([dropped, lost]).toEqual([gone, gone]);
    sleepers.wakeAll();
});
