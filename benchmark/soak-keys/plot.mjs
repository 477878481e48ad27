// The run as a picture: the issuer's states as bands, the two streams, what the issuer was asked.

const WIDTH = 1280;
const LEFT = 136;
const RIGHT = 24;
const BAND_TOP = 92;
const BAND_LABELS = 136;
/** From the bands' beginning to the first panel: its title stands there. */
const TITLE_LINE = 34;
const PANEL_GAP = 46;
const INNER = WIDTH - LEFT - RIGHT;

const INK = "#1f2933";
const QUIET_INK = "#616e7c";
const GRID = "#e4e7eb";
const GRANTED = "#2f9e63";
const REFUSED_GOOD = "#d6336c";
const CODE_COLOURS = {
    key_unknown: "#e8a33d",
    signature_invalid: "#b35c1e",
    keys_unavailable: "#7048a8",
    thrown: "#000000"
};
const OTHER_CODE = "#868e96";
const STATE_COLOURS = {
    good: "#ffffff",
    unavailable: "#fde9c9",
    error: "#fbd9d3",
    html: "#e6e0f5",
    empty: "#d9ecf7",
    garbage: "#e9e4d8",
    silent: "#dfe3e8",
    down: "#f5c6cb"
};
const ANSWERS = {
    keys: { title: "answered", colour: "#1971c2" },
    unchanged: { title: "304, unchanged", colour: "#66a9e0" },
    bad: { title: "answered badly or not at all", colour: "#c92a2a" }
};

const KEYS_COLOURS = { none: "#adb5bd", fresh: "#2f9e63", stale: "#c77f14", expired: "#d6336c" };

/** The picture, as the text of an SVG. */
export function plot(run) {
    const panels = [clientsPanel(run), attackersPanel(run), issuerPanel(run)];
    let top = BAND_TOP + BAND_LABELS;
    const placed = panels.map(panel => {
        const at = { ...panel, top };
        top += panel.height + PANEL_GAP;
        return at;
    });
    const bottom = placed.at(-1).top + placed.at(-1).height;
    const height = bottom + 64;
    const x = milliseconds => LEFT + (INNER * milliseconds) / (run.seconds * 1000);
    const parts = [
        `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" ` +
            `font-family="Helvetica, Arial, 'Liberation Sans', 'DejaVu Sans', sans-serif" font-size="13" fill="${INK}">`,
        `<rect width="${WIDTH}" height="${height}" fill="#ffffff"/>`,
        heading(run),
        bands(run, x, bottom),
        ...placed.map(panel => drawPanel(panel, x)),
        keyLines(run, x, placed.at(-1)),
        timeAxis(run, x, bottom),
        "</svg>"
    ];
    return `${parts.join("\n")}\n`;
}

function heading(run) {
    const allOk = run.findings.every(({ ok }) => ok);
    const { clients, attackers, options } = run;
    const asked = run.findings.find(({ what }) => what.startsWith("the issuer is asked")).found;
    const lines = [
        `${grouped(clients.granted)} of ${grouped(clients.asked)} good requests granted; ` +
            `${grouped(attackers.asked - attackers.granted)} of ${grouped(attackers.asked)} attacks refused.`,
        `The issuer was asked for its ${asked} allowed. Keys age ${options.ageSeconds} s, cool-down ${options.cooldownSeconds} s.`
    ];
    return [
        text(LEFT, 32, "Signing keys through rotations, failures and a flood of unknown keys", {
            size: 20,
            weight: 600
        }),
        ...lines.map((line, i) => text(LEFT, 56 + 20 * i, line, { size: 14, colour: QUIET_INK })),
        text(WIDTH - RIGHT, 32, allOk ? "passed" : "FAILED", {
            size: 18,
            weight: 600,
            anchor: "end",
            colour: allOk ? GRANTED : REFUSED_GOOD
        })
    ].join("\n");
}

/** The issuer's states, behind everything, with their names above. */
function bands(run, x, bottom) {
    return run.states
        .map(({ state, title, from, to }) => {
            const [left, right] = [x(from), x(to)];
            const middle = (left + right) / 2;
            const top = BAND_TOP + BAND_LABELS - TITLE_LINE;
            const label =
                state === "good"
                    ? text(middle, top - 8, "up", { anchor: "middle", colour: QUIET_INK, size: 12 })
                    : `<text x="0" y="0" transform="translate(${n(middle + 4)} ${n(top - 6)}) rotate(-60)">${escape(title)}</text>`;
            return (
                `<rect x="${n(left)}" y="${top}" width="${n(right - left)}" height="${n(bottom - top)}" ` +
                `fill="${STATE_COLOURS[state]}"/>${label}`
            );
        })
        .join("\n");
}

