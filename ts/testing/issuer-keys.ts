/**
 * The keys of a test issuer: those that sign, and those that it publishes.
 *
 * In: algorithms, names of keys. Out: a key to sign with, a JWK Set. Never: a claim, a network.
 */

import { randomBytes } from "node:crypto";
import { invalid } from "../validator/members.js";
import { shown } from "../validator/shown.js";
import { createTestKey, type SigningAlgorithm, type TestJwk, type TestKey } from "./keys.js";

/** A JWK Set (RFC 7517 section 5). */
export interface TestJwkSet {
    readonly keys: readonly TestJwk[];
}

/** A key of an issuer, with its name. */
export interface IssuerKey {
    readonly kid: string;
    readonly key: TestKey;
}

export class IssuerKeys {
    /** The newest of each algorithm last. */
    readonly #keys: IssuerKey[];
    readonly #withdrawn = new Set<string>();

    private constructor(keys: readonly IssuerKey[]) {
        this.#keys = [...keys];
    }

    /** An issuer's first keys. */
    static of(keys: readonly TestKey[]): IssuerKeys {
        return new IssuerKeys(keys.map(named));
    }

    /** The same keys, for an issuer that may change them independently. */
    copy(): IssuerKeys {
        return new IssuerKeys(this.#keys);
    }

    /** The algorithms for signing; the first is the default. */
    get algorithms(): readonly SigningAlgorithm[] {
        return [...new Set(this.#keys.map(({ key }) => key.algorithm))];
    }

    /** Makes a new key for each algorithm, which signs from now on. The old keys stay published. */
    rotate(): void {
        this.#keys.push(...this.algorithms.map(algorithm => named(createTestKey(algorithm))));
    }

    /** Stops publishing a key. It may still sign, so that a test can show how its tokens are refused. */
    withdraw(kid: string): void {
        this.#withdrawn.add(this.#named(kid).kid);
    }

    /** The names of the published keys, the newest last. */
    get kids(): readonly string[] {
        return this.published().map(({ kid }) => kid);
    }

    get jwks(): TestJwkSet {
        const keys = this.published().map(({ kid, key }) => ({
            ...key.publicJwk,
            kid,
            alg: key.algorithm,
            use: "sig"
        }));
        return { keys };
    }

    /** The key that signs a token: the named one, or the newest. */
    pick(algorithm: SigningAlgorithm | undefined, kid: string | undefined): IssuerKey {
        if (kid !== undefined) {
            return this.#named(kid);
        }
        const wanted = algorithm ?? (this.algorithms[0] as SigningAlgorithm);
        const found = this.#keys.filter(({ key }) => key.algorithm === wanted).at(-1);
        if (found === undefined) {
            throw invalid(
                `this issuer has no key for ${wanted}. Write createTestIssuer({ algorithms: ["${wanted}"] }); it has ` +
                    `${this.algorithms.join(", ")}`
            );
        }
        return found;
    }

    /** The published keys, the newest last. */
    published(): readonly IssuerKey[] {
        return this.#keys.filter(({ kid }) => !this.#withdrawn.has(kid));
    }

    #named(kid: string): IssuerKey {
        const found = this.#keys.find(key => key.kid === kid);
        if (found === undefined) {
            throw invalid(
                `this issuer has no key "${shown(String(kid))}". It has ${this.#keys.map(key => key.kid).join(", ")}. ` +
                    "For a token that names a key which nobody has, write sign({}, { header: { kid } })"
            );
        }
        return found;
    }
}

/** With a name as long as Keycloak's. */
const named = (key: TestKey): IssuerKey => ({ kid: randomBytes(32).toString("base64url"), key });
