// When files changed: what is older than its sources is built again.

import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";

/** @returns {number} in milliseconds; 0 if there is no such file */
export function changedAt(path) {
    return statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0;
}

/** When the newest of the sources changed, in milliseconds. Generated files are not sources. */
export function newest(paths) {
    let latest = 0;
    for (const path of paths) {
        if (/(\.node|binding\/binding\.(js|d\.ts))$/.test(path)) {
            continue;
        }
        const isFolder = statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
        const changed = isFolder ? newest(readdirSync(path).map(name => join(path, name))) : changedAt(path);
        latest = Math.max(latest, changed);
    }
    return latest;
}
