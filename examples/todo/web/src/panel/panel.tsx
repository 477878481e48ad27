// The panel: lessons to try, and every call of the API as it went over the wire.

import { useSyncExternalStore } from "react";
import { settings } from "../settings";
import { wire } from "../wire";
import { CallEntry } from "./call-entry";
import { LessonCard } from "./lesson-card";
import { LESSONS } from "./lessons";
import { Outage } from "./outage";

export function Panel() {
    const calls = useSyncExternalStore(wire.subscribe, wire.calls);
    return (
        <aside className="panel" aria-label="What goes over the wire">
            <section aria-labelledby="lessons">
                <h2 id="lessons">Try to get in</h2>
                <p className="panel-lead">Each says what should happen, does it, and shows what did.</p>
                <div className="lessons">
                    {LESSONS.map(lesson => (
                        <LessonCard
                            key={lesson.id}
                            lesson={lesson}
                            isPossible={!lesson.needsBackstage || settings.hasBackstage}
                        />
                    ))}
                </div>
                <Outage />
            </section>
            <section aria-labelledby="calls">
                <div className="panel-head">
                    <h2 id="calls">Calls of the API</h2>
                    <button type="button" className="button quiet small" onClick={wire.clear}>
                        Clear
                    </button>
                </div>
                <p className="panel-lead">The latest first. Open one to see both sides of it.</p>
                <ol className="calls">
                    {calls.map(call => (
                        <CallEntry key={call.id} call={call} />
                    ))}
                    {calls.length === 0 && <li className="nothing">No call yet.</li>}
                </ol>
            </section>
        </aside>
    );
}
