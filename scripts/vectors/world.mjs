// What vectors are made for: the fixed issuer, server and time of the files, or those of a run against a real server, which
// the thread that makes them gets from `ts/audit/`.

import { workerData } from "node:worker_threads";

const FIXED = {
    /** The server's clock, in seconds. */
    now: 1_800_000_000,
    issuer: "https://as.example",
    audience: "https://api.example",
    /** The URL of the requests, without its query. */
    url: "https://api.example/v1/items",
    query: "?x=1",
    method: "GET",
    profile: "default",
    /** `typ` of good tokens. */
    typ: "at+jwt",
    /** Claims of every good token beside the usual ones. */
    claims: {},
    /** Stands before each identifier of a proof, so that two runs share none. */
    run: "",
    /** A nonce of the server, which each proof gets. */
    nonce: undefined,
    /** Private keys in the place of those of `vectors/keys.json`, by their names. */
    keys: {}
};

export const WORLD = { ...FIXED, ...workerData?.vectorsFor };

const { origin, protocol, hostname } = new URL(WORLD.url);

/** A URL of the fixed server, as the same URL of this one. */
export const ofServer = text =>
    typeof text !== "string" || WORLD.url === FIXED.url
        ? text
        : text
              .replaceAll(FIXED.url, WORLD.url)
              .replaceAll("https://api.example/", `${origin}/`)
              .replaceAll("api.example", hostname)
              .replace(/^https:/, protocol);
