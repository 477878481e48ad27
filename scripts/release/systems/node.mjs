// Node.js from npm, as an image has it: with its npm, in /usr/local of a root folder.

import { execFileSync } from "node:child_process";
import { cpSync } from "node:fs";
import { join } from "node:path";
import { npm } from "../npm.mjs";

const MODULES = "/usr/local/lib/node_modules";

/**
 * @param {string} name - a package of npm that holds Node.js for the platform, with its version
 * @param {string} root
 * @param {string} scratch - a folder for the tarball
 * @returns {Promise<{ node: string, npm: string }>} files, as the root folder names them
 */
export async function installNode(name, root, scratch) {
    await npm(["pack", name, "--silent", "--pack-destination", scratch]);
    execFileSync("tar", ["-xzf", `${name.replace("@", "-")}.tgz`], { cwd: scratch });
    cpSync(join(scratch, "package"), join(root, "usr/local"), { recursive: true });
    // npm is JavaScript: this machine's will do.
    const own = execFileSync("npm", ["root", "--global"], { encoding: "utf8" }).trim();
    cpSync(join(own, "npm"), join(root, MODULES, "npm"), { recursive: true, dereference: true });
    return { node: "/usr/local/bin/node", npm: `${MODULES}/npm/bin/npm-cli.js` };
}
