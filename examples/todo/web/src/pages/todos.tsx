// A person's own todos.

import { useRef, useState, type FormEvent } from "react";
import { api, type Todo } from "../api";
import { Cross, Pencil } from "./icons";
import { useTitle } from "./title";

export function Todos({ loaded }: { loaded: readonly Todo[] }) {
    useTitle("List");
    const [todos, setTodos] = useState(loaded);
    const input = useRef<HTMLInputElement>(null);
    const [problem, setProblem] = useState("");

    /** Asks the API, and shows what it answered. */
    const change = async <Answer,>(
        asked: Promise<Answer>,
        show: (todos: readonly Todo[], answer: Answer) => readonly Todo[]
    ) => {
        try {
            const answer = await asked;
            setTodos(todos => show(todos, answer));
            setProblem("");
        } catch (error) {
            setProblem(error instanceof Error ? error.message : String(error));
        }
    };
    const add = (event: FormEvent<HTMLFormElement>) => {
        event.preventDefault();
        const form = event.currentTarget;
        const title = String(new FormData(form).get("title")).trim();
        if (title !== "") {
            form.reset();
            void change(api.create(title), (todos, made) => [...todos, made]);
        }
    };
    const left = todos.filter(({ done }) => !done).length;
    return (
        <section>
            <h1>Your list</h1>
            <p className="lead" role="status">
                {todos.length === 0 ? "Nothing on it yet." : left === 0 ? "All done." : `${left} to do.`}
            </p>
            <form className="adding" onSubmit={add}>
                <label htmlFor="title" className="hidden">
                    What is to be done
                </label>
                <input
                    ref={input}
                    id="title"
                    name="title"
                    placeholder="What is to be done?"
                    maxLength={200}
                    autoComplete="off"
                />
                <button type="submit" className="button">
                    Add
                </button>
            </form>
            {problem && (
                <p className="problem" role="alert">
                    {problem}
                </p>
            )}
            <ul className="list">
                {todos.map(todo => (
                    <Item
                        key={todo.id}
                        todo={todo}
                        update={fields =>
                            change(api.update(todo.id, fields), (todos, changed) =>
                                todos.map(other => (other.id === changed.id ? changed : other))
                            )
                        }
                        remove={() => {
                            input.current?.focus();
                            return change(api.remove(todo.id), todos =>
                                todos.filter(({ id }) => id !== todo.id)
                            );
                        }}
                    />
                ))}
            </ul>
        </section>
    );
}

interface ItemProps {
    readonly todo: Todo;
    update(fields: { title?: string; done?: boolean }): Promise<void>;
    remove(): Promise<void>;
}

function Item({ todo: { id, title, done }, update, remove }: ItemProps) {
    const [isEditing, setEditing] = useState(false);
    // Shown at once; the API's answer takes its place.
    const [pending, setPending] = useState<boolean>();
    const pencil = useRef<HTMLButtonElement>(null);

    const endEditing = () => {
        setEditing(false);
        requestAnimationFrame(() => pencil.current?.focus());
    };
    const rename = (event: FormEvent<HTMLFormElement>) => {
        event.preventDefault();
        const changed = String(new FormData(event.currentTarget).get("title")).trim();
        void (changed === "" || changed === title ? undefined : update({ title: changed }));
        endEditing();
    };
    if (isEditing) {
        return (
            <li className="item">
                <form className="renaming" onSubmit={rename}>
                    <input
                        name="title"
                        aria-label={`New title of ${title}`}
                        defaultValue={title}
                        maxLength={200}
                        // biome-ignore lint/a11y/noAutofocus: who pressed the pencil wants to write.
                        autoFocus
                        onKeyDown={event => event.key === "Escape" && endEditing()}
                    />
                    <button type="submit" className="button">
                        Save
                    </button>
                </form>
            </li>
        );
    }
    const toggle = async () => {
        setPending(!done);
        await update({ done: !done });
        setPending(undefined);
    };
    return (
        <li className="item">
            <input type="checkbox" id={id} checked={pending ?? done} onChange={() => void toggle()} />
            <label htmlFor={id}>{title}</label>
            <button
                ref={pencil}
                type="button"
                className="icon"
                aria-label={`Rename ${title}`}
                onClick={() => setEditing(true)}
            >
                <Pencil />
            </button>
            <button
                type="button"
                className="icon"
                aria-label={`Delete ${title}`}
                onClick={() => void remove()}
            >
                <Cross />
            </button>
        </li>
    );
}
