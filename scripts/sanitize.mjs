// `npm run sanitize -- thread`: the Rust tests with the thread sanitizer.
// `npm run sanitize -- address`: tests of Node.js, with an addon that has the address sanitizer.
//
// Rust's standard library is compiled with the sanitizer too, so that the thread sanitizer knows its locks. Arguments after
// the sanitizer choose among the tests. On Linux x64 with `apt-get` alone: the compiler and the run times are Debian's.

import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { debianRust, output, sanitizerRunTimes } from "./debian-rust.mjs";
import { napiBuild, prepare, ROOT, requireRust } from "./prepare.mjs";
import { must, run, stop } from "./step.mjs";

const TARGET = "x86_64-unknown-linux-gnu";
const CRATES = [
    "oidc-spa-native",
    "oidc-spa-native-engine",
    "oidc-spa-native-host",
    "oidc-spa-native-binding"
];
const NOT_FOR_THREADS = [
    // Tests of files and of one thread, which take minutes with a sanitizer.
    ...["growth", "wycheproof", "layering", "walks", "circles", "lock_files", "spelling"],
    // Its issuer lives for a minute; with the sanitizer, the floods need more.
    "a_flood_is_hung_up_on"
];
/** `faults` builds an addon of its own, without a sanitizer; `load` is about the addon that is missing, and starts Vite. */
const NOT_OF_NODE = ["faults.spec.ts", "load.spec.ts"];
const OF_NODE = ["addon", "validator", "replay"].flatMap(folder =>
    readdirSync(join(ROOT, "__test__", folder))
        .filter(file => file.endsWith(".spec.ts") && !NOT_OF_NODE.includes(file))
        .map(file => `__test__/${folder}/${file}`)
);

const SANITIZERS = { thread: testThreads, address: testAddon };
const [name = "", ...tests] = process.argv.slice(2).filter(argument => argument !== "--");
if (!Object.hasOwn(SANITIZERS, name)) {
    stop(`Expected one of the sanitizers: ${Object.keys(SANITIZERS).join(", ")}.`);
}
const platform = `${process.platform}-${process.arch}`;
if (platform !== "linux-x64" || output("apt-get", ["--version"]) === undefined) {
    stop("The sanitizers are run with Debian's compiler: this needs Linux x64 with apt-get.");
}
await prepare({ addon: false });
requireRust();
const { env: compiler } = await debianRust(TARGET);
const runTimes = await sanitizerRunTimes();
const folder = join(ROOT, "target/sanitize", name);
const reports = join(folder, "reports");
rmSync(reports, { recursive: true, force: true });
mkdirSync(reports, { recursive: true });

const isSound = await SANITIZERS[name]();
// Also of processes whose exit status nobody looked at.
const found = readdirSync(reports).map(file => readFileSync(join(reports, file), "utf8"));
for (const text of found) {
    console.error(text);
}
const count = `${found.length} processes have reports, in ${reports}`;
console.log(found.length === 0 ? "The sanitizer reports nothing." : `FAILED: ${count}`);
process.exitCode = isSound && found.length === 0 ? 0 : 1;

