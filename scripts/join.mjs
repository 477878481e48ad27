// Joins the files of each room of ts/ that a server loads at its start into one file, dist/joined/ROOM.js. Node.js takes a
// fraction of a millisecond for each file, and there are about 60 of them.
//
// TypeScript has compiled them before: what it wrote for other rooms, and its declarations, stay as they are. Each file
// of a joined room becomes a list of names that the joined file has, so its path leads to the same state as before.

import { readdirSync } from "node:fs";
import { join } from "node:path";
import { rolldown } from "rolldown";

/** From the ground up: none imports a room that stands after it. */
const ROOMS = ["boundary", "wasm", "request", "addon", "validator", "guard", "drop-in"];
const ENTRIES = ["index", "server", "authorization"];
/** Each finds a file by its own place: the addon, and the text of the WebAssembly module. */
const PLACED = ["addon/load", "wasm/inline"];
/** Only the playground has these. */
const APART = [...PLACED, "wasm/browser", "wasm/web-crypto"];

const files = ROOMS.flatMap(room =>
    readdirSync(join("ts", room))
        .filter(name => /(?<!\.d)\.ts$/.test(name))
        .map(name => `${room}/${name.slice(0, -".ts".length)}`)
).filter(name => !APART.includes(name));

const build = await rolldown({
    input: Object.fromEntries([...ENTRIES, ...files].map(name => [name, `ts/${name}.ts`])),
    platform: "node",
    external: ["#engine", ...PLACED.map(name => new RegExp(`/${name}\\.[jt]s$`))],
    tsconfig: "tsconfig.json",
    onLog: (_level, { message }) => {
        throw new Error(message);
    }
});
const { output } = await build.write({
    dir: "dist",
    format: "cjs",
    exports: "named",
    esModule: true,
    generatedCode: { symbols: false },
    entryFileNames: "[name].js",
    chunkFileNames: "joined/[name].js",
    codeSplitting: {
        groups: ROOMS.map((name, i) => ({
            name,
            test: new RegExp(`/ts/${name}/`),
            priority: ROOMS.length - i
        }))
    }
});
await build.close();

const expected = new Set(
    [...[...ENTRIES, ...files], ...ROOMS.map(room => `joined/${room}`)].map(name => `${name}.js`)
);
const others = output.filter(({ fileName }) => !expected.has(fileName));
if (others.length > 0) {
    throw new Error(
        `rolldown wrote files that no room has: ${others.map(({ fileName }) => fileName).join(", ")}`
    );
}
