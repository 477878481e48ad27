// Runs programs in processes of their own, inside the package, where its own name resolves to it.

import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const run = promisify(execFile);

export const root = fileURLToPath(new URL("../..", import.meta.url));

/** The variables of the environment that change how issuers are reached, unset. */
export const NO_NETWORK_VARIABLES = Object.fromEntries(
    ["HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY", "NO_PROXY"]
        .flatMap(name => [name, name.toLowerCase()])
        .concat("NODE_EXTRA_CA_CERTS")
        .map(name => [name, undefined])
);

export async function script(text: string, type: "module" | "commonjs", env: Record<string, string> = {}) {
    const { stdout, stderr } = await run(process.execPath, [`--input-type=${type}`, "--eval", text], {
        cwd: root,
        // A process that something keeps alive is ended by this: then the run fails.
        timeout: 45_000,
        env: { ...process.env, ...NO_NETWORK_VARIABLES, ...env }
    });
    return { stdout: stdout.trim(), stderr };
}
