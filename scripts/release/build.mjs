// `npm run build:native -- linux-arm64-gnu`: builds the addon of one platform for a release, into target/addons, and
// says what it needs of a system. What follows a second `--` goes to cargo.
//
// Linux is linked by zig, so that the addon needs glibc 2.17 or musl and nothing newer: `pip install ziglang
// cargo-zigbuild`. Rust's standard library of the target is rustup's (`rustup target add`); without it, Debian's is
// compiled. Windows and macOS are built by their own compilers, on their own machines; for a trial, Linux builds an addon
// for Windows by GNU's tools.

import { mkdirSync, readdirSync, readFileSync, renameSync, statSync } from "node:fs";
import { join, relative } from "node:path";
import { debianRust, isInstalled } from "../debian-rust.mjs";
import { napiBuild, prepare, ROOT, requireRust } from "../prepare.mjs";
import { foldersIn } from "../source-paths.mjs";
import { run } from "../step.mjs";
import { mingw } from "./mingw.mjs";
import { platformNamed } from "./platforms.mjs";

/** A larger addon fails the build: what a function's cold start has to read is part of what users get. */
const MAX_BYTES = 8_000_000;
const OUTPUT = join(ROOT, "target", "addons");

const [name = "", ...cargo] = process.argv.slice(2).filter(argument => argument !== "--");
const platform = platformNamed(name);
await prepare({ addon: false });
requireRust();
const isTrial = platform.trialTarget !== undefined && process.platform !== "win32";
const target = isTrial ? platform.trialTarget : platform.target;
const toolchain = isInstalled(target) ? undefined : await debianRust(target);
const tools = isTrial ? mingw(toolchain) : { env: {}, flags: [] };
// What napi-rs builds under the name of the trial's target gets the name of the platform.
const built = isTrial ? join(OUTPUT, "trial") : OUTPUT;
mkdirSync(built, { recursive: true });
const { ok, seconds } = await run(
    napiBuild({
        title: `Building the addon for ${platform.name}`,
        usually: "5 to 8 minutes on two cores",
        outputDir: built,
        release: true,
        target: platform.zigTarget ?? target,
        crossCompile: platform.zigTarget !== undefined,
        cargo: [...(toolchain === undefined ? [] : ["-Zbuild-std=std,panic_unwind"]), ...cargo],
        env: { ...toolchain?.env, ...tools.env },
        flags: tools.flags,
        folders: toolchain === undefined ? [] : foldersOf(toolchain.source)
    })
);
if (!ok) {
    process.exit(1);
}

const addon = join(OUTPUT, `oidc-spa-native.${platform.name}.node`);
if (isTrial) {
    for (const file of readdirSync(built)) {
        renameSync(join(built, file), file.endsWith(".node") ? addon : join(OUTPUT, file));
    }
    console.log(`  built for ${target}: to be tried, not to be published`);
}
const { size } = statSync(addon);
console.log(`${addon}: ${size} bytes, ${Math.round(seconds)} s`);
const faults = size > MAX_BYTES ? [`it has ${size} bytes, and ${MAX_BYTES} are the limit`] : [];
faults.push(...foldersIn(addon).map(folder => `it names a folder of this machine, ${folder}`));
if (platform.name.endsWith("-gnu")) {
    const newest = newestGlibc(addon);
    console.log(`  the newest symbol that it needs is of glibc 2.${newest}`);
    if (newest > Number(platform.zigTarget.split("-gnu.2.")[1])) {
        faults.push(`it needs glibc 2.${newest}, and was built for ${platform.zigTarget}`);
    }
}
for (const fault of faults) {
    console.error(`${platform.name}: ${fault}`);
}
process.exitCode = faults.length === 0 ? 0 : 1;

/** A standard library in the folder of the repository: cargo names its files from there, and some from the system's root. */
function foldersOf(source) {
    return [source, relative(ROOT, source)].map(folder => [folder, "rust"]);
}

/** The minor version of the newest glibc whose symbols an ELF file asks for; the versions stand in it as text. */
function newestGlibc(file) {
    const versions = readFileSync(file, "latin1").matchAll(/GLIBC_2\.(\d+)/g);
    return Math.max(...Array.from(versions, ([, minor]) => Number(minor)));
}
