// The pages that people see at the issuer: who signs in, and the moment of signing out.

import { PEOPLE } from "./people.mjs";

const STYLE = `
    @font-face { font-family: Inter; src: url(/inter.woff2) format("woff2"); font-weight: 100 900; font-display: block; }
    :root { color-scheme: light dark; --page: #f6f6f4; --card: #fff; --line: #e2e2dd; --text: #1b1c1a; --quiet: #5d605a;
        --accent: #1f5f4a; --hover: #f0f4f1; }
    @media (prefers-color-scheme: dark) {
        :root { --page: #141614; --card: #1c1f1c; --line: #313531; --text: #ecefea; --quiet: #a3a89f; --accent: #7fd1ae; --hover: #242924; }
    }
    * { box-sizing: border-box; margin: 0; }
    body { min-height: 100vh; display: grid; place-items: center; padding: 24px; background: var(--page); color: var(--text);
        font: 16px/1.5 Inter, sans-serif; font-feature-settings: "cv11", "ss03"; }
    main { width: 100%; max-width: 400px; background: var(--card); border: 1px solid var(--line); border-radius: 16px; padding: 32px; }
    h1 { font-size: 24px; line-height: 32px; letter-spacing: -0.02em; font-weight: 650; }
    p { color: var(--quiet); font-size: 14px; margin: 8px 0 24px; }
    form { display: grid; gap: 12px; }
    button { display: flex; align-items: center; gap: 16px; width: 100%; padding: 12px 16px; text-align: left; font: inherit;
        color: inherit; background: none; border: 1px solid var(--line); border-radius: 12px; cursor: pointer; }
    button:hover { background: var(--hover); border-color: var(--accent); }
    button:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; }
    b { font-weight: 600; display: block; }
    small { color: var(--quiet); font-size: 14px; }
    i { flex: none; width: 40px; height: 40px; border-radius: 50%; display: grid; place-items: center; font: 600 14px Inter, sans-serif;
        background: var(--accent); color: var(--card); }
    footer { margin-top: 24px; padding-top: 16px; border-top: 1px solid var(--line); color: var(--quiet); font-size: 13px; }
`;

const page = (title, body) => `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title}</title><link rel="icon" href="data:,">
<link rel="preload" href="/inter.woff2" as="font" type="font/woff2" crossorigin><style>${STYLE}</style></head>
<body><main>${body}</main></body></html>`;

export const signInPage = () =>
    page(
        "Sign in",
        `<h1>Who are you?</h1><p>This is the issuer of the example. It knows two people, and asks neither for a password.</p>
        <form method="post">${PEOPLE.map(
            ({ sub, name, about }) =>
                `<button name="sub" value="${sub}"><i aria-hidden="true">${initialsOf(name)}</i><span><b>${name}</b><small>${about}</small></span></button>`
        ).join("")}</form>
        <footer>Your issuer has its own page here: Keycloak, Auth0, Entra ID.</footer>`
    );

/** `form` is that of oidc-provider, with the id `op.logoutForm`. Whoever pressed the button in the page meant it. */
export const signOutPage = form =>
    page(
        "Signing out",
        `<h1>Signing out</h1>${form}
        <button form="op.logoutForm" name="logout" value="yes" autofocus>Sign out now</button>
        <script>document.querySelector("button").click()</script>`
    );

export const goneWrongPage = () =>
    page(
        "Sign in again",
        "<h1>This page is too old</h1><p>Go back to the application and sign in from there.</p>"
    );

/** What oidc-provider refuses before anybody signs in, such as a redirect URI that it does not know. */
export const refusedPage = ({ error, error_description: description = "" }) =>
    page(
        "Refused",
        `<h1>The issuer refused this</h1><p>${escaped(description)}</p><footer>${escaped(error)}</footer>`
    );

const escaped = text => String(text).replace(/[<>&"']/g, character => `&#${character.charCodeAt(0)};`);

const initialsOf = name => name.replace(/(\w)\w*\s*/g, "$1");
