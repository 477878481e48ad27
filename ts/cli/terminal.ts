/**
 * What is printed: escaped, then coloured where a terminal shows it.
 *
 * In: texts of others, a stream, the environment. Out: lines. Never: a control character of somebody else, a colour where no
 * terminal is or NO_COLOR is set.
 */

import * as util from "node:util";
import { shown } from "../validator/shown.js";

/** Where something is printed. */
export interface Output {
    write(text: string): unknown;
    readonly isTTY?: boolean | undefined;
    readonly columns?: number | undefined;
}

export type Environment = Readonly<Record<string, string | undefined>>;

type Style = "bold" | "green" | "red" | "yellow" | "gray";

/** Characters that are shown of one text: a message may name several claims. */
const MOST = 2000;

const MOST_OF_A_TOKEN = 64 * 1024;

/** A text of others, on one line, escaped and cut. */
export const safe = (text: string): string => shown(text, MOST);

/** The parts of a page. Every text goes in as it came, and is escaped here. */
export class Page {
    readonly #output: Output;
    readonly #isColoured: boolean;
    readonly #width: number;

    constructor(output: Output, env: Environment) {
        this.#output = output;
        // Node.js has it since 20.12.
        const hasColours = typeof util.styleText === "function";
        this.#isColoured = hasColours && output.isTTY === true && (env["NO_COLOR"] ?? "") === "";
        this.#width = Math.max(60, Math.min(output.columns ?? 100, 140));
    }

    /** A line of its own; without a text, an empty one. */
    line(text = "", style?: Style): void {
        this.#write(this.#paint(safe(text), style));
    }

    /** A line that may be copied: it is not wrapped, and cut only where it is longer than any token. */
    code(line: string): void {
        const indent = /^ */.exec(line)?.[0] ?? "";
        this.#write(`  ${indent}${shown(line.slice(indent.length), MOST_OF_A_TOKEN)}`);
    }

    /** A marked row: what it is about, and in short what was found. */
    row(mark: "✓" | "✗" | "–" | "!", what: string, found = ""): void {
        const style = ({ "✓": "green", "✗": "red", "–": "gray", "!": "yellow" } as const)[mark];
        const column = Math.min(60, Math.floor(this.#width * 0.6));
        const [begin, rest] = [safe(what).padEnd(column), safe(found)];
        const room = Math.max(16, this.#width - column - 5);
        const cut = [...rest].length > room ? `${[...rest].slice(0, room - 1).join("")}…` : rest;
        this.#write(`  ${this.#paint(mark, style)} ${`${begin} ${cut}`.trimEnd()}`);
    }

    /** Something about the row above, wrapped: a label, and what it says. */
    detail(label: string, text: string, column = 9): void {
        const indent = column + 7;
        const [first = "", ...others] = this.#wrapped(safe(text), this.#width - indent);
        this.#write(`      ${this.#paint(safe(label).padEnd(column), "gray")} ${first}`);
        for (const other of others) {
            this.#write(`${" ".repeat(indent)}${other}`);
        }
    }

    #write(line: string): void {
        this.#output.write(`${line}\n`);
    }

    #paint(text: string, style: Style | undefined): string {
        // The stream and NO_COLOR are looked at above: not every version of Node.js does.
        return style !== undefined && this.#isColoured
            ? util.styleText(style, text, { validateStream: false })
            : text;
    }

    #wrapped(text: string, width: number): string[] {
        const lines: string[] = [];
        let line = "";
        for (const word of text.split(" ")) {
            if (line !== "" && line.length + 1 + word.length > width) {
                lines.push(line);
                line = word;
            } else {
                line = line === "" ? word : `${line} ${word}`;
            }
        }
        return [...lines, line];
    }
}

/** A value as JSON, in which a terminal finds nothing to obey. */
export const json = (value: unknown): string =>
    JSON.stringify(value, null, 2).replace(
        /[\u007f-\u009f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]|[\u{e0000}-\u{e007f}]/gu,
        text =>
            text
                .split("")
                .map(unit => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`)
                .join("")
    );

/** A word of a command that a shell reads as it is; `null` where it holds what a person could not see. */
export function quoted(word: string): string | null {
    if (safe(word) !== word || word.length > 500) {
        return null;
    }
    return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}
