// What each run time is asked: which of these signatures are good, by the code that the WebAssembly engine asks.

/**
 * @param {typeof import("../../dist/wasm/signatures.js").Signatures} Signatures
 * @param {{ keys: { jwk: object; der?: string; algorithm: string; cases: { message: string; signature: string }[] }[] }} asked
 */
export function judge(Signatures, { keys }) {
    const signatures = new Signatures();
    // The engine passes views of its memory.
    const { buffer } = new WebAssembly.Memory({ initial: 2 });
    const bytes = text => Uint8Array.from(atob(text), character => character.charCodeAt(0));
    const inMemory = (at, text) => {
        const view = new Uint8Array(buffer, at, bytes(text).length);
        view.set(bytes(text));
        return view;
    };
    return keys.map(({ jwk, der, algorithm, cases }) => {
        const key = signatures.import(JSON.stringify(jwk), algorithm);
        const answers = cases.map(({ message, signature }) =>
            signatures.verify(key, inMemory(8, message), inMemory(70_000, signature))
        );
        signatures.forget(key);
        const [afterwards] = cases.map(({ message, signature }) =>
            signatures.verify(key, inMemory(8, message), inMemory(70_000, signature))
        );
        const read = der === undefined ? null : signatures.jwkOfDer(inMemory(8, der));
        return { isKey: key !== 0, answers, afterwards, jwkOfDer: read === null ? null : JSON.parse(read) };
    });
}
