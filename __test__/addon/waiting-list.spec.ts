// Who waits for an answer of another thread.

import { createRequire } from "node:module";
import { getHeapStatistics, setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { describe, expect, test } from "vitest";
import type { WaitingList as List } from "../../ts/addon/waiting-list.js";

const { WaitingList } = createRequire(import.meta.url)("../../dist/addon/waiting-list.js") as {
    WaitingList: typeof List;
};

describe("the waiting list", () => {
    /** Has somebody wait who notes the answer beside the name. */
    const wait = (list: List<string>, name: string, heard: string[]): number => {
        const number = list.newNumber();
        list.add(number, answer => heard.push(`${name}: ${answer}`));
        return number;
    };

    test("each hears the answer under its own number, once, in any order", () => {
        const list = new WaitingList<string>();
        const heard: string[] = [];
        const numbers = Array.from({ length: 1000 }, (_, i) => wait(list, String(i), heard));
        expect([list.size, new Set(numbers).size]).toEqual([1000, 1000]);
        const order = numbers.map((_, i) => (i * 607) % 1000);
        for (const i of order) {
            list.take(numbers[i] as number)?.(`for ${i}`);
            expect(list.take(numbers[i] as number)).toBeUndefined();
        }
        expect(heard).toEqual(order.map(i => `${i}: for ${i}`));
        expect(list.size).toBe(0);
    });

    test("Q09 an answer that nobody waits for reaches nobody, whoever has its place by now", () => {
        const list = new WaitingList<string>();
        const heard: string[] = [];
        // Submitted, and then failed: nobody waits, but an answer may come.
        const lost = list.newNumber();
        const early = wait(list, "early", heard);
        list.take(early)?.("first");
        for (let i = 0; i < 1000; i += 1) {
            const number = wait(list, "later", heard);
            expect([lost, early]).not.toContain(number);
            expect([list.take(lost), list.take(early)]).toEqual([undefined, undefined]);
            list.take(number)?.("its own");
        }
        expect(heard).toEqual(["early: first", ...Array.from({ length: 1000 }, () => "later: its own")]);
    });

    test("those who wait long lose nothing while others come and go", () => {
        const list = new WaitingList<string>();
        const heard: string[] = [];
        const patient = Array.from({ length: 40 }, (_, i) => wait(list, `patient ${i}`, heard));
        // A number that was given again would take the late answer of whoever had it first.
        const given = new Set(patient);
        let count = patient.length;
        for (let round = 0; round < 500; round += 1) {
            const numbers = Array.from({ length: 1 + (round % 90) }, () => wait(list, "other", []));
            numbers.forEach(number => given.add(number));
            count += numbers.length;
            expect(given.size).toBe(count);
            numbers.forEach(number => list.take(number)?.(""));
        }
        expect(list.size).toBe(40);
        patient.forEach((number, i) => list.take(number)?.(String(i)));
        expect(heard).toEqual(patient.map((_, i) => `patient ${i}: ${i}`));
    });

    // With a Map, a tenth of them stays here until a full collection.
    test("answers that were given are garbage for the next young collection", () => {
        setFlagsFromString("--expose-gc");
        const collect = runInNewContext("gc") as (options?: { type: "minor" }) => void;
        const list = new WaitingList<string>();
        const answer = (i: number) => Buffer.alloc(1024, String(i)).toString("latin1");
        const [ROUNDS, AT_ONCE] = [4000, 64];
        collect();
        collect();
        const before = getHeapStatistics().used_heap_size;
        for (let round = 0; round < ROUNDS; round += 1) {
            const numbers = Array.from({ length: AT_ONCE }, () => {
                const number = list.newNumber();
                const given: string[] = [];
                list.add(number, answer => given.push(answer));
                return number;
            });
            numbers.forEach((number, i) => list.take(number)?.(answer(i)));
            if (round % 50 === 0) {
                collect({ type: "minor" });
            }
        }
        collect({ type: "minor" });
        const grown = getHeapStatistics().used_heap_size - before;
        expect(grown).toBeLessThan(0.02 * 1024 * ROUNDS * AT_ONCE);
    });
});
