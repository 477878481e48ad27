// Debian's Rust compiler with the source of its standard library, unpacked into target/: for a target whose standard
// library nobody has compiled yet on this machine, or that must be compiled in another way. No package is installed, so no
// privilege is needed.

import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { must, stop } from "./step.mjs";

/** Where Debian's packages are unpacked. The WebAssembly module needed them first. */
export const TOOLCHAIN = "target/wasm-toolchain";

/** @param {string} target - Rust's name of a platform, such as `wasm32-unknown-unknown` */
export function isInstalled(target) {
    const sysroot = output("rustc", ["--print", "sysroot"])?.trim();
    return sysroot !== undefined && existsSync(join(sysroot, "lib/rustlib", target));
}

/**
 * Ends the process with a message if this system has no `apt-get`, or knows no such packages.
 *
 * @param {string} target - for which the standard library will be compiled, by `-Zbuild-std`
 * @returns {Promise<{ source: string, programs: string, env: Record<string, string> }>} `source`: the standard library;
 *   `programs`: the folder with the linkers; `env`: with it cargo uses this compiler
 */
export async function debianRust(target) {
    const root = resolve(TOOLCHAIN, "root");
    if (!existsSync(join(root, "complete"))) {
        await unpack(root, target);
    }
    const sources = readdirSync(join(root, "usr/src")).find(name => name.startsWith("rustc-"));
    const llvm = readdirSync(join(root, "usr/lib")).find(name => name.startsWith("llvm-"));
    const source = join(root, "usr/src", sources ?? "", "library");
    return {
        source,
        programs: join(root, "usr/bin"),
        env: {
            RUSTC: join(root, "usr/bin/rustc"),
            // Debian's compiler is a stable one, and compiling its standard library is not.
            RUSTC_BOOTSTRAP: "1",
            __CARGO_TESTS_ONLY_SRC_ROOT: source,
            LD_LIBRARY_PATH: [
                join(root, "usr/lib/x86_64-linux-gnu"),
                join(root, "usr/lib", llvm ?? "", "lib")
            ].join(":")
        }
    };
}

async function unpack(root, target) {
    if (output("apt-get", ["--version"]) === undefined || output("dpkg-deb", ["--version"]) === undefined) {
        stop(
            `This build needs Rust's standard library for ${target}. Install it with rustup: rustup target add ${target}`
        );
    }
    rmSync(TOOLCHAIN, { recursive: true, force: true });
    mkdirSync(root, { recursive: true });
    await withPackages(root, async (options, download) => {
        const library = dependencyOf("libstd-rust-web-dev", /^libstd-rust-web-\d/, options, target);
        const llvm = dependencyOf(library, /^libllvm(\d+)/, options, target);
        const linker = llvm.replace("libllvm", "lld-");
        const packages = ["rustc-web", "libstd-rust-web-dev", "rust-web-src", library, llvm, linker];
        await download("Debian's Rust compiler, 138 MB", packages);
    });
    writeFileSync(join(root, "complete"), "");
}

/**
 * The run times of the sanitizers, of the LLVM that Debian's Rust compiler was built with. The compiler is there already.
 *
 * @returns {Promise<string>} their folder
 */
export async function sanitizerRunTimes() {
    const root = resolve(TOOLCHAIN, "root");
    const llvm = readdirSync(join(root, "usr/lib")).find(name => name.startsWith("llvm-")) ?? "";
    const version = llvm.replace("llvm-", "");
    const folder = join(root, "usr/lib", llvm, "lib/clang", version, "lib/linux");
    if (!existsSync(folder)) {
        await withPackages(root, (_, download) =>
            download("the run times of the sanitizers, 4 MB", [`libclang-rt-${version}-dev`])
        );
    }
    return folder;
}

/**
 * Asks for the list of Debian's packages, lets `choose` download some, and forgets the list. They are unpacked into `root`.
 *
 * @param {string} root
 * @param {(options: string[], download: (what: string, packages: string[]) => Promise<void>) => Promise<void>} choose
 */
async function withPackages(root, choose) {
    // Lists of its own: the machine's may be old or missing, and only root may renew them.
    const lists = resolve(TOOLCHAIN, "apt");
    mkdirSync(join(lists, "lists/partial"), { recursive: true });
    mkdirSync(join(lists, "cache/archives/partial"), { recursive: true });
    const options = [
        ["Dir::State::Lists", join(lists, "lists")],
        ["Dir::Cache", join(lists, "cache")],
        // Root would become the user `_apt`, which may not write here.
        ["APT::Sandbox::User", "root"]
    ].flatMap(([name, value]) => ["-o", `${name}=${value}`]);
    await must({
        title: "Asking for the list of Debian's packages",
        command: "apt-get",
        args: [...options, "update"],
        quiet: true
    });
    await choose(options, (what, packages) =>
        must({
            title: `Downloading ${what}`,
            usually: "up to a minute",
            command: "apt-get",
            args: [...options, "download", ...packages],
            cwd: TOOLCHAIN,
            quiet: true
        })
    );
    for (const name of readdirSync(TOOLCHAIN).filter(name => name.endsWith(".deb"))) {
        await must({
            title: `Unpacking ${name}`,
            command: "dpkg-deb",
            args: ["-x", join(TOOLCHAIN, name), root],
            quiet: true
        });
        rmSync(join(TOOLCHAIN, name));
    }
    rmSync(lists, { recursive: true });
}

/** The name of a package's dependency. Its version is a part of it, and changes with Debian's updates. */
function dependencyOf(name, pattern, options, target) {
    const lines = (output("apt-cache", [...options, "depends", name]) ?? "")
        .split("\n")
        .map(line => line.trim());
    const found = lines
        .filter(line => line.startsWith("Depends: "))
        .map(line => line.slice("Depends: ".length));
    const dependency = found.find(name => pattern.test(name));
    if (dependency === undefined) {
        stop(
            `apt knows no package ${name} with what it needs: this Debian is too old, or none. Install Rust's standard library ` +
                `for ${target} with rustup: rustup target add ${target}`
        );
    }
    return dependency;
}

/** @returns {string | undefined} what a command says, if it succeeds */
export function output(command, args, env) {
    const { status, stdout } = spawnSync(command, args, {
        encoding: "utf8",
        env: { ...process.env, ...env }
    });
    return status === 0 ? stdout : undefined;
}
