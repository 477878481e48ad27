// One lesson: what it is about, what should happen, the button, and what did happen.

import { useState } from "react";
import type { Lesson, Outcome } from "./lessons";

type State = "idle" | "running" | Outcome;

export function LessonCard({ lesson, isPossible }: { lesson: Lesson; isPossible: boolean }) {
    const { id, title, before, expected, button, pause = 0, run } = lesson;
    const [state, setState] = useState<State>("idle");
    const [isResting, setResting] = useState(false);

    const start = async () => {
        setState("running");
        try {
            setState(await run());
        } catch (error) {
            setState({ asExpected: false, says: `It could not be tried: ${String(error)}.` });
        }
        if (pause > 0) {
            setResting(true);
            setTimeout(() => setResting(false), pause * 1000);
        }
    };
    const isBusy = state === "running" || isResting;
    return (
        <details className="lesson" data-lesson={id} name="lesson">
            <summary>
                <span>{title}</span>
                {typeof state === "object" && <Mark outcome={state} />}
            </summary>
            <div className="lesson-body">
                <p>{before}</p>
                <p className="should">
                    <b>Expected</b> {expected}
                </p>
                <button
                    type="button"
                    className="button small"
                    // Not `disabled`: a button that is loses the focus, and whoever has no mouse their place.
                    aria-disabled={isBusy || !isPossible}
                    onClick={() => void (isBusy || !isPossible || start())}
                >
                    {state === "running" ? "Trying …" : isResting ? "Resting for 30 seconds" : button}
                </button>
                {!isPossible && <p className="panel-lead">Your issuer does not do this for a page.</p>}
                <div role="status">
                    {typeof state === "object" && (
                        <p className={state.asExpected ? "came good" : "came bad"}>
                            <b>What came</b> {state.says}
                        </p>
                    )}
                </div>
            </div>
        </details>
    );
}

const Mark = ({ outcome: { asExpected } }: { outcome: Outcome }) => (
    <span className={asExpected ? "mark good" : "mark bad"}>
        {asExpected ? "As expected" : "Not as expected"}
    </span>
);
