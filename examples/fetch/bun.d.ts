// What the example uses of Bun's global; `@types/bun` has the rest.

declare const Bun: {
    serve(options: {
        port: number;
        hostname: string;
        routes: Record<string, (request: Request) => Response | Promise<Response>>;
        fetch: (request: Request) => Response | Promise<Response>;
    }): { readonly port: number };
};
