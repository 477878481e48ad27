// The page of somebody who is not signed in.

import { useOidc } from "../oidc";
import { useTitle } from "./title";

export function Home() {
    useTitle("Welcome");
    const oidc = useOidc();
    return (
        <section className="home">
            <h1>Your todos, and what guards them.</h1>
            <p className="lead">
                A small application with a real sign-in. Beside your list, a panel shows what each call sent
                to the API and why the API let it in, or did not.
            </p>
            {oidc.initializationError && (
                <p className="problem" role="alert">
                    The issuer cannot be reached, so nobody can sign in just now. Load the page again in a
                    moment.
                </p>
            )}
            {!oidc.isUserLoggedIn && !oidc.initializationError && (
                <p>
                    <button
                        type="button"
                        className="button"
                        onClick={() => void oidc.login({ redirectUrl: "/todos" })}
                    >
                        Sign in
                    </button>
                </p>
            )}
            <ol className="parties">
                <li>
                    <h2>The page</h2>
                    <p>React, with oidc-spa. It holds a key that never leaves this browser.</p>
                </li>
                <li>
                    <h2>The issuer</h2>
                    <p>It knows who you are. It gives the page a token that is bound to the key.</p>
                </li>
                <li>
                    <h2>The API</h2>
                    <p>Guarded by oidc-spa-native. Each call needs the token and a fresh proof of the key.</p>
                </li>
            </ol>
        </section>
    );
}
