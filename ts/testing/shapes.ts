/**
 * The shapes of the access tokens of common issuers.
 *
 * In: an issuer's name, an audience, a time. Out: the header and the claims that such an issuer writes. Never: a
 * signature.
 */

import { randomUUID } from "node:crypto";
import type { SigningAlgorithm } from "./keys.js";

/**
 * The issuer whose tokens a test issuer imitates: with their `typ`, claims and algorithm. `"rfc9068"` is RFC 9068
 * section 2 and nothing else; `"google"` writes ID tokens, since Google's access tokens are for Google alone.
 */
export type TokenShape =
    | "rfc9068"
    | "keycloak"
    | "auth0"
    | "entra-v1"
    | "entra-v2"
    | "okta"
    | "cognito"
    | "google"
    | "clerk"
    | "supabase";

/** The varying values of a token. Times are seconds since 1970-01-01T00:00:00Z. */
export interface Occasion {
    readonly iss: string;
    /** One value, or a list; absent if the issuer writes none. */
    readonly aud: string | readonly string[] | undefined;
    readonly clientId: string;
    readonly iat: number;
    readonly exp: number;
}

export interface Shape {
    readonly algorithm: SigningAlgorithm;
    /** The header's members beside `alg` and `kid`. */
    readonly header: { readonly [member: string]: unknown };
    readonly issuerUri: string;
    /** `null`: its tokens have no audience, and a validator checks the client. */
    readonly audience: string | null;
    readonly clientId: string;
    /** Further options of a validator for these tokens. */
    readonly acceptIdTokens?: true;
    readonly claims: (occasion: Occasion) => { readonly [claim: string]: unknown };
}

const API = "https://api.test";
const TENANT = "aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee";
const ENTRA_API = "11111111-2222-3333-4444-555555555555";
const ENTRA_CLIENT = "22222222-2222-3333-4444-555555555555";
const GOOGLE_CLIENT = "123456789012-test.apps.googleusercontent.com";

/** What the two versions of Entra ID have in common. */
const entra = ({ iss, aud, iat, exp }: Occasion) => ({
    aud,
    iss,
    iat,
    nbf: iat,
    exp,
    aio: "AWQAm/8bAAAA",
    name: "Test User",
    oid: "33333333-2222-3333-4444-555555555555",
    rh: "0.AXkA",
    scp: "access",
    sub: "test-user",
    tid: TENANT,
    uti: randomUUID()
});

