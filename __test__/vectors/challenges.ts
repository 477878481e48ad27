// What `WWW-Authenticate` tells a client (RFC 9110 section 11.6.1), without what is for developers.

import type { Challenge } from "./vectors.js";

const ELEMENT = /(?:^|,\s*)(?:([\w-]+)(?:\s+|$|(?=,)))?(?:([\w-]+)=(?:"([^"]*)"|([^\s,"]+)))?/gy;

export function challengesOf(field: string): Challenge[] {
    const challenges: Record<string, string>[] = [];
    for (const [, scheme, name, quoted, bare] of field.matchAll(ELEMENT)) {
        if (scheme !== undefined) {
            challenges.push({ scheme });
        }
        const challenge = challenges.at(-1);
        if (challenge !== undefined && name !== undefined && !["algs", "error_description"].includes(name)) {
            challenge[name] = quoted ?? bare ?? "";
        }
    }
    return challenges as Challenge[];
}