function clientsPanel(run) {
    const seconds = whole(run.perSecond.clients, run);
    const most = Math.max(run.options.rate, ...seconds.map(({ asked }) => asked));
    const refusals = seconds.map(({ asked, granted }) => asked - granted);
    const read = name => seconds.map(second => second[name]);
    return {
        title: "Good requests per second",
        height: 150,
        most,
        legend: [
            { title: "granted", colour: GRANTED },
            { title: `refused (${refusals.reduce((a, b) => a + b, 0)})`, colour: REFUSED_GOOD }
        ],
        draw: (x, y) =>
            [
                area(
                    read("granted"),
                    seconds.map(() => 0),
                    x,
                    y,
                    GRANTED,
                    0.55
                ),
                line(read("asked"), x, y, INK, 0.8),
                ...refusals.flatMap((count, second) =>
                    count > 0
                        ? [
                              `<circle cx="${n(x((second + 0.5) * 1000))}" cy="${n(y(count))}" r="4" fill="${REFUSED_GOOD}"/>`
                          ]
                        : []
                )
            ].join("\n")
    };
}

function attackersPanel(run) {
    const seconds = whole(run.perSecond.attackers, run);
    const codes = Object.keys(run.attackers.refused).sort(
        (a, b) => run.attackers.refused[b] - run.attackers.refused[a]
    );
    const most = Math.max(run.options.attackRate, ...seconds.map(({ asked }) => asked));
    return {
        title: "Attacks refused per second",
        height: 120,
        most,
        legend: codes.map(code => ({ title: code, colour: CODE_COLOURS[code] ?? OTHER_CODE })),
        draw(x, y) {
            let below = seconds.map(() => 0);
            return codes
                .map(code => {
                    const above = seconds.map(({ refused }, i) => below[i] + (refused[code] ?? 0));
                    const drawn = area(above, below, x, y, CODE_COLOURS[code] ?? OTHER_CODE, 0.85);
                    below = above;
                    return drawn;
                })
                .join("\n");
        }
    };
}

function issuerPanel(run) {
    const rows = ["JWK Set", "metadata", "metadata (RFC 8414)"];
    const failures = run.events.filter(({ type }) => type === "failed");
    const titles = ["JWK Set", "OpenID metadata", "RFC 8414 metadata"];
    if (failures.length > 0) {
        titles.push("told as failed");
    }
    const rowHeight = 30;
    return {
        title: "What the issuer was asked",
        height: rowHeight * (titles.length + 2),
        legend: [
            ...Object.values(ANSWERS),
            ...(failures.length > 0 ? [{ title: "failed attempt", colour: INK }] : [])
        ],
        draw(x, _, top) {
            const middle = row => top + rowHeight * (row + 0.5);
            const marks = run.issuerRequests.flatMap(({ at, document, state, answer }) => {
                const row = rows.indexOf(document);
                return row === -1
                    ? []
                    : [tick(x(at), middle(row), ANSWERS[kindOf(state, document, answer)].colour)];
            });
            const told = failures.map(({ at }) => tick(x(at), middle(3), INK));
            const labels = [...titles, "signing key", "keys at hand"].map((title, row) =>
                text(LEFT - 8, middle(row) + 4, title, { anchor: "end", size: 11, colour: QUIET_INK })
            );
            return [...labels, ...marks, ...told].join("\n");
        },
        keyRow: titles.length,
        rowHeight
    };
}

function kindOf(state, document, answer) {
    const isBadSet = document === "JWK Set" && ["empty", "garbage"].includes(state);
    if (isBadSet || state === "html" || !["200", "304"].includes(answer)) {
        return "bad";
    }
    return answer === "304" ? "unchanged" : "keys";
}

/** Which key signs, when keys were published and withdrawn, and how old the validator's keys are. */
function keyLines(run, x, panel) {
    const middle = panel.top + panel.rowHeight * (panel.keyRow + 0.5);
    const held = run.keysStates.map(({ at, state }, i) => {
        const end = run.keysStates[i + 1]?.at ?? run.seconds * 1000;
        return bar(x(at), x(end), middle + panel.rowHeight, state, KEYS_COLOURS[state]);
    });
    const switches = run.rotations.filter(({ what }) => what === "signs").map(({ at }) => at);
    const ends = [...switches, run.seconds * 1000];
    const spans = [0, ...switches].map((from, i) =>
        bar(x(from), x(ends[i]), middle, `key ${i + 1}`, i % 2 === 0 ? "#495867" : "#7b8a99")
    );
    const marks = run.rotations
        .filter(({ what }) => what !== "signs")
        .map(({ at, what }) => {
            const up = what === "published";
            const [tip, base] = up ? [middle - 10, middle - 17] : [middle + 10, middle + 17];
            const colour = up ? GRANTED : REFUSED_GOOD;
            return `<path d="M${n(x(at))} ${n(tip)} l-4 ${n(base - tip)} h8 z" fill="${colour}"/>`;
        });
    return [...held, ...spans, ...marks].join("\n");
}

/** A span of time with its name in it, if there is room. */
function bar(left, right, middle, name, colour) {
    const width = right - left;
    const label = text((left + right) / 2, middle + 4, name, {
        anchor: "middle",
        size: 11,
        colour: "#ffffff"
    });
    return (
        `<rect x="${n(left + 1)}" y="${n(middle - 9)}" width="${n(Math.max(width - 2, 1))}" height="18" rx="3" ` +
        `fill="${colour}"/>${width > name.length * 8 ? label : ""}`
    );
}

