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

/** The key of RFC 8037, appendix A.2. */
const KEYS = { keys: [{ kty: "OKP", crv: "Ed25519", x: "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo" }] };

/**
 * The host that each URL of keys leads to; `null` if it is refused.
 *
 * @param {typeof import("oidc-spa-native").createValidator} createValidator
 * @param {readonly string[]} hosts - as a developer may write them
 * @returns {Promise<(string | null)[]>}
 */
export async function hostsOf(createValidator, hosts) {
    const found = [];
    for (const host of hosts) {
        let asked = null;
        const fetch = async url => {
            asked = /^https:\/\/([^/]*)\//.exec(url)[1];
            return Response.json(KEYS);
        };
        const options = { issuerUri: "https://auth.example", jwksUri: `https://${host}/jwks` };
        try {
            const validator = createValidator({ ...options, expectedAudience: "api", network: { fetch } });
            await validator.ready();
        } catch (error) {
            // A wrong option, and nothing else.
            if (!error.message.includes("jwksUri")) {
                throw error;
            }
        }
        found.push(asked);
    }
    return found;
}

/** The request, with what is no JSON. */
function revived({ certificate, ...request }) {
    const raw = certificate && Uint8Array.from(atob(certificate), character => character.charCodeAt(0));
    const { socket } = request;
    return socket.encrypted
        ? { ...request, socket: { ...socket, getPeerX509Certificate: () => raw && { raw } } }
        : request;
}
