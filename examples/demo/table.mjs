// The rows as a table that a person can read, each printed as soon as it is known.

const WIDTH = Math.min(Math.max(process.stdout.columns ?? 120, 80), 160);
const COLUMNS = [39, 38, 38];
const shownAlgs = new Set();

export function printTableHead() {
    console.log(line("  ", "What was sent", "Expected", "Answered"));
    console.log("─".repeat(WIDTH));
}

export function printRow({ sent, expected, answered, isAsExpected }) {
    console.log(line(isAsExpected ? "✓ " : "✗ ", sent, summary(expected), summary(answered)));
    if (answered.challenge) {
        for (const challenge of wrap(`WWW-Authenticate: ${shortened(answered.challenge)}`, WIDTH - 6)) {
            console.log(`      ${challenge}`);
        }
    }
    if (!expected.challenge.test(answered.challenge)) {
        console.log(`      expected a challenge like ${expected.challenge}`);
    }
}

function summary({ status, outcome, refreshes }) {
    return `${status} ${outcome}${refreshes === undefined ? "" : `, ${refreshes} refetch`}`;
}

function line(mark, ...cells) {
    return (mark + cells.map((cell, index) => cell.padEnd(COLUMNS[index])).join(" ")).trimEnd();
}

/** The list of algorithms is long and always the same: it is shown whole once. */
function shortened(challenge) {
    return challenge.replace(/algs="(\S+) [^"]* (\S+)"/, (algs, first, last) => {
        if (!shownAlgs.has(algs)) {
            shownAlgs.add(algs);
            return algs;
        }
        return `algs="${first} … ${last}"`;
    });
}

function wrap(text, width) {
    const lines = [];
    for (const word of text.split(" ").filter(Boolean)) {
        if (lines.length > 0 && lines.at(-1).length + 1 + word.length <= width) {
            lines[lines.length - 1] += ` ${word}`;
        } else {
            lines.push(word);
        }
    }
    return lines;
}
