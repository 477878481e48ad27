// The platforms that a release has an addon for: how each is built, and on which runner it is built and tried.
// `.github/workflows/platforms.yml` has the same list, and a test compares them.

/**
 * @typedef {object} Platform
 * @property {string} name - as napi-rs names the package: `npm/<name>`
 * @property {string} target - Rust's name of the platform
 * @property {string} [zigTarget] - where zig links, for an older C library than the runner's
 * @property {string} [trialTarget] - as what Linux builds it, to try it before a release: such an addon is not published
 * @property {string} runner - where the workflow builds and tries it
 * @property {string} [image] - the container in which the runner tries it
 */

/** @type {readonly Platform[]} */
export const PLATFORMS = [
    {
        name: "linux-x64-gnu",
        target: "x86_64-unknown-linux-gnu",
        zigTarget: "x86_64-unknown-linux-gnu.2.17",
        runner: "ubuntu-24.04"
    },
    {
        name: "linux-arm64-gnu",
        target: "aarch64-unknown-linux-gnu",
        zigTarget: "aarch64-unknown-linux-gnu.2.17",
        runner: "ubuntu-24.04-arm"
    },
    {
        name: "linux-x64-musl",
        target: "x86_64-unknown-linux-musl",
        zigTarget: "x86_64-unknown-linux-musl",
        runner: "ubuntu-24.04",
        image: "node:22-alpine"
    },
    {
        name: "linux-arm64-musl",
        target: "aarch64-unknown-linux-musl",
        zigTarget: "aarch64-unknown-linux-musl",
        runner: "ubuntu-24.04-arm",
        image: "node:22-alpine"
    },
    {
        name: "win32-x64-msvc",
        target: "x86_64-pc-windows-msvc",
        trialTarget: "x86_64-pc-windows-gnu",
        runner: "windows-2025"
    },
    { name: "darwin-arm64", target: "aarch64-apple-darwin", runner: "macos-15" },
    { name: "darwin-x64", target: "x86_64-apple-darwin", runner: "macos-15-intel" }
];

/** @param {string} name */
export function platformNamed(name) {
    const found = PLATFORMS.find(platform => platform.name === name);
    if (found === undefined) {
        throw new Error(
            `there is no platform "${name}"; there are ${PLATFORMS.map(({ name }) => name).join(", ")}`
        );
    }
    return found;
}