function drawPanel(panel, x) {
    const { top, height, most } = panel;
    const scale = most === undefined ? undefined : axis(most);
    const y = value => top + height - (height * value) / (scale?.end ?? 1);
    const frame = `<rect x="${LEFT}" y="${top}" width="${INNER}" height="${height}" fill="none" stroke="${QUIET_INK}" stroke-width="0.8"/>`;
    const ruler = (scale?.ticks ?? []).map(
        value =>
            `<line x1="${LEFT}" x2="${WIDTH - RIGHT}" y1="${n(y(value))}" y2="${n(y(value))}" stroke="${GRID}" stroke-width="0.8"/>` +
            text(LEFT - 8, y(value) + 4, String(value), { anchor: "end", size: 12, colour: QUIET_INK })
    );
    return [
        text(LEFT, top - 10, panel.title, { weight: 600, size: 14 }),
        legend(panel, top - 10),
        ...ruler,
        panel.draw(x, y, top),
        frame
    ].join("\n");
}

/** From right to left, so that it ends where the panel ends. */
function legend(panel, baseline) {
    const entries = [...panel.legend];
    if (panel.keyRow !== undefined) {
        entries.push(
            { title: "key published", colour: GRANTED, shape: "down" },
            { title: "withdrawn", colour: REFUSED_GOOD, shape: "up" }
        );
    }
    let right = WIDTH - RIGHT;
    return entries
        .reverse()
        .map(({ title, colour, shape }) => {
            // No font is at hand to measure with: about as wide as letters are.
            const left = right - title.length * 6.9;
            const symbol =
                shape === undefined
                    ? `<rect x="${n(left - 15)}" y="${baseline - 10}" width="11" height="11" rx="2" fill="${colour}"/>`
                    : `<path d="M${n(left - 9)} ${shape === "down" ? baseline : baseline - 9} l-5 ${shape === "down" ? -8 : 8} h10 z" fill="${colour}"/>`;
            right = left - 32;
            return symbol + text(left, baseline, title, { size: 12, colour: QUIET_INK });
        })
        .join("\n");
}

function timeAxis(run, x, bottom) {
    const step =
        [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 3600].find(step => run.seconds / step <= 14) ?? 7200;
    const marks = [];
    for (let second = 0; second <= run.seconds; second += step) {
        const label = step % 60 === 0 ? `${second / 60} min` : `${second} s`;
        marks.push(
            `<line x1="${n(x(second * 1000))}" x2="${n(x(second * 1000))}" y1="${bottom}" y2="${bottom + 6}" stroke="${QUIET_INK}"/>`,
            text(x(second * 1000), bottom + 22, label, { anchor: "middle", size: 12, colour: QUIET_INK })
        );
    }
    const [from, to] = run.quiet.map(x);
    marks.push(
        `<path d="M${n(from)} ${bottom + 36} v6 h${n(to - from)} v-6" fill="none" stroke="${QUIET_INK}"/>`,
        text(
            (from + to) / 2,
            bottom + 57,
            "no attackers: only scheduled refreshes, and one emergency rotation",
            {
                anchor: "middle",
                size: 12,
                colour: QUIET_INK
            }
        )
    );
    return marks.join("\n");
}

function grouped(count) {
    return count.toLocaleString("en-GB");
}

/** Seconds that passed as a whole; the last one may be a part. */
function whole(seconds, run) {
    return seconds.slice(0, Math.floor(run.seconds));
}

/** Steps, one a second: what happened between two seconds is not known. */
function area(above, below, x, y, colour, opacity) {
    const steps = values =>
        values.flatMap((value, i) => [i, i + 1].map(at => `${n(x(at * 1000))} ${n(y(value))}`));
    return `<path d="M${steps(above).join("L")}L${steps(below).reverse().join("L")}Z" fill="${colour}" fill-opacity="${opacity}"/>`;
}

function line(values, x, y, colour, width) {
    const points = values.map((value, i) => `${n(x((i + 0.5) * 1000))} ${n(y(value))}`);
    return `<path d="M${points.join("L")}" fill="none" stroke="${colour}" stroke-width="${width}"/>`;
}

function tick(at, middle, colour) {
    return `<line x1="${n(at)}" x2="${n(at)}" y1="${n(middle - 10)}" y2="${n(middle + 10)}" stroke="${colour}" stroke-width="1.6"/>`;
}

function axis(most) {
    const step = [1, 2, 5, 10, 20, 25, 50, 100, 200, 500, 1000].find(step => most / step <= 5) ?? 2000;
    const end = Math.ceil((most * 1.05) / step) * step;
    const ticks = [];
    for (let value = 0; value <= end; value += step) {
        ticks.push(value);
    }
    return { end, ticks };
}

function text(x, y, content, { size = 13, weight = 400, anchor = "start", colour = INK } = {}) {
    return (
        `<text x="${n(x)}" y="${n(y)}" font-size="${size}" font-weight="${weight}" text-anchor="${anchor}" ` +
        `fill="${colour}">${escape(content)}</text>`
    );
}

function escape(content) {
    return content.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}

function n(value) {
    return Number(value.toFixed(1));
}
