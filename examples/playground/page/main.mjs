// The page: reads the form, and shows the verdict. Pasted text is shown as text alone.

import { validatorOf } from "./engine.mjs";
import { makeSamples } from "./samples.mjs";

const [form, verdict, reason, checks, about] = ["request", "verdict", "reason", "checks", "about"].map(id =>
    document.getElementById(id)
);
/** The last one that began: a slower one of before shows nothing any more. */
let turn = 0;

form.addEventListener("submit", event => {
    event.preventDefault();
    about.textContent = "";
    void judge();
});
for (const button of document.querySelectorAll("[data-sample]")) {
    button.addEventListener("click", () => void showSample(button.dataset.sample));
}
void showSample("granted");

async function showSample(name) {
    const { about: text, fields } = (await makeSamples())[name];
    about.textContent = text;
    for (const [field, value] of Object.entries(fields)) {
        form.elements[field].value = value;
    }
    await judge();
}

async function judge() {
    turn += 1;
    const mine = turn;
    const fields = Object.fromEntries(new FormData(form));
    let show;
    try {
        const { refusal, checks } = await explanationOf(fields);
        show = () => showExplanation(refusal, checks, fields.proof.trim() !== "");
    } catch (error) {
        show = () => showFault(error);
    }
    if (mine === turn) {
        show();
    }
}

/** Nothing is remembered, so the same request may be judged again. */
async function explanationOf({ method, url, token, proof, issuer, audience, keys, time }) {
    const validator = await validatorOf({
        issuerUri: issuer.trim(),
        expectedAudience: audience.trim(),
        keys: { jwks: jwkSetOf(keys) },
        ...(time.trim() !== "" && { clock: () => Number(time) * 1000 })
    });
    const dpop = withoutBreaks(proof.trim().replace(/^dpop:/i, ""));
    return validator.explain({
        method: method.trim(),
        url: url.trim(),
        headers: {
            authorization: authorizationOf(token.trim(), dpop !== ""),
            ...(dpop !== "" && { dpop })
        }
    });
}

function jwkSetOf(text) {
    let jwks;
    try {
        jwks = JSON.parse(text);
    } catch {
        throw new Error('The keys are not JSON. They look like {"keys": [{"kty": "RSA", ...}]}.');
    }
    return jwks;
}

/** The field as it was pasted, or made of a token alone. */
function authorizationOf(text, hasProof) {
    return /^(authorization:|bearer |dpop )/i.test(text)
        ? text.replace(/^authorization:\s*/i, "")
        : `${hasProof ? "DPoP" : "Bearer"} ${withoutBreaks(text)}`;
}

/** A terminal breaks long lines. No JWT has white space. */
const withoutBreaks = text => text.replaceAll(/\s/g, "");

function showExplanation(refusal, rows, hasProof) {
    verdict.textContent = refusal === null ? "Granted" : `Refused: ${refusal.code}`;
    verdict.className = refusal === null ? "passed" : "failed";
    const condition = hasProof ? "A server that has not seen this proof before answers it." : "";
    reason.textContent = refusal?.debugErrorMessage ?? condition;
    checks.replaceChildren(...rows.map(rowOf));
}

function showFault(error) {
    verdict.textContent = "Not judged";
    verdict.className = "failed";
    reason.textContent = error instanceof Error ? error.message : String(error);
    checks.replaceChildren();
}

function rowOf({ title, clause, outcome, expected, found, isVerified, message }) {
    const row = document.createElement("tr");
    row.className = outcome === "skipped" ? "skipped" : "";
    const check = cell(line(title));
    const unverified = isVerified ? "" : ", which no signature covers";
    const facts = [
        [clause, "clause"],
        [expected && `Expected: ${expected}`, "fact"],
        [found && `Found: ${found}${unverified}`, "fact"],
        [message, "fact"]
    ];
    check.append(...facts.filter(([text]) => text).map(([text, name]) => line(text, name)));
    row.append(cell(line(outcome, outcome)), check);
    return row;
}

function cell(content) {
    const cell = document.createElement("td");
    cell.append(content);
    return cell;
}

function line(text, className = "") {
    const line = document.createElement("p");
    line.textContent = text;
    line.className = className;
    return line;
}
