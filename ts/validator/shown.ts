/**
 * Makes text from elsewhere a part of a message: the report of a schema, the error of a predicate, the answer of a
 * store.
 *
 * In: any text, any thrown value. Out: one line, escaped and cut. Never: work that grows faster than the shown text, an
 * exception for a thrown value.
 */

/** Greatest number of shown characters of one text. */
const MAX_SHOWN = 300;

/** Greatest number of shown characters of a report, which may name several claims. */
export const MAX_REPORT = 1000;

/**
 * As `Shown` of the addon: control characters, invisible characters, those that change the direction of text, and half
 * characters.
 */
const TO_ESCAPE =
    /[\p{Cc}\p{Cs}\u{ad}\u{61c}\u{180e}\u{200b}-\u{200f}\u{2028}-\u{202e}\u{2060}-\u{206f}\u{feff}\u{fff9}-\u{fffb}\u{e0000}-\u{e007f}]/u;

/** The text on one line. The rest of a much longer text is not read. */
export function shown(text: string, most = MAX_SHOWN): string {
    // White space is at most one character of the line, or as many as it was: this much is enough of most texts.
    const read = text.slice(0, most * 8);
    let line = "";
    let count = 0;
    for (const c of read.replace(/\s+/g, run => (/[\r\n]/.test(run) ? " " : run))) {
        if (count === most) {
            return `${line}…`;
        }
        line += TO_ESCAPE.test(c) ? `\\u{${(c.codePointAt(0) as number).toString(16)}}` : c;
        count++;
    }
    return read.length < text.length ? `${line}…` : line;
}

/**
 * The message of a thrown value, unescaped; `otherwise` if it has none. Errors of another realm are not this one's
 * `Error`.
 */
export function messageOf(thrown: unknown, otherwise = "something that is not an Error"): string {
    try {
        const message: unknown =
            typeof thrown === "object" && thrown !== null && "message" in thrown ? thrown.message : thrown;
        return typeof message === "string" ? message : otherwise;
    } catch {
        return otherwise; // a getter that throws
    }
}
