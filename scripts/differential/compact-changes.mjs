// Changes of a compact JWS: of the JSON text in it, of its base64url, of its signature, of its parts.

import { base64url } from "./drafts.mjs";

/** Changes of the text of a JSON object, after which it says the same, another thing, or nothing. */
export const JSON_CHANGES = {
    "duplicate of the first member": text => text.replace(/^\{("[^"]*"):/, "{$1:null,$1:"),
    "duplicate member at the end": text => {
        const [first] = Object.keys(JSON.parse(text));
        return `${text.slice(0, -1)},${JSON.stringify(first)}:${JSON.stringify(JSON.parse(text)[first])}}`;
    },
    "escaped name": text =>
        text.replace(/"(\w)/, (_, c) => `"\\u${c.charCodeAt(0).toString(16).padStart(4, "0")}`),
    "white space": text => ` ${text.replaceAll(":", " :\t")}\n`,
    exponent: text => text.replace(/1[78]\d{8}/g, number => `${number}e0`),
    fraction: text => text.replace(/1[78]\d{8}/g, number => `${number}.5`),
    "byte order mark": text => `\ufeff${text}`,
    "comma at the end": text => `${text.slice(0, -1)},}`,
    comment: text => text.replace("{", "{/**/"),
    "single quotes": text => text.replaceAll('"', "'"),
    "further text": text => `${text}{}`,
    "number that overflows": text => `${text.slice(0, -1)},"x":1e400}`,
    "lone surrogate": text => `${text.slice(0, -1)},"x":"\\ud800"}`,
    "escaped NUL": text => `${text.slice(0, -1)},"x\\u0000":1}`,
    deep: text => `${text.slice(0, -1)},"x":${"[".repeat(100)}${"]".repeat(100)}}`,
    proto: text => `${text.slice(0, -1)},"__proto__":{"admin":true}}`,
    "array around": text => `[${text}]`,
    nothing: () => "",
    large: text => `${text.slice(0, -1)},"x":"${"x".repeat(14_000)}"}`
};

const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/** The last letter with other bits after the last whole byte. */
function strayBits(part) {
    const spare = part.length % 4 === 2 ? 16 : part.length % 4 === 3 ? 4 : 1;
    const at = alphabet.indexOf(part.at(-1));
    return spare === 1 ? part : part.slice(0, -1) + alphabet[at - (at % spare) + ((at + 1) % spare)];
}

/** Changes of one part of base64url. */
export const BASE64_CHANGES = {
    padding: part => `${part}${"=".repeat((4 - (part.length % 4)) % 4) || "="}`,
    "standard alphabet": part => part.replaceAll("-", "+").replaceAll("_", "/"),
    "stray bits": strayBits,
    "line feed": part => `${part.slice(0, 4)}\n${part.slice(4)}`,
    space: part => `${part.slice(0, 4)} ${part.slice(4)}`,
    "foreign letter": part => `${part.slice(0, 4)}!${part.slice(4)}`,
    "one letter more": part => `${part}A`,
    "one letter less": part => part.slice(0, -1),
    empty: () => "",
    percent: part => part.replace(/^./, c => `%${c.charCodeAt(0).toString(16)}`)
};

export const onPart = (index, change) => compact => {
    const parts = compact.split(".");
    parts[index] = change(parts[index] ?? "");
    return parts.join(".");
};

const ofSignature = change => onPart(2, part => base64url(change(Buffer.from(part, "base64url"))));

export const SIGNATURE_CHANGES = {
    "bit flipped": pick =>
        ofSignature(bytes => {
            bytes[pick(bytes.length)] ^= 1 << pick(8);
            return bytes;
        }),
    truncated: pick => ofSignature(bytes => bytes.subarray(0, pick(bytes.length))),
    longer: () => ofSignature(bytes => Buffer.concat([bytes, Buffer.from([0])])),
    "halves exchanged": () =>
        ofSignature(bytes => Buffer.concat([bytes.subarray(32), bytes.subarray(0, 32)])),
    zeros: () => ofSignature(bytes => Buffer.alloc(bytes.length)),
    "r and s of DER": () =>
        ofSignature(bytes =>
            Buffer.concat([
                Buffer.from([0x30, 68, 2, 32]),
                bytes.subarray(0, 32),
                Buffer.from([2, 32]),
                bytes.subarray(32)
            ])
        ),
    random: pick => ofSignature(bytes => bytes.map(() => pick(256)))
};

export const PARTS_CHANGES = {
    "fourth part": compact => `${compact}.`,
    "five parts": compact => `${compact}..`,
    "two parts": compact => compact.split(".").slice(0, 2).join("."),
    "no signature": compact => `${compact.split(".").slice(0, 2).join(".")}.`,
    "dot first": compact => `.${compact}`,
    "parts exchanged": compact => compact.split(".").reverse().join("."),
    "JSON serialisation": compact => {
        const [protectedHeader, payload, signature] = compact.split(".");
        return JSON.stringify({ protected: protectedHeader, payload, signature });
    }
};
