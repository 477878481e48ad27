// Judges one request with the replay store of a program beside it, and says what came out.
import { createValidator } from "oidc-spa-native";

const { REPLAY_STORE, JWKS, REQUEST } = process.env;
const { replayStore } = await import(REPLAY_STORE);
const validator = createValidator({
    issuerUri: "https://issuer.test",
    expectedAudience: "https://api.test",
    keys: { jwks: JSON.parse(JWKS) },
    // A first connection on a busy machine takes longer than the 250 ms of the default.
    replayStore: { ...replayStore, timeoutMs: 10_000 }
});
const { headers, target } = JSON.parse(REQUEST);
const verdict = await validator.validateRequest(headers, target);
console.log(`verdict: ${verdict.isSuccess ? "granted" : verdict.code}`);
process.exit();
