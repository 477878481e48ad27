// The WebAssembly module as the tests of its functions load it: its imports by `node:crypto`, its buffers by name.

import { constants, createPublicKey, randomBytes, verify, type KeyObject } from "node:crypto";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

/** `npm run build:wasm` writes it. */
const BYTES = readFileSync(fileURLToPath(new URL("../../target/wasm/core.wasm", import.meta.url)));

type Field = string | Uint8Array | null;
type Call = (...numbers: number[]) => number;

export interface CoreModule {
    /** Calls a function that gives a number. `fields` come last. */
    number(name: string, numbers: readonly number[], fields?: readonly Field[]): number;
    /** Calls a function that gives a text. */
    text(name: string, numbers: readonly number[], fields?: readonly Field[]): string;
    /** A validator's number; an error with the module's sentence if an option is wrong. */
    validator(options: object, internals?: object): number;
}

interface Loaded {
    texts?: Readonly<Record<string, string>>;
    /** Whether a question about a key or a signature has no answer yet. */
    isOpen?: (about: "key" | "signature") => boolean;
}

export function loadCore({ texts = {}, isOpen = () => false }: Loaded = {}): CoreModule {
    const keys: (KeyObject | undefined)[] = [undefined];
    let algorithms: string[] = [];
    const answer = (text: string | undefined): number => {
        if (text === undefined) {
            return -1;
        }
        const bytes = Buffer.from(text);
        bytesAt(call("input")(bytes.length), bytes.length).set(bytes);
        return bytes.length;
    };
    const textAt = (at: number, length: number): string => Buffer.from(bytesAt(at, length)).toString();
    const host = {
        import_key(at: number, length: number): number {
            if (isOpen("key")) {
                return 2 ** 32 - 1;
            }
            try {
                return keys.push(createPublicKey({ key: JSON.parse(textAt(at, length)), format: "jwk" })) - 1;
            } catch {
                return 0;
            }
        },
        verify(
            key: number,
            algorithm: number,
            at: number,
            length: number,
            sigAt: number,
            sigLength: number
        ): number {
            if (isOpen("signature")) {
                return 2;
            }
            const name = algorithms[algorithm] ?? "";
            const found = keys[key];
            if (found === undefined) {
                return 0;
            }
            const options = {
                key: found,
                ...(name.startsWith("ES") && { dsaEncoding: "ieee-p1363" as const }),
                ...(name.startsWith("PS") && {
                    padding: constants.RSA_PKCS1_PSS_PADDING,
                    saltLength: constants.RSA_PSS_SALTLEN_DIGEST
                })
            };
            const hash = name.startsWith("Ed") ? null : `sha${name.slice(2)}`;
            return verify(hash, bytesAt(at, length), options, bytesAt(sigAt, sigLength)) ? 1 : 0;
        },
        forget(key: number): void {
            keys[key] = undefined;
        },
        jwk_of_der(at: number, length: number): number {
            const der = Buffer.from(bytesAt(at, length));
            const key = createPublicKey({ key: der, format: "der", type: "spki" });
            return answer(JSON.stringify(key.export({ format: "jwk" })));
        },
        domain_to_ascii(at: number, length: number): number {
            const name = textAt(at, length);
            return answer(URL.canParse(`wss://${name}`) ? new URL(`wss://${name}`).hostname : undefined);
        },
        read_text(_kind: number, at: number, length: number): number {
            return answer(texts[textAt(at, length)]);
        }
    };
    const { exports } = new WebAssembly.Instance(new WebAssembly.Module(BYTES), { host });
    const memory = exports.memory as WebAssembly.Memory;
    const call = (name: string): Call => exports[name] as Call;
    const bytesAt = (at: number, length: number): Uint8Array =>
        new Uint8Array(memory.buffer, at >>> 0, length);

    function write(fields: readonly Field[]): void {
        const bytes = fields.map(field => (typeof field === "string" ? Buffer.from(field) : field));
        const total = bytes.reduce((sum, field) => sum + (field?.length ?? 0), 0);
        const begin = call("input")(4 * bytes.length + total) >>> 0;
        const lengths = new DataView(memory.buffer, begin);
        let at = begin + 4 * bytes.length;
        for (const [i, field] of bytes.entries()) {
            lengths.setInt32(4 * i, field?.length ?? -1, true);
            bytesAt(at, field?.length ?? 0).set(field ?? []);
            at += field?.length ?? 0;
        }
    }
    const core: CoreModule = {
        number(name, numbers, fields) {
            if (fields !== undefined) {
                write(fields);
            }
            return call(name)(...numbers, ...(fields === undefined ? [] : [fields.length]));
        },
        text(name, numbers, fields) {
            const length = core.number(name, numbers, fields);
            return Buffer.from(bytesAt(call("output")(), length)).toString();
        },
        validator(options, internals = {}) {
            const fields = [JSON.stringify(options), JSON.stringify(internals)];
            const made = JSON.parse(core.text("validator_new", [Date.now(), performance.now()], fields));
            if (made.error !== undefined) {
                throw new Error(made.error);
            }
            return made.validator;
        }
    };
    if (core.number("start", [], [randomBytes(32)]) !== 1) {
        throw new Error("the module did not start");
    }
    algorithms = JSON.parse(core.text("describe", [])).algorithms;
    return core;
}
