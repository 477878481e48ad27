// What is measured: the cases of one validation, and how many of them make one slice of time.

export const AUDIENCE = "https://api.example.com";

/** Where the client of a DPoP case sends its requests. */
export const TARGET = { method: "GET", url: "https://api.example.com/v1/items" };

/** Sessions of the DPoP case: as many clients, each with a key and an access token of its own. */
export const SESSIONS = 16;

/**
 * @typedef {object} Case
 * @property {string} id
 * @property {string} title
 * @property {string} algorithm - of the access token
 * @property {string} issuer - which issuer of the loopback signs it
 * @property {"distinct" | "repeated" | "session" | "first-contact"} tokens
 * @property {boolean} dpop
 * @property {string} bare - the signature check that cannot be avoided: issuer's name, or `client`
 * @property {number} count - validations in a slice
 * @property {number[]} concurrency
 */

/** @type {Case[]} */
export const CASES = [
    {
        id: "a",
        title: "Bearer RS256, distinct tokens",
        algorithm: "RS256",
        issuer: "rs256",
        tokens: "distinct",
        dpop: false,
        count: 1500,
        concurrency: [1, 64, 1000]
    },
    {
        id: "b",
        title: "Bearer ES256, distinct tokens",
        algorithm: "ES256",
        issuer: "es256",
        tokens: "distinct",
        dpop: false,
        count: 1500,
        concurrency: [1, 64, 1000]
    },
    {
        id: "c",
        title: "Bearer EdDSA, distinct tokens",
        algorithm: "EdDSA",
        issuer: "eddsa",
        tokens: "distinct",
        dpop: false,
        count: 1500,
        concurrency: [1, 64, 1000]
    },
    {
        id: "rs4096",
        title: "Bearer RS256 with a key of 4096 bits, distinct tokens",
        algorithm: "RS256",
        issuer: "rs4096",
        tokens: "distinct",
        dpop: false,
        count: 600,
        concurrency: [1, 64]
    },
    {
        id: "es384",
        title: "Bearer ES384, distinct tokens",
        algorithm: "ES384",
        issuer: "es384",
        tokens: "distinct",
        dpop: false,
        count: 400,
        concurrency: [1, 64]
    },
    {
        id: "d",
        title: "Bearer RS256, the same token again",
        algorithm: "RS256",
        issuer: "rs256",
        tokens: "repeated",
        dpop: false,
        count: 1500,
        concurrency: [1, 64, 1000]
    },
    {
        id: "e",
        title: `DPoP, a fresh ES256 proof each, ${SESSIONS} clients in session (RS256 tokens)`,
        algorithm: "RS256",
        issuer: "rs256",
        tokens: "session",
        dpop: true,
        count: 1024,
        concurrency: [1, 64, 1000]
    },
    {
        id: "f",
        title: "DPoP, each request the first of a new client (ES256 proof, RS256 token)",
        algorithm: "RS256",
        issuer: "rs256",
        tokens: "first-contact",
        dpop: true,
        count: 500,
        concurrency: [1, 64]
    }
];
