// The run times in which a test asks the WebAssembly engine the same.

import { join } from "node:path";
import { root } from "./script.js";
import { startWorker } from "./workerd.js";

const bin = (name: string): string => join(root, "node_modules/.bin", name);

/** Each run time, and how it is asked. */
export const runTimes = <Answers>(
    byCommand: (...command: readonly string[]) => () => Promise<Answers>,
    onWorkerd: () => Promise<Answers>
): [name: string, ask: () => Promise<Answers>][] => [
    ["Node.js", byCommand(process.execPath)],
    ["Bun", byCommand(bin("bun"))],
    ["Deno", byCommand(bin("deno"), "run", "--allow-all", "--quiet")],
    ["workerd", onWorkerd]
];

/** What a Worker of these files answers, as JSON, to a text. */
export async function answersOfWorker<Answers>(
    files: Record<string, string>,
    body: string
): Promise<Answers> {
    const worker = await startWorker(files);
    try {
        const response = await worker.fetch("/", { method: "POST", body });
        return (await response.json()) as Answers;
    } finally {
        await worker.close();
    }
}
