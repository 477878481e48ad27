// What must hold after a run, and the same in words.

import { allowed } from "./policy.mjs";

/** Every criterion, with what was found. */
export function findings(run, policy) {
    const { clients, attackers } = run;
    const asked = requestsByPhase(run, policy);
    const tooOften = asked.flatMap(phase => phase.tooOften);
    const count = total => Object.values(total.refused).reduce((sum, n) => sum + n, 0);
    const signs = run.rotations.filter(({ what }) => what === "signs").length;
    return [
        {
            what: "no good request is refused",
            ok: clients.asked > 0 && count(clients) === 0 && clients.granted === clients.asked,
            found: `${clients.granted} of ${clients.asked} granted`
        },
        {
            what: "no attacker is let in",
            ok: attackers.asked > 0 && attackers.granted === 0,
            found: `${count(attackers)} of ${attackers.asked} refused`
        },
        {
            what: "the issuer is asked no more often than the policy allows",
            ok: tooOften.length === 0,
            found: tooOften.length === 0 ? totalsOf(asked) : tooOften.join("; ")
        },
        {
            what: "the issuer rotated its key",
            ok: signs > 0,
            found: `${signs} new keys took over, ${run.rotationsSkipped} rotations skipped`
        }
    ];
}

/** Of each phase: what the issuer was asked, and what it might have been asked at most. */
function requestsByPhase(run, policy) {
    return run.states.map(phase => {
        const requests = run.issuerRequests.filter(({ at }) => phase.from <= at && at < phase.to);
        const times = document => requests.filter(request => request.document === document).length;
        const most = allowed(phase, policy);
        const metadata = Math.max(times("metadata"), times("metadata (RFC 8414)"));
        const jwkSet = times("JWK Set");
        const seconds = [phase.from, phase.to].map(at => Math.round(at / 1000));
        const tooOften = [];
        if (jwkSet > most.jwkSet) {
            tooOften.push(
                `${seconds.join(" to ")} s (${phase.title}): JWK Set ${jwkSet} times, ${most.jwkSet} allowed`
            );
        }
        if (metadata > most.metadata) {
            tooOften.push(
                `${seconds.join(" to ")} s (${phase.title}): metadata ${metadata} times, ${most.metadata} allowed`
            );
        }
        return { phase, seconds, metadata, jwkSet, most, tooOften };
    });
}

function totalsOf(asked) {
    const sum = read => asked.reduce((total, phase) => total + read(phase), 0);
    return (
        `JWK Set ${sum(({ jwkSet }) => jwkSet)} times of ${sum(({ most }) => most.jwkSet)}, ` +
        `metadata ${sum(({ metadata }) => metadata)} times of ${sum(({ most }) => most.metadata)}`
    );
}

/** One line for each state of the issuer: what it was asked, and how the bound is reckoned. */
export function phaseTable(run) {
    const policy = { ageMs: run.options.ageSeconds * 1000, cooldownMs: run.options.cooldownSeconds * 1000 };
    const rows = requestsByPhase(run, policy).map(({ phase, seconds, metadata, jwkSet, most }) => [
        `${seconds[0]} to ${seconds[1]} s`,
        phase.title,
        `${jwkSet} of ${most.jwkSet}`,
        `${metadata} of ${most.metadata}`,
        most.why
    ]);
    const table = [["time", "issuer", "JWK Set", "metadata", "allowed for the JWK Set"], ...rows];
    const widths = table[0].map((_, i) => Math.max(...table.map(row => row[i].length)));
    return table
        .map(row =>
            row
                .map((cell, i) => cell.padEnd(widths[i]))
                .join("  ")
                .trimEnd()
        )
        .join("\n");
}

export function summary(run) {
    const { clients, attackers } = run;
    const codes = Object.entries(attackers.refused).map(([code, times]) => `${code} ${times}`);
    const { median, p99, most } = clients.latencyMs;
    return [
        ...run.findings.map(({ ok, what, found }) => `${ok ? "✓" : "✗"} ${what}: ${found}`),
        ...clients.refusals.map(
            ({ at, code, message }) => `    ${(at / 1000).toFixed(1)} s ${code}: ${message}`
        ),
        `  attackers were told: ${codes.join(", ")}`,
        `  good requests took ${median} ms (median), ${p99} ms (p99), ${most} ms (most)`
    ].join("\n");
}
