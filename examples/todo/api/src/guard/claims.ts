// The claims of an access token that this application reads, whatever issuer wrote them.

import { z } from "@hono/zod-openapi";
import type { Person } from "./guard.js";

/** Claims that are not named here are kept. */
export const claimsSchema = z.looseObject({
    sub: z.string().min(1),
    exp: z.number(),
    name: z.string().optional(),
    preferred_username: z.string().optional()
});

export type Claims = z.infer<typeof claimsSchema>;

export function personOf(claims: Claims, rolesPath: readonly string[]): Person {
    return {
        id: claims.sub,
        name: claims.name ?? claims.preferred_username ?? claims.sub,
        roles: rolesAt(claims, rolesPath),
        expiresAt: claims.exp * 1000
    };
}

function rolesAt(claims: Claims, path: readonly string[]): string[] {
    let value: unknown = claims;
    for (const member of path) {
        value = Object(value) === value ? (value as Record<string, unknown>)[member] : undefined;
    }
    return [value].flat().filter(role => typeof role === "string");
}
