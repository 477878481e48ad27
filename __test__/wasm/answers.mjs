// What each run time is asked: the verdicts of vectors, by the package as it loads there.

/**
 * @param {typeof import("oidc-spa-native").createValidator} createValidator
 * @param {{ vectors: { options: object; steps: { time: number; request: any }[] }[] }} asked
 */
export async function answersOf(createValidator, { vectors }) {
    const answers = [];
    let engine;
    for (const { options, steps } of vectors) {
        let now = 0;
        const validator = createValidator({ ...options, clock: () => now });
        engine = validator.health().engine;
        const given = [];
        for (const { time, request } of steps) {
            now = time * 1000;
            const verdict = await validator.validateRequest(revived(request));
            given.push(
                verdict.isSuccess
                    ? { code: "granted" }
                    : {
                          code: verdict.code,
                          status: verdict.status,
                          challenge: verdict.headers["WWW-Authenticate"]
                      }
            );
        }
        answers.push(given);
    }
    return { engine, answers };
}

/** The request, with what is no JSON. */
function revived({ certificate, ...request }) {
    const raw = certificate && Uint8Array.from(atob(certificate), character => character.charCodeAt(0));
    const { socket } = request;
    return socket.encrypted
        ? { ...request, socket: { ...socket, getPeerX509Certificate: () => raw && { raw } } }
        : request;
}