async function testThreads() {
    const library = join(runTimes, "libclang_rt.tsan-x86_64.a");
    // Before the C library, or GNU's linker finds no `tmpnam`.
    const linked = ["-Wl,--whole-archive", library, "-Wl,--no-whole-archive"];
    const { ok } = await run({
        title: "The Rust tests, with the thread sanitizer",
        usually: "10 minutes the first time on two cores",
        command: "cargo",
        args: [
            ...["test", "--no-fail-fast", "--lib", "--tests"],
            ...["--target", TARGET, "-Zbuild-std=std,panic_unwind,test"],
            ...CRATES.flatMap(crate => ["-p", crate]),
            // One test at a time: some wait for a time, and each has threads of its own.
            ...["--", "--test-threads", "1"],
            ...(tests.length > 0 ? tests : NOT_FOR_THREADS.flatMap(test => ["--skip", test]))
        ],
        env: {
            ...flags([
                ...["-Zsanitizer=thread", "-Zexternal-clangrt"],
                ...linked.map(argument => `-Zpre-link-arg=${argument}`)
            ]),
            ...compiler,
            TSAN_OPTIONS: options({
                log_path: join(reports, "thread"),
                external_symbolizer_path: symbolizer(),
                // A race whose other side is forgotten is not reported: with the default, 2, one that was planted was
                // seen in 10 of 60 runs; with this, in each of 24.
                history_size: 7,
                // The threads of tokio's pool are not joined when the process ends.
                report_thread_leaks: 0,
                // tokio registers sockets with a copy of the descriptor of `epoll` that it waits at, made by `fcntl`,
                // which the sanitizer does not follow: what was written before the registration seems unordered.
                suppressions: known("race:RegistrationSet>::allocate")
            })
        }
    });
    return ok;
}

async function testAddon() {
    await must(
        napiBuild({
            title: "Building the addon with the address sanitizer",
            usually: "7 minutes the first time on two cores, then seconds",
            outputDir: folder,
            target: TARGET,
            cargo: ["-Zbuild-std=std,panic_unwind"],
            env: { ...flags(["-Zsanitizer=address"]), ...compiler }
        })
    );
    const addon = readdirSync(folder).find(file => file.endsWith(".node")) ?? "";
    const file = join(folder, addon);
    const leaks = await run({
        title: "Errors of memory and leaks, in a small program",
        command: process.execPath,
        args: ["--expose-gc", "__test__/soak/memcheck.mjs"],
        env: { NAPI_RS_NATIVE_LIBRARY_PATH: file, ...addressEnvironment({ detect_leaks: 1 }) }
    });
    const { ok } = await run({
        title: "Tests of Node.js, with the address sanitizer in the addon",
        usually: "5 minutes",
        command: process.execPath,
        args: [
            ...["node_modules/vitest/vitest.mjs", "run", "--project", "native", "--maxWorkers", "1"],
            ...(tests.length > 0 ? tests : OF_NODE)
        ],
        // Processes that are ended in the middle leave what they had.
        env: { TESTED_ADDON: file, ...addressEnvironment({ detect_leaks: 0 }) }
    });
    return leaks.ok && ok;
}

/** The variables of a process that loads the addon with the address sanitizer. */
function addressEnvironment(more) {
    const suppressions = known(
        // napi-rs keeps a reference to each class, and does not delete it when the environment ends.
        "leak:napi_register_module_v1",
        // A call that waits for an environment when it ends: napi-rs does not free what the call holds.
        "leak:napi::threadsafe_function::call_threadsafe_function_with_data"
    );
    return {
        // Where the addon cannot be loaded, the tests are not to run WebAssembly.
        OIDC_SPA_NATIVE_ENGINE: "native",
        LD_PRELOAD: join(runTimes, "libclang_rt.asan-x86_64.so"),
        LSAN_OPTIONS: options({ suppressions, print_suppressions: 0 }),
        ASAN_OPTIONS: options({
            log_path: join(reports, "address"),
            external_symbolizer_path: symbolizer(),
            ...more
        })
    };
}

/** The variables with which cargo compiles by these flags, in a folder of the sanitizer's own. */
function flags(flags) {
    return { CARGO_ENCODED_RUSTFLAGS: flags.join("\x1f"), CARGO_TARGET_DIR: join(folder, "build") };
}

/** The file with what is no defect of this code. */
function known(...suppressions) {
    const file = join(folder, "known.txt");
    writeFileSync(file, `${suppressions.join("\n")}\n`);
    return file;
}

function options(values) {
    return Object.entries(values)
        .map(([name, value]) => `${name}=${value}`)
        .join(":");
}

/** It finds the lines of a report's addresses. */
function symbolizer() {
    return ["/usr/bin/llvm-symbolizer", "/usr/bin/addr2line"].find(existsSync) ?? "";
}
