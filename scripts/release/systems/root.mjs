// A root folder of its own for another Linux. Needs root, since only root may change the root folder and mount /proc.

import { relative } from "node:path";

/**
 * The command of a program in a root folder. The network is this machine's.
 *
 * @param {string} root
 * @param {string[]} command - as the root folder names it
 * @param {string} cwd - a folder in it, as this machine names it
 * @param {{ user?: number }} [options] - `user`: who runs it; default: root
 */
export function inRoot(root, command, cwd, { user } = {}) {
    return {
        command: "unshare",
        args: [
            // A process that hangs ends with the one that began it.
            ...["--kill-child=KILL", "--fork", "--pid", "--mount", "--mount-proc=/proc"],
            ...(user === undefined ? [] : [`--setgid=${user}`, `--setuid=${user}`]),
            ...[`--root=${root}`, `--wd=/${relative(root, cwd)}`],
            ...command
        ]
    };
}
