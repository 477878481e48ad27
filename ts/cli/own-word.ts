/**
 * The unverified content of a token, for a person who does not know yet which options fit it.
 *
 * In: a token. Out: its own word, of which nothing is verified. Never: a decision; claims that say who somebody is, unless
 * they were asked for.
 */

import { safe } from "./terminal.js";

const MAX_CHARS = 64 * 1024;

type Members = Readonly<Record<string, unknown>>;

export interface OwnWord {
    readonly header: Members;
    readonly claims: Members;
}

/** Header and claims of a JWT; `null` if it cannot be read. */
export function ownWordOf(token: string): OwnWord | null {
    const parts = token.length > MAX_CHARS ? [] : token.split(".");
    if (parts.length !== 3) {
        return null;
    }
    const [header, claims] = parts.slice(0, 2).map(part => {
        try {
            const value: unknown = JSON.parse(Buffer.from(part, "base64url").toString("utf8"));
            return typeof value === "object" && value !== null && !Array.isArray(value) ? value : null;
        } catch {
            return null;
        }
    });
    return header && claims ? { header: header as Members, claims: claims as Members } : null;
}

/** The members that decide, as rows of what and what it is. None of them says who the user is. */
export function rowsOf({ header, claims }: OwnWord): readonly (readonly [string, string])[] {
    const rows: (readonly [string, unknown])[] = [
        ["header.alg", header["alg"]],
        ["header.kid", header["kid"]],
        ["header.typ", header["typ"]],
        ["iss", claims["iss"]],
        ["aud", claims["aud"]],
        ...(["client_id", "azp", "cid", "appid"] as const).map(name => [name, claims[name]] as const),
        ["scope", claims["scope"] ?? claims["scp"]],
        ...(["iat", "nbf", "exp"] as const).map(name => [name, dated(claims[name])] as const),
        ["bound to", boundTo(claims["cnf"])]
    ];
    return rows.filter(([, value]) => value !== undefined).map(([name, value]) => [name, textOf(value)]);
}

/** Everything that it says. */
export const allOf = ({ header, claims }: OwnWord): readonly (readonly [string, string])[] => [
    ...Object.entries(header).map(([name, value]) => [`header.${name}`, textOf(value)] as const),
    ...Object.entries(claims).map(([name, value]) => [name, textOf(value)] as const)
];

/** The texts of a claim that is one or a list of them. */
export const textsOf = (value: unknown): readonly string[] =>
    (Array.isArray(value) ? value.slice(0, 16) : [value]).filter(item => typeof item === "string");

const textOf = (value: unknown): string =>
    safe(
        typeof value === "string"
            ? value
            : Array.isArray(value) && value.every(item => typeof item === "string")
              ? value.join(", ")
              : JSON.stringify(value)
    );

function dated(value: unknown): unknown {
    if (typeof value !== "number") {
        return value;
    }
    const date = new Date(value * 1000);
    return Number.isNaN(date.getTime()) ? value : `${value} (${date.toISOString()})`;
}

function boundTo(cnf: unknown): string | undefined {
    if (typeof cnf !== "object" || cnf === null) {
        return undefined;
    }
    const kinds = { jkt: "a DPoP key", "x5t#S256": "a client certificate" };
    const named = Object.entries(kinds).filter(([name]) => Object.hasOwn(cnf, name));
    return named.map(([, kind]) => kind).join(" and ") || "something that is not known here";
}
