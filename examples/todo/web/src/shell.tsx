// What is on every page: the way around, who is signed in, and the panel.

import { Link, Outlet } from "@tanstack/react-router";
import { useOidc } from "./oidc";
import { Panel } from "./panel/panel";

export function Shell() {
    const { isUserLoggedIn, decodedIdToken, logout } = useOidc();
    const name = decodedIdToken?.name ?? decodedIdToken?.sub ?? "";
    return (
        <>
            <a className="skip" href="#content">
                Skip to the content
            </a>
            <header className="bar">
                <div className="bar-inner">
                    <Link to="/" className="brand">
                        <img src="/icon.svg" alt="" width="28" height="28" />
                        Todos
                    </Link>
                    {isUserLoggedIn && (
                        <>
                            <nav aria-label="Pages">
                                <Link to="/todos">List</Link>
                                <Link to="/chat">Chat</Link>
                                <Link to="/support">Support</Link>
                            </nav>
                            <div className="who">
                                <span className="who-name">{name}</span>
                                <button
                                    type="button"
                                    className="button quiet"
                                    onClick={() => void logout({ redirectTo: "home" })}
                                >
                                    Sign out
                                </button>
                            </div>
                        </>
                    )}
                </div>
            </header>
            <div className={isUserLoggedIn ? "columns" : "columns alone"}>
                <main id="content" tabIndex={-1}>
                    <Outlet />
                </main>
                {isUserLoggedIn && <Panel />}
            </div>
        </>
    );
}
