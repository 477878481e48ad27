// What is shown in the place of a page: while it loads, when the API refuses, when there is none.

import { Link, type ErrorComponentProps } from "@tanstack/react-router";
import { ApiError } from "../api";
import { useTitle } from "./title";

export function Pending() {
    return (
        <div className="pending" role="status">
            <span className="hidden">Loading</span>
            <i />
            <i />
            <i />
        </div>
    );
}

export function Refused({ error }: ErrorComponentProps) {
    useTitle("Not just now");
    const { status, code } = error instanceof ApiError ? error : { status: 0, code: undefined };
    const isForbidden = status === 403;
    return (
        <section>
            <h1>{isForbidden ? "This is for the support staff" : "This cannot be shown just now"}</h1>
            <p className="lead">
                {isForbidden
                    ? "Your token is good, but it does not hold the role that this view asks for."
                    : status === 0
                      ? "The API, or the issuer, cannot be reached. Try again in a moment."
                      : String(error instanceof Error ? error.message : error)}
            </p>
            {status !== 0 && (
                <p className="note">
                    The API answered <b>{status}</b>
                    {code && (
                        <>
                            {" "}
                            with the code <b>{code}</b>
                        </>
                    )}
                    . The panel shows the whole call.
                </p>
            )}
            <p>
                {status === 0 ? (
                    <button type="button" className="button quiet" onClick={() => window.location.reload()}>
                        Try again
                    </button>
                ) : (
                    <Link to="/todos" className="button quiet">
                        To your list
                    </Link>
                )}
            </p>
        </section>
    );
}

export function Missing() {
    useTitle("Nothing here");
    return (
        <section>
            <h1>There is nothing here</h1>
            <p className="lead">This application has no page at this address.</p>
            <p>
                <Link to="/" className="button quiet">
                    To the start
                </Link>
            </p>
        </section>
    );
}
