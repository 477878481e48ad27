/**
 * Modules that only workerd and the bundlers for it have.
 *
 * In: nothing. Out: their types. Never: more than is used here.
 */

declare module "cloudflare:workers" {
    /** Not in workerd of before 2025. */
    export const waitUntil: ((promise: Promise<unknown>) => void) | undefined;
}

declare module "*.wasm?module" {
    const module: object;
    // biome-ignore lint/style/noDefaultExport: bundlers hand a module over so.
    export default module;
}
