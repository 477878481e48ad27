// What the server of the page says: which issuer, which client, which API. So one build serves every issuer.

export interface Settings {
    readonly issuerUri: string;
    readonly clientId: string;
    /** With spaces between them. */
    readonly scopes: string;
    /** Further parameters of the sign-in, such as Auth0's `audience=…`, as in a URL. */
    readonly extraParams: string;
    readonly apiUrl: string;
    /** Whether the issuer is the one of this example, which rotates its keys and goes down when it is asked to. */
    readonly hasBackstage: boolean;
}

export const settings: Settings = await (await fetch("/config.json")).json();
