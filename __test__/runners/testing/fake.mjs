import { testValidator } from "./tokens.mjs";

/** A validator that says what a test wants. What it does not replace is the real one's: `authorize`, so `require` works. */
export function fakeValidator(verdict) {
    return { ...testValidator(), validateRequest: async () => verdict };
}

export function granted(claims) {
    return {
        isSuccess: true,
        claims,
        rawClaims: claims,
        accessToken: "a-token-of-a-test",
        scheme: "Bearer",
        issuerUri: "https://issuer.test",
        headers: {}
    };
}

export function refused(code, status = 401) {
    return {
        isSuccess: false,
        code,
        errorCause: "validation error",
        debugErrorMessage: "a test wants it so",
        status,
        headers: { "WWW-Authenticate": "Bearer" }
    };
}
