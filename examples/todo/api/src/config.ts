// What the environment says, read once at start. A value that is missing or makes no sense ends the process with a sentence.

import { z } from "@hono/zod-openapi";

const schema = z.object({
    /** The issuer, and the audience that its access tokens have for this API. */
    OIDC_ISSUER_URI: z.url(),
    OIDC_AUDIENCE: z.string().min(1),
    /** `allowed`: unbound Bearer tokens enter too, for issuers that know no DPoP. */
    DPOP: z.enum(["required", "allowed"]).default("required"),
    /** Whether a proof needs a nonce of this API. `on-stale-proof`: a client whose clock is wrong gets in at its second try. */
    NONCE: z.enum(["off", "on-stale-proof", "required"]).default("on-stale-proof"),
    /** Where the roles stand in a token: `roles`, `realm_access.roles`, or as JSON `["https://example.com/roles"]`. */
    ROLES_CLAIM: z.string().min(1).default("roles").transform(claimPath),
    SUPPORT_ROLE: z.string().min(1).default("support"),
    /** The URL under which browsers see this API. No header of a request decides it. */
    API_URL: z.url().transform(url => url.replace(/\/$/, "")),
    /** The origin of the page that may call it. */
    WEB_ORIGIN: z.url().transform(url => new URL(url).origin),
    /** `drop-in`: oidc-spa-native/server. `validator`: createValidator and the Hono adapter. */
    GUARD: z.enum(["drop-in", "validator"]).default("drop-in"),
    /** For several instances behind one URL: the memory of proofs, the chat, and the nonces that they share. */
    REDIS_URL: z.url().optional(),
    NONCE_SECRET: z.string().min(32).optional(),
    DATABASE: z.string().min(1).default("todos.db"),
    HOST: z.string().default("127.0.0.1"),
    PORT: z.coerce.number().int().min(0).max(65535).default(3000),
    NODE_ENV: z.string().default("production")
});

function claimPath(text: string): [string, ...string[]] {
    // A name that has dots itself stands in JSON.
    return text.startsWith("[") ? JSON.parse(text) : (text.split(".") as [string, ...string[]]);
}

export type Config = z.infer<typeof schema>;

export function readConfig(env: NodeJS.ProcessEnv): Config {
    // An empty variable is one that is not set.
    const given = Object.entries(env).filter(([, value]) => value !== "");
    const read = schema.safeParse(Object.fromEntries(given));
    if (!read.success) {
        console.error(`The environment is not complete.\n${z.prettifyError(read.error)}`);
        process.exit(2);
    }
    return read.data;
}
