// Everybody's todos, for the support staff. The API decides who that is.

import type { TodoOfSomebody } from "../api";
import { useTitle } from "./title";

export function Support({ todos }: { todos: readonly TodoOfSomebody[] }) {
    useTitle("Support");
    const byOwner = Object.entries(Object.groupBy(todos, ({ owner }) => owner));
    return (
        <section>
            <h1>Everybody's lists</h1>
            <p className="lead">You see them since your token holds the role of the support staff.</p>
            {byOwner.map(([owner, theirs = []]) => (
                <section key={owner} className="owner">
                    <h2>{owner}</h2>
                    <ul className="list">
                        {theirs.map(({ id, title, done }) => (
                            <li key={id} className="item reading">
                                <span className={done ? "done" : ""}>{title}</span>
                                <span className="tag">{done ? "Done" : "To do"}</span>
                            </li>
                        ))}
                    </ul>
                </section>
            ))}
        </section>
    );
}
