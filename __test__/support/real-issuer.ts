// The real authorization server and client of the demo, which are plain JavaScript: their types are said here.

import type { CryptoKey } from "jose";
import type { Jwk } from "./jwt.js";

export interface KeyPair {
    readonly privateKey: CryptoKey;
    readonly publicKey: CryptoKey;
}

export interface Issuer {
    readonly issuerUri: string;
    readonly clientSecret: string;
    readonly jwksRequests: number;
    rotate(options: { published: boolean }): void;
    publish(): void;
    close(): Promise<void>;
}

interface Service {
    readonly clientId: string;
    readonly algorithm: string;
}

interface IssuerOptions {
    readonly keys?: readonly Jwk[];
    readonly services?: readonly Service[];
    readonly tokenClaims?: (token: { readonly clientId: string }) => Record<string, unknown>;
}

interface TokenRequest {
    readonly resource: string;
    readonly dpopKeyPair?: KeyPair;
}

const part = (name: string): Promise<unknown> =>
    import(/* @vite-ignore */ new URL(`../../examples/demo/${name}.mjs`, import.meta.url).href);

export const { startIssuer, generateSigningKeys, API, OTHER_API } = (await part("issuer")) as {
    startIssuer: (options?: IssuerOptions) => Promise<Issuer>;
    generateSigningKeys: () => Jwk[];
    API: string;
    OTHER_API: string;
};

export const { clientCredentials, authorizationCode } = (await part("client")) as {
    clientCredentials: (issuer: Issuer, request: TokenRequest & { clientId: string }) => Promise<string>;
    authorizationCode: (issuer: Issuer, request: TokenRequest & { login: string }) => Promise<string>;
};

export const { createProof } = (await part("proof")) as {
    createProof: (
        keyPair: KeyPair,
        request: { method: string; url: string; accessToken: string }
    ) => Promise<string>;
};
