// docs/audits.md, from the reports of the audits. It has counts by class: which request is which is for the operators of a
// server, who run the command.

import { versionOf } from "./servers.mjs";

const CLASSES = {
    "algorithm-confusion": "algorithms",
    "signature-verification": "signatures",
    "claim-validation": "claims",
    "token-type-confusion": "other kinds of JWT",
    "header-members": "header",
    "json-ambiguity": "JSON",
    encoding: "encoding",
    "credential-extraction": "credentials",
    "binding-downgrade": "bound tokens",
    "proof-validation": "proofs",
    "target-confusion": "method and URI"
};

const row = cells => `| ${cells.join(" | ")} |`;
const table = (head, rows) => [row(head), row(head.map(() => "---")), ...rows.map(row)].join("\n");

const count = (results, ...outcomes) => results.filter(({ outcome }) => outcomes.includes(outcome)).length;
const of = (results, level) => results.filter(result => result.level === level);

/** Right verdicts of those that were given. */
function share(results) {
    const tested = results.length - count(results, "untested", "crashed");
    return tested === 0 ? "–" : `${count(results, "passed")}/${tested}`;
}

export function auditsPage(audits) {
    const totals = audits.map(({ server, report: { results, schemes, answers } }) => [
        server.name,
        schemes.join(", "),
        share(of(results, "must")),
        share(of(results, "should")),
        String(count(results, "crashed")),
        answers.length === 0 ? "–" : answers.map(({ name }) => name).join("; ")
    ]);
    const classes = Object.keys(CLASSES);
    const byClass = audits.map(({ server, report }) => [
        server.name,
        ...classes.map(name =>
            share(report.results.filter(result => result.class === name && result.level !== "may"))
        )
    ]);
    const servers = audits.map(({ server }) => [
        server.name,
        versionOf(server),
        `\`${server.program}\``,
        server.note
    ]);
    return `# Audits

What [\`oidc-spa-native audit\`](auditing.md) says about small servers that other libraries protect. \`npm run audit:servers\` installs them, audits each and writes this page. All versions are pinned. The programs are in the repository.

Read the numbers with care:

- The vectors are this project's. Others had no part in them, and may read a standard otherwise.
- **must**: a standard says MUST, or a wrong verdict lets in who must not get in. **should**: a standard says SHOULD, or the stricter reading is safer and costs clients nothing. Most of these are about JSON, encoding and JWTs that are no access tokens; a library that is made for JWTs in general has reasons to take them.
- A number is right verdicts of those that the server gave. What a server does not offer is not tested: DPoP, or an algorithm that its program does not list.
- Each program is written as the library's documentation has it, with issuer, audience and keys, and no further options. The notes below name options that would change a number.
- **no verdict**: a status from 500, or no answer. Nothing got in, and the request is in no other number.
- This page has counts and no requests. Run the command to see what your own server does.

## All vectors

${table(["server", "takes", "must", "should", "no verdict", "answers"], totals)}

## By class

Must and should together.

${table(["server", ...classes.map(name => CLASSES[name])], byClass)}

## The servers

${table(["server", "versions", "program", "notes"], servers)}

Not here: Spring Security and other libraries for Java and .NET, which cannot be installed where this page is written; nginx, whose modules for JWTs Debian does not have; mod_auth_openidc, whose part for resource servers has given way to mod_oauth2. The command audits them like any other server.
`;
}
