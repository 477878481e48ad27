// docs/conformance.md: each requirement, its level, the verdict, and the vectors or the test that show it.

import { existsSync, readFileSync } from "node:fs";
import { REQUIREMENTS, TESTS } from "./requirements.mjs";

const IDENTIFIER = /(?<![\w+.-])(?:[A-R]\d\d|B\d{1,2}\.\d{1,2})(?![\w.]*\w)/g;

/** Identifiers that a source cites: as they are, or in the name of a Rust test (`b2_24_b3_9_without_credentials`). */
export function citedIn(source) {
    const names = [...source.matchAll(/\bfn (\w+)/g)].map(([, name]) => name);
    const inNames = names.flatMap(name =>
        [...name.matchAll(/(?<=^|_)(?:(b\d{1,2})_(\d{1,2})(?=_)|([a-r]\d\d)(?=_))/g)].map(([, b, n, id]) =>
            id === undefined ? `${b.toUpperCase()}.${n}` : id.toUpperCase()
        )
    );
    return new Set([...(source.match(IDENTIFIER) ?? []), ...inNames]);
}

/** The test of a requirement, where there is one and it cites the requirement. */
function testOf(id, ids) {
    const path = TESTS[id];
    const file = path === undefined ? undefined : new URL(`../../${path}`, import.meta.url);
    const cited = file === undefined || !existsSync(file) ? new Set() : citedIn(readFileSync(file, "utf8"));
    return ids.some(id => cited.has(id)) ? path : undefined;
}

/** Each requirement with what shows it. @param {Map<string, string>} files of `makeVectors` */
export function evidence(files) {
    const vectors = [...files].flatMap(([path, text]) =>
        (JSON.parse(text).vectors ?? []).map(({ requirements }) => ({ path, requirements }))
    );
    return REQUIREMENTS.map(requirement => {
        const ids = [requirement.id, ...requirement.see];
        const shows = vectors.filter(({ requirements }) => ids.some(id => requirements.includes(id)));
        return { ...requirement, vectors: shows.map(({ path }) => path), test: testOf(requirement.id, ids) };
    });
}

function shownBy({ vectors, test }) {
    if (vectors.length === 0) {
        return test === undefined ? "" : `\`${test}\``;
    }
    const paths = [...new Set(vectors)].map(path => `\`${path}\``);
    return `${vectors.length} of ${paths.join(", ")}`;
}

/** The page. @param {Map<string, string>} files of `makeVectors` */
export function conformancePage(files) {
    const rows = evidence(files).map(requirement => {
        const { id, level, text, clause, verdict } = requirement;
        return `| ${id} | ${level} | ${text} | ${clause} | ${verdict} | ${shownBy(requirement)} |`;
    });
    return `# Conformance

What standards ask of a resource server, in our own words, and what shows that it is held: vectors, each a request with the verdict that it must get, or a test where no single request shows it (fetching keys, responses, memories). The folder \`vectors/\` of the repository has the vectors, in a format that programs in other languages can read. They run through the Rust API, \`createValidator\`, \`explain\` and the drop-in.

\`npm run vectors\` writes this page. A test fails where a requirement has nothing that shows it, and where the page is not what the command writes.

A level is the standard's own: must, should, may. "own" is a rule of this library where the standard leaves the choice. Encryption, introspection and status lists are not offered.

| requirement | level | what | clause | verdict | shown by |
| --- | --- | --- | --- | --- | --- |
${rows.join("\n")}
`;
}
