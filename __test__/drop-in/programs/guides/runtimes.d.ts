// What the programs use of Bun's and of Deno's own globals.

interface ServeHandler {
    (request: Request): Response | Promise<Response>;
}

declare const Bun: {
    serve(options: {
        port: number;
        hostname: string;
        routes: Record<string, ServeHandler>;
        fetch: ServeHandler;
    }): { readonly port: number };
};

declare const Deno: {
    env: { get(name: string): string | undefined };
    serve(
        options: { port: number; hostname: string; onListen: (address: { port: number }) => void },
        handler: ServeHandler
    ): unknown;
};
