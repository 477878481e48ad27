// Refusals that are to be the same in all but their random names.

import type { Verdict } from "oidc-spa-native";
import { expect } from "vitest";

/** What a verdict like this one equals: of a refusal, whatever its name is. */
export function alike<Claims>(verdict: Verdict<Claims>): unknown {
    return verdict.isSuccess ? verdict : { ...verdict, refusalId: expect.stringMatching(ID) };
}

/** The name of a refusal. */
export const ID = /^[0-9a-f]{16}$/;
