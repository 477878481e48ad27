// `npm run vectors`: writes the files of `vectors/` anew, and docs/conformance.md. They come out the same each time.

import { mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { conformancePage } from "./conformance.mjs";
import { makeVectors } from "./make.mjs";

const folder = fileURLToPath(new URL("../../vectors/", import.meta.url));

for (const entry of readdirSync(folder, { withFileTypes: true }).filter(entry => entry.isDirectory())) {
    rmSync(join(folder, entry.name), { recursive: true });
}
const files = makeVectors();
for (const [path, text] of files) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
}
writeFileSync(fileURLToPath(new URL("../../docs/conformance.md", import.meta.url)), conformancePage(files));
console.log(`${files.size} files in vectors/, and docs/conformance.md`);
