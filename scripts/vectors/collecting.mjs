// Vectors on their way into files: each in the folder of the document that asks for its verdict, beside its twin.

import { readFileSync } from "node:fs";
import { Maker, NOW } from "./making.mjs";

const page = name => readFileSync(new URL(`../../docs/${name}`, import.meta.url), "utf8");

/** Status and OAuth error of each code, as docs/errors.md has them. */
const CODES = new Map(
    [...page("errors.md").matchAll(/^\| `(\w+)` \| (\d+) \| (?:`(\w+)`|–) \|/gm)].map(
        ([, code, status, error]) => [code, { status: Number(status), ...(error && { error }) }]
    )
);

/** What docs/requirements.md says of each identifier: what it means, and its clause. */
const IDENTIFIERS = new Map(
    [...page("requirements.md").matchAll(/^\| (\S+) \| (.+) \| (.*) \|$/gm)].map(([, id, what, clause]) => [
        id,
        { what, clause }
    ])
);

/** The folder of a clause's document: `rfc9449`; `own` for rules of this library. */
export function folderOf(clause) {
    const [, number] = /^RFC (\d+)/.exec(clause) ?? [];
    return number === undefined ? "own" : `rfc${number}`;
}

const schemeOf = ({ fields }) => {
    const value = fields.find(([name]) => name.toLowerCase() === "authorization")?.[1] ?? "";
    return ["Bearer", "DPoP"].find(scheme => value.toLowerCase().startsWith(`${scheme.toLowerCase()} `));
};

const SCHEMES = { allowed: ["Bearer", "DPoP"], required: ["DPoP"], disabled: ["Bearer"] };

/** The challenges of a refusal: the error stands in the one of the scheme that was used, where that is known. */
function challengesOf(code, request, configuration, demand = {}) {
    const { status, error } = CODES.get(code);
    if (status === 503) {
        return undefined;
    }
    const accepted = SCHEMES[configuration?.dpop ?? "allowed"];
    const isRead = !code.startsWith("credentials_") && code !== "scheme_unsupported";
    const used = isRead && accepted.includes(schemeOf(request)) ? schemeOf(request) : undefined;
    return accepted.map(scheme => ({
        scheme,
        ...((used === undefined || used === scheme) && { ...(error && { error }), ...demand })
    }));
}

function expectedOf(code, request, configuration, demand) {
    const row = CODES.get(code);
    if (code === "granted") {
        return { verdict: "granted" };
    }
    if (row === undefined) {
        throw new Error(`there is no code ${code}`);
    }
    const challenges = challengesOf(code, request, configuration, demand);
    return { verdict: "refused", ...row, code, ...(challenges && { challenges }) };
}

/** All vectors, by their files. */
export class Collector {
    #files = new Map();
    #ids = new Set();

    /** Vectors about one topic and one class of bugs. */
    topic(name, bug) {
        const add = vector => this.#add(name, { class: bug, ...vector });
        const one = (code, kind) => (requirement, slug, title, make, more) =>
            add({ requirement, slug, title, code, kind, make, ...more });
        return {
            add,
            /** A token as Bearer that is refused with this code; `make` returns a token. */
            refusesToken: (code, ...rest) => one(code, "token")(...rest),
            grantsToken: (...rest) => one("granted", "token")(...rest),
            /** A proof that is refused with this code; `make` returns changes of a proof. */
            refusesProof: (code, ...rest) => one(code, "proof")(...rest),
            grantsProof: (...rest) => one("granted", "proof")(...rest),
            /** A whole request. */
            refuses: (code, ...rest) => one(code, "request")(...rest),
            grants: (...rest) => one("granted", "request")(...rest)
        };
    }

    #add(
        topic,
        { requirement, slug, title, kind = "request", code, make, steps, good, configuration, ...more }
    ) {
        const [identifier, ...others] = [requirement].flat();
        const known = IDENTIFIERS.get(identifier);
        const clause = more.clause ?? known?.clause;
        if (clause === undefined) {
            throw new Error(`${identifier} has no clause: docs/requirements.md does not have it`);
        }
        const folder = folderOf(clause);
        const id = `${folder}/${topic}/${identifier}-${slug}`;
        const common = {
            clause: clause || "a rule of this library",
            requirements: [identifier, ...others],
            class: more.class,
            ...(configuration && { configuration })
        };
        const stepsOf = (name, make, code) => stepsFrom(new Maker(name), kind, make, code, more);
        const of = steps?.(new Maker(id)) ?? stepsOf(id, make, code);
        const finished = finish(of, configuration);
        const isGranted = finished.at(-1).expected.verdict === "granted";
        const goodConfiguration = more.goodConfiguration ?? configuration;
        const twin = isGranted
            ? undefined
            : this.#twinOf(folder, topic, id, kind, { good, configuration: goodConfiguration, common });
        this.#push(folder, topic, {
            id,
            title,
            ...common,
            ...(twin && { twin }),
            ...(more.oidcSpa && { oidcSpa: more.oidcSpa }),
            steps: finished
        });
    }

    /** The id of the same with one thing restored, which is granted. */
    #twinOf(folder, topic, id, kind, { good, configuration, common }) {
        if (typeof good === "string") {
            return good;
        }
        if (good === undefined && configuration === undefined) {
            return kind === "token"
                ? "rfc6750/good/B3.2-bearer"
                : kind === "proof"
                  ? "rfc9449/good/B2.22-proof"
                  : missing(id);
        }
        const twin = `${id}/twin`;
        const made = good ?? (() => ({}));
        const steps = finish(stepsFrom(new Maker(twin), kind, made, "granted", {}), configuration);
        const title = "The same, with one thing restored";
        this.#push(folder, topic, {
            id: twin,
            title,
            ...common,
            ...(configuration && { configuration }),
            steps
        });
        return twin;
    }

    #push(folder, topic, vector) {
        if (this.#ids.has(vector.id)) {
            throw new Error(`two vectors are named ${vector.id}`);
        }
        this.#ids.add(vector.id);
        const path = `${folder}/${topic}.json`;
        this.#files.set(path, [...(this.#files.get(path) ?? []), vector]);
    }

    /** Path → vectors. */
    get files() {
        return this.#files;
    }
}

function missing(id) {
    throw new Error(`${id} needs a twin`);
}

function stepsFrom(maker, kind, make, code, { time, demand, rules }) {
    const made = make(maker);
    const request =
        kind === "token"
            ? maker.bearer(typeof made === "string" ? made : maker.token(made))
            : kind === "proof"
              ? maker.proven(made)
              : made;
    return [{ request, code, time, demand, rules }];
}

/** Steps as files have them. */
function finish(steps, configuration) {
    return steps.map(({ request, code, time = NOW, demand, rules, keys, atOnce }) => ({
        time,
        ...(atOnce && { atOnce }),
        ...(keys && { keys }),
        ...(rules && { rules }),
        request,
        expected: expectedOf(code, request, configuration, demand)
    }));
}
