// Why a call ended as it did, in a sentence for people. docs/errors.md of the library has every code.

const MEANINGS: Readonly<Record<string, string>> = {
    proof_replayed: "This proof was used before. Whoever copies a call cannot make it a second time.",
    token_bound: "The token is bound to a key, and nothing proved that the sender holds it.",
    token_expired: "The token has ended. The page gets another from the issuer.",
    todo_unknown: "Among your todos there is none with this id.",
    role_insufficient: "The token is good, but it does not hold the role that this view asks for.",
    proof_nonce_required: "The API wants its nonce in the proof. The page repeats the call with it.",
    key_unknown: "The issuer publishes no key with this name.",
    keys_unavailable: "The API could not get the issuer's keys yet.",
    replay_memory_unavailable: "The memory of proofs does not answer, and without it nobody gets in.",
    credentials_missing: "No token came with the call.",
    request_invalid: "The token is good, but the call does not make sense to the API."
};

export function meaningOf(code: string | undefined, status: number): string {
    if (code === undefined) {
        return status >= 200 && status < 400
            ? "Token and proof are good, and you may do this."
            : "The API, or the way to it, failed.";
    }
    return MEANINGS[code] ?? "The API refused it; its own words are below.";
}
