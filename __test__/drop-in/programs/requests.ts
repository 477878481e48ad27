// The requests that every program gets, with the status that a client sees, and where oidc-spa answers another one.

import type { Credentials } from "./credentials.js";

export interface Case {
    readonly name: string;
    /** `greeting` takes credentials, and no credentials too. */
    readonly route: "public" | "greeting" | "items" | "reports";
    readonly status: number;
    /** What the client sends to `url`. */
    readonly fields: (credentials: Credentials, url: string) => Record<string, string>;
    /** The same bytes are sent before, and accepted. */
    readonly isRepeated?: boolean;
}

const bearer =
    (choose: (tokens: Credentials["bearer"]) => string): Case["fields"] =>
    ({ bearer }) => ({ authorization: `Bearer ${choose(bearer)}` });

type ProofChoice = (credentials: Credentials, url: string, accessToken: string) => string;

/** A bound token with a proof for `url`, or with another one. */
const dpop =
    (
        whose: "reader" | "editor" = "reader",
        proof: ProofChoice = ({ proof }, url, accessToken) => proof({ url, accessToken })
    ): Case["fields"] =>
    (credentials, url) => {
        const accessToken = credentials.bound[whose];
        return { authorization: `DPoP ${accessToken}`, dpop: proof(credentials, url, accessToken) };
    };

/** As a proxy passes it on whose clients know the program by another name. */
const behindProxy =
    (host: string): Case["fields"] =>
    (credentials, url) => ({
        ...dpop()(credentials, `https://${host}${new URL(url).pathname}`),
        "x-forwarded-proto": "https",
        "x-forwarded-host": host
    });

const items = { route: "items" } as const;

export const CASES: readonly Case[] = [
    { name: "public route", route: "public", status: 200, fields: () => ({}) },
    { name: "no credentials where they are optional", route: "greeting", status: 200, fields: () => ({}) },
    {
        name: "Bearer where it is optional",
        route: "greeting",
        status: 200,
        fields: bearer(({ good }) => good)
    },
    { name: "DPoP where it is optional", route: "greeting", status: 200, fields: dpop() },
    {
        name: "expired where it is optional",
        route: "greeting",
        status: 401,
        fields: bearer(({ expired }) => expired)
    },
    {
        name: "Basic where Bearer is optional",
        route: "greeting",
        status: 400,
        fields: () => ({ authorization: "Basic dTpw" })
    },
    { ...items, name: "no credentials", status: 401, fields: () => ({}) },
    { ...items, name: "Bearer", status: 200, fields: bearer(({ good }) => good) },
    { ...items, name: "Bearer, RS256", status: 200, fields: bearer(({ rs256 }) => rs256) },
    { ...items, name: "Bearer, EdDSA", status: 200, fields: bearer(({ eddsa }) => eddsa) },
    {
        ...items,
        name: "Bearer in lower case",
        status: 200,
        fields: ({ bearer }) => ({ authorization: `bearer ${bearer.good}` })
    },
    { name: "Bearer with the role", route: "reports", status: 200, fields: bearer(({ editor }) => editor) },
    { name: "Bearer without the role", route: "reports", status: 403, fields: bearer(({ good }) => good) },
    { name: "no credentials for the role", route: "reports", status: 401, fields: () => ({}) },
    { ...items, name: "expired", status: 401, fields: bearer(({ expired }) => expired) },
    {
        ...items,
        name: "signature of another key",
        status: 401,
        fields: bearer(({ ofAnotherKey }) => ofAnotherKey)
    },
    { ...items, name: "unsigned", status: 401, fields: bearer(({ unsigned }) => unsigned) },
    { ...items, name: "another audience", status: 401, fields: bearer(({ otherAudience }) => otherAudience) },
    {
        ...items,
        name: "another issuer",
        status: 401,
        fields: bearer(({ ofAnotherIssuer }) => ofAnotherIssuer)
    },
    { ...items, name: "garbage", status: 401, fields: () => ({ authorization: "Bearer garbage" }) },
    { ...items, name: "Bearer without a token", status: 400, fields: () => ({ authorization: "Bearer" }) },
    { ...items, name: "Basic", status: 400, fields: () => ({ authorization: "Basic dXNlcjpwYXNzd29yZA==" }) },
    {
        ...items,
        name: "bound token as Bearer",
        status: 401,
        fields: ({ bound }) => ({ authorization: `Bearer ${bound.reader}` })
    },
    { ...items, name: "DPoP", status: 200, fields: dpop() },
    { name: "DPoP with the role", route: "reports", status: 200, fields: dpop("editor") },
    { name: "DPoP without the role", route: "reports", status: 403, fields: dpop() },
    { ...items, name: "DPoP sent again", status: 401, fields: dpop(), isRepeated: true },
    {
        ...items,
        name: "DPoP without a proof",
        status: 400,
        fields: ({ bound }) => ({ authorization: `DPoP ${bound.reader}` })
    },
    { ...items, name: "DPoP with garbage for a proof", status: 401, fields: dpop("reader", () => "garbage") },
    {
        ...items,
        name: "DPoP with a proof of another key",
        status: 401,
        fields: dpop("reader", ({ proof, otherKey }, url, accessToken) =>
            proof({ url, accessToken, key: otherKey })
        )
    },
    {
        ...items,
        name: "DPoP with a proof for another URL",
        status: 401,
        fields: dpop("reader", ({ proof }, url, accessToken) => proof({ url: `${url}/1`, accessToken }))
    },
    {
        ...items,
        name: "DPoP with a proof for the path without its first segment",
        status: 401,
        fields: dpop("reader", ({ proof }, url, accessToken) =>
            proof({ url: url.replace("/api/", "/"), accessToken })
        )
    },
    {
        ...items,
        name: "DPoP with a proof for another method",
        status: 401,
        fields: dpop("reader", ({ proof }, url, accessToken) => proof({ url, accessToken, method: "POST" }))
    },
    {
        ...items,
        name: "DPoP with a proof for another token",
        status: 401,
        fields: dpop("reader", ({ proof, bound }, url) => proof({ url, accessToken: bound.editor }))
    },
    {
        ...items,
        name: "DPoP with an old proof",
        status: 401,
        fields: dpop("reader", ({ proof }, url, accessToken) =>
            proof({ url, accessToken, changes: { iat: Math.floor(Date.now() / 1000) - 3600 } })
        )
    },
    {
        ...items,
        name: "DPoP with an unbound token",
        status: 401,
        fields: ({ bearer: { good }, proof }, url) => ({
            authorization: `DPoP ${good}`,
            dpop: proof({ url, accessToken: good })
        })
    },
    { ...items, name: "DPoP behind a proxy", status: 200, fields: behindProxy("api.example.com") },
    {
        ...items,
        name: "DPoP behind a proxy at a port",
        status: 200,
        fields: behindProxy("api.example.com:8443")
    }
];

