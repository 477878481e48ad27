/** Name of the example to that of the same program on oidc-spa/server. */
export const EXAMPLES: Readonly<Record<string, string>>;
/** Those whose answers are not those of a plain API of HTTP. */
export const BEYOND_REST: readonly string[];
export function compile(): Promise<void>;
export function commandOf(name: string): [string, string];
export function diffPath(name: string): string;
export function diffOf(name: string): Promise<string>;