export const SHAPES: Readonly<Record<TokenShape, Shape>> = {
    rfc9068: {
        algorithm: "ES256",
        header: { typ: "at+jwt" },
        issuerUri: "https://issuer.test",
        audience: API,
        clientId: "test-client",
        claims: ({ iss, aud, clientId, iat, exp }) => ({
            iss,
            sub: "test-user",
            aud,
            client_id: clientId,
            jti: randomUUID(),
            iat,
            exp
        })
    },
    keycloak: {
        algorithm: "RS256",
        header: { typ: "JWT" },
        issuerUri: "https://keycloak.test/realms/test",
        audience: API,
        clientId: "test-client",
        claims: ({ iss, aud, clientId, iat, exp }) => ({
            exp,
            iat,
            auth_time: iat,
            jti: `onrtac:${randomUUID()}`,
            iss,
            aud: [...listOf(aud), "account"],
            sub: "f0e1d2c3-0000-4000-8000-000000000001",
            typ: "Bearer",
            azp: clientId,
            sid: randomUUID(),
            acr: "1",
            "allowed-origins": ["https://app.test"],
            realm_access: { roles: ["offline_access", "uma_authorization", "default-roles-test"] },
            resource_access: { account: { roles: ["manage-account", "view-profile"] } },
            scope: "openid profile email",
            email_verified: true,
            name: "Test User",
            preferred_username: "test-user",
            given_name: "Test",
            family_name: "User",
            email: "test-user@example.com"
        })
    },
    auth0: {
        algorithm: "RS256",
        header: { typ: "JWT" },
        issuerUri: "https://tenant.auth0.test/",
        audience: API,
        clientId: "test-client",
        claims: ({ iss, aud, clientId, iat, exp }) => ({
            iss,
            sub: "auth0|000000000000000000000001",
            aud: [...listOf(aud), `${iss.replace(/\/$/, "")}/userinfo`],
            iat,
            exp,
            azp: clientId,
            scope: "openid profile email",
            permissions: []
        })
    },
    "entra-v1": {
        algorithm: "RS256",
        header: { typ: "JWT", x5t: "test" },
        issuerUri: `https://sts.windows.net/${TENANT}/`,
        audience: `api://${ENTRA_API}`,
        clientId: ENTRA_CLIENT,
        claims: occasion => ({
            ...entra(occasion),
            acr: "1",
            amr: ["pwd"],
            appid: occasion.clientId,
            appidacr: "0",
            family_name: "User",
            given_name: "Test",
            unique_name: "test-user@example.com",
            upn: "test-user@example.com",
            ver: "1.0"
        })
    },
    "entra-v2": {
        algorithm: "RS256",
        header: { typ: "JWT" },
        issuerUri: `https://login.microsoftonline.com/${TENANT}/v2.0`,
        audience: ENTRA_API,
        clientId: ENTRA_CLIENT,
        claims: occasion => ({
            ...entra(occasion),
            azp: occasion.clientId,
            azpacr: "0",
            preferred_username: "test-user@example.com",
            ver: "2.0"
        })
    },
    okta: {
        algorithm: "RS256",
        header: {},
        issuerUri: "https://okta.test/oauth2/default",
        audience: "api://default",
        clientId: "0oatest",
        claims: ({ iss, aud, clientId, iat, exp }) => ({
            ver: 1,
            jti: `AT.${randomUUID()}`,
            iss,
            aud,
            iat,
            exp,
            cid: clientId,
            uid: "00utest",
            scp: ["openid", "profile"],
            auth_time: iat,
            sub: "test-user@example.com"
        })
    },
    cognito: {
        algorithm: "RS256",
        header: {},
        issuerUri: "https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_Test00000",
        audience: null,
        clientId: "1h57kf5cpq17m0emltest00000",
        claims: ({ iss, clientId, iat, exp }) => ({
            sub: "6f1a0000-0000-4000-8000-000000000001",
            iss,
            version: 2,
            client_id: clientId,
            origin_jti: randomUUID(),
            event_id: randomUUID(),
            token_use: "access",
            scope: "openid profile",
            auth_time: iat,
            exp,
            iat,
            jti: randomUUID(),
            username: "test-user"
        })
    },
    google: {
        algorithm: "RS256",
        header: { typ: "JWT" },
        issuerUri: "https://accounts.google.com",
        audience: GOOGLE_CLIENT,
        clientId: GOOGLE_CLIENT,
        acceptIdTokens: true,
        claims: ({ iss, aud, clientId, iat, exp }) => ({
            iss,
            azp: clientId,
            aud,
            sub: "110000000000000000001",
            email: "test-user@example.com",
            email_verified: true,
            at_hash: "dGVzdC1hdC1oYXNoLi4uLg",
            name: "Test User",
            given_name: "Test",
            family_name: "User",
            iat,
            exp,
            jti: randomUUID()
        })
    },
    clerk: {
        algorithm: "RS256",
        header: { typ: "JWT", cat: "cl_B7d4PD111AAA" },
        issuerUri: "https://clerk.test",
        audience: null,
        clientId: "https://app.test",
        claims: ({ iss, clientId, iat, exp }) => ({
            azp: clientId,
            exp,
            fva: [0, -1],
            iat,
            iss,
            nbf: iat - 10,
            pla: "u:free",
            sid: "sess_test",
            sts: "active",
            sub: "user_test",
            v: 2
        })
    },
    supabase: {
        algorithm: "ES256",
        header: { typ: "JWT" },
        issuerUri: "https://project.supabase.test/auth/v1",
        audience: "authenticated",
        clientId: "test-client",
        claims: ({ iss, aud, iat, exp }) => ({
            iss,
            sub: "00000000-0000-4000-8000-000000000001",
            aud,
            exp,
            iat,
            email: "test-user@example.com",
            phone: "",
            app_metadata: { provider: "email", providers: ["email"] },
            user_metadata: {},
            role: "authenticated",
            aal: "aal1",
            amr: [{ method: "password", timestamp: iat }],
            session_id: randomUUID(),
            is_anonymous: false
        })
    }
};

/** The names of the shapes. */
export const TOKEN_SHAPES = Object.keys(SHAPES) as readonly TokenShape[];

const listOf = (aud: Occasion["aud"]): readonly string[] =>
    aud === undefined ? [] : typeof aud === "string" ? [aud] : aud;