const subprotocol =
    (choose: (credentials: Credentials) => string): Case["fields"] =>
    credentials => ({ "sec-websocket-protocol": `authorization_bearer_${choose(credentials)}` });

/** For the programs that upgrade to WebSocket. */
export const UPGRADES: readonly Case[] = [
    { ...items, name: "no subprotocol", status: 400, fields: () => ({}) },
    {
        ...items,
        name: "subprotocols without a token",
        status: 400,
        fields: () => ({ "sec-websocket-protocol": "chat" })
    },
    { ...items, name: "good token", status: 101, fields: subprotocol(({ bearer }) => bearer.good) },
    {
        name: "good token with the role",
        route: "reports",
        status: 101,
        fields: subprotocol(({ bearer }) => bearer.editor)
    },
    {
        name: "good token without the role",
        route: "reports",
        status: 403,
        fields: subprotocol(({ bearer }) => bearer.good)
    },
    {
        ...items,
        name: "good token after another subprotocol",
        status: 101,
        fields: ({ bearer }) => ({ "sec-websocket-protocol": `chat,authorization_bearer_${bearer.good}` })
    },
    { ...items, name: "bound token", status: 101, fields: subprotocol(({ bound }) => bound.reader) },
    { ...items, name: "expired", status: 401, fields: subprotocol(({ bearer }) => bearer.expired) },
    {
        ...items,
        name: "signature of another key",
        status: 401,
        fields: subprotocol(({ bearer }) => bearer.ofAnotherKey)
    },
    { ...items, name: "garbage", status: 401, fields: subprotocol(() => "garbage") },
    { ...items, name: "EdDSA", status: 101, fields: subprotocol(({ bearer }) => bearer.eddsa) }
];

export interface Difference {
    /** The entry of ../intended-differences.ts. */
    readonly id: string;
    /** Of all programs, if there are none. */
    readonly programs?: readonly string[];
    readonly cases: readonly string[];
    /** With oidc-spa/server. */
    readonly status: number;
}

const MOUNTED = ["express-mounted", "trpc-express"];

export const DIFFERENCES: readonly Difference[] = [
    { id: "eddsa", cases: ["Bearer, EdDSA", "EdDSA"], status: 401 },
    { id: "scheme in any case", cases: ["Bearer in lower case"], status: 400 },
    { id: "port behind a proxy", cases: ["DPoP behind a proxy"], status: 401 },
    {
        id: "mounted routers",
        programs: MOUNTED,
        cases: [
            "DPoP",
            "DPoP where it is optional",
            "DPoP with the role",
            "DPoP without the role",
            "DPoP behind a proxy at a port"
        ],
        status: 401
    },
    {
        id: "mounted routers",
        programs: MOUNTED,
        cases: ["DPoP with a proof for the path without its first segment"],
        status: 200
    }
];
