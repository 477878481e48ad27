// The checks that the API made of a call, in its order: `validator.explain`, which the API asks in development alone.

import type { Check } from "../wire";

export function Checks({ checks }: { checks: readonly Check[] }) {
    const failed = checks.filter(({ outcome }) => outcome === "failed");
    const count = (wanted: Check["outcome"]) => checks.filter(({ outcome }) => outcome === wanted).length;
    return (
        <>
            <h3>Checked</h3>
            <List checks={failed} />
            <details className="all-checks">
                <summary>
                    All {checks.length} checks: {count("passed")} passed, {count("failed")} failed,{" "}
                    {count("skipped")} skipped
                </summary>
                <List checks={checks} />
            </details>
        </>
    );
}

const List = ({ checks }: { checks: readonly Check[] }) => (
    <ol className="checks">
        {checks.map(({ id, title, outcome, clause, expected, found }) => (
            <li key={id}>
                <span className={`mark ${KINDS[outcome]}`}>{outcome}</span>
                <div>
                    <p>{title}</p>
                    {clause && <p className="clause">{clause}</p>}
                    {expected !== null && (
                        <p>
                            <b>Expected</b> {expected}
                        </p>
                    )}
                    {found !== null && (
                        <p>
                            <b>Found</b> {found}
                        </p>
                    )}
                </div>
            </li>
        ))}
    </ol>
);

const KINDS = { passed: "good", failed: "bad", skipped: "waiting" } as const;
