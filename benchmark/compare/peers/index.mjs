// Who is compared. Adding a library is adding a file beside this one and a line here.

import { readFileSync } from "node:fs";
import { versionOfOurs } from "../ours.mjs";
import { awsJwtVerify } from "./aws-jwt-verify.mjs";
import { betterAuth } from "./better-auth.mjs";
import { dropIn, oidcSpa } from "./drop-in.mjs";
import { expressOauth2JwtBearer } from "./express-oauth2-jwt-bearer.mjs";
import { fastJwt, fastJwtCached } from "./fast-jwt.mjs";
import { jose } from "./jose.mjs";
import { jsonwebtoken } from "./jsonwebtoken.mjs";
import { lean } from "./lean.mjs";
import { nodeRsJsonwebtoken } from "./node-rs-jsonwebtoken.mjs";
import { nothing } from "./nothing.mjs";
import { oauth4webapi } from "./oauth4webapi.mjs";
import { ours, oursOnWebAssembly } from "./ours.mjs";

/**
 * @typedef {object} Peer
 * @property {string} id
 * @property {string} title
 * @property {"ours" | "peer" | "reference" | "harness"} role
 * @property {string} [package] - in node_modules
 * @property {(kase: { algorithm: string, dpop: boolean }) => boolean} can - whether it knows the case at all
 * @property {(context: Context) => Promise<Subject>} make - configured as its users would, its keys fetched
 *
 * @typedef {{ issuerUri: string, audience: string, algorithm: string, jwk: object, dpop: boolean,
 *     target: { method: string, url: string } }} Context
 *
 * @typedef {object} Subject
 * @property {(item: { token: string, proof?: string }) => unknown} prepare - what comes before the clock starts
 * @property {(input: unknown) => object | Promise<object>} verify - the claims; throws or gives nothing to refuse
 */

/** @type {Peer[]} */
export const PEERS = [
    ours,
    oursOnWebAssembly,
    dropIn,
    oidcSpa,
    jose,
    oauth4webapi,
    expressOauth2JwtBearer,
    awsJwtVerify,
    fastJwt,
    fastJwtCached,
    jsonwebtoken,
    nodeRsJsonwebtoken,
    betterAuth,
    lean,
    nothing
];

/** Versions by package. */
export function versions() {
    const packages = [...new Set(PEERS.flatMap(peer => peer.package ?? []))];
    const read = name =>
        JSON.parse(readFileSync(new URL(`../node_modules/${name}/package.json`, import.meta.url), "utf8"));
    return {
        "oidc-spa-native": versionOfOurs(),
        ...Object.fromEntries(packages.map(name => [name, read(name).version]))
    };
}
