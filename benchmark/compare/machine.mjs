// What a run ran on: it stands with every result.

import { cpus, release, totalmem, type } from "node:os";

export function machine() {
    return {
        processor: cpus()[0].model,
        cores: cpus().length,
        memoryGiB: Math.round(totalmem() / 2 ** 30),
        system: `${type()} ${release()}`
    };
}

export function node() {
    return { version: process.version, v8: process.versions.v8, openssl: process.versions.openssl };
}
