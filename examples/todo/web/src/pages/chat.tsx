// The chat. Its socket ends with the access token; the page gets a new token, and comes again.

import { useEffect, useRef, useState, type FormEvent } from "react";
import { useOidc } from "../oidc";
import { openChat, type ChatState, type Word } from "./chat-socket";
import { useTitle } from "./title";

const TIME = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit" });

export function Chat() {
    useTitle("Chat");
    const { decodedIdToken } = useOidc({ assert: "user logged in" });
    const [words, setWords] = useState<readonly Word[]>([]);
    const [state, setState] = useState<ChatState>({ isOpen: false, says: "Connecting." });
    const chat = useRef<ReturnType<typeof openChat>>(undefined);
    const end = useRef<HTMLLIElement>(null);

    useEffect(() => {
        const opened = openChat({
            onWords: heard =>
                setWords(known => [
                    ...known,
                    ...heard.filter(({ id }) => known.every(word => word.id !== id))
                ]),
            onState: setState
        });
        chat.current = opened;
        return () => opened.close();
    }, []);
    // biome-ignore lint/correctness/useExhaustiveDependencies: a new word is what it waits for.
    useEffect(() => {
        end.current?.scrollIntoView({ block: "nearest" });
    }, [words]);

    const say = (event: FormEvent<HTMLFormElement>) => {
        event.preventDefault();
        const text = String(new FormData(event.currentTarget).get("text")).trim();
        if (text !== "" && chat.current?.say(text)) {
            event.currentTarget.reset();
        }
    };
    return (
        <section>
            <h1>Chat</h1>
            <p className={state.isOpen ? "lead" : "lead waiting"} role="status">
                {state.says}
            </p>
            {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by the keyboard. */}
            <ol className="words" aria-label="What was said" aria-live="polite" tabIndex={0}>
                {words.map(({ id, author, text, at }) => (
                    <li key={id} className={author === decodedIdToken.name ? "word own" : "word"}>
                        <span className="word-head">
                            {author} <time dateTime={at}>{TIME.format(new Date(at))}</time>
                        </span>
                        <span className="word-text">{text}</span>
                    </li>
                ))}
                {words.length === 0 && <li className="nothing">Nobody has said anything yet.</li>}
                <li ref={end} aria-hidden="true" className="words-end" />
            </ol>
            <form className="adding" onSubmit={say}>
                <label htmlFor="text" className="hidden">
                    What you say
                </label>
                <input id="text" name="text" placeholder="Say something" maxLength={500} autoComplete="off" />
                <button type="submit" className="button" disabled={!state.isOpen}>
                    Send
                </button>
            </form>
        </section>
    );
}
