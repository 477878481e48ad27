// docs/differential.md, of the summary of a run.

import { readFileSync } from "node:fs";
import { REASONS } from "./reasons.mjs";

const versionOf = name =>
    JSON.parse(readFileSync(new URL(`../../node_modules/${name}/package.json`, import.meta.url), "utf8"))
        .version;

const number = value => value.toLocaleString("en-US");

const row = ({ id, here, clause, taste, why }, counts) => {
    const others = [...counts].map(([engine, times]) => `${engine} ${number(times)}`).join(", ");
    return `| ${id} | ${here} | ${others || "none"} | ${taste ? "both are allowed; " : ""}${clause} | ${why} |`;
};

/** The page. It comes out the same for the same summary. */
export function differentialPage({ count, seed, granted, agreed, reasons, complaints }) {
    return `# The same requests to four libraries

This page is generated: \`npm run differential -- --count ${count} --seed ${seed} --page\`.

${number(count)} requests were made from a good one, each with one or two things changed: members of headers, claims, times, bytes of the signature, letters of base64url, the JSON text, the key, the proof, its \`htu\`, the header fields. Each request went to oidc-spa-native (\`createValidator\`), oidc-spa/server ${versionOf("oidc-spa")}, jose ${versionOf("jose")} and oauth4webapi ${versionOf("oauth4webapi")}. The last two are set up as their documentation says. jose verifies JWTs and knows no DPoP, so a small program around it makes the comparisons of RFC 9449 section 4.3.

- oidc-spa-native granted ${number(granted)} of the requests.
- All four agree on ${number(agreed)}.
- ${complaints.length === 0 ? "Every other answer has a reason in this table." : `${complaints.length} answers have no reason.`} A test fails on a disagreement without one.

"Here" is the answer of oidc-spa-native; the number says how often another library gave the other answer. "Both are allowed" means that the standards leave it to the library. The drop-in, \`oidc-spa-native/server\`, has other rules; [compatibility.md](compatibility.md) lists where it differs from oidc-spa/server.

| reason | here | the other answer | clause | why |
| --- | --- | --- | --- | --- |
${REASONS.map(reason => row(reason, reasons.get(reason.id))).join("\n")}
`;
}
