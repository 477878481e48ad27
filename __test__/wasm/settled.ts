// Asks what WebCrypto answers later, until nothing is open.

import { expect } from "vitest";
import type { WebQuestions } from "../../ts/wasm/web-crypto.js";

export async function settled<Result>(questions: WebQuestions, ask: () => Result): Promise<Result> {
    for (;;) {
        const result = questions.during(ask);
        if (!questions.areOpen) {
            return result;
        }
        expect(await questions.answered()).toBe(true);
    }
}
