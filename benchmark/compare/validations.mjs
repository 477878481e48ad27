// One validation at a time, and many in flight: every library in turn, in rounds of random order, in this one process.

import { admit } from "./admission.mjs";
import { AUDIENCE, CASES, TARGET } from "./cases.mjs";
import { measure } from "./meter.mjs";
import { PEERS } from "./peers/index.mjs";
import { shuffled, spread } from "./statistics.mjs";
import { fromTheWire } from "./wire.mjs";

const FIGURES = ["cpu", "main", "perSecond", "p50", "p99", "loopDelay"];
const WARM_UP_ROUNDS = 2;
/** Validations before the clock starts: those of a server that has run for a while are what matters. */
const WARM_UP = 1000;

/**
 * @returns {Promise<{ measured: object[], refused: object[] }>} `measured`: one entry a case, concurrency and library;
 *   `refused`: libraries that were not timed, and why
 */
export async function measureValidations({ options, ask, issuers, bareCheck, show }) {
    const [measured, refused] = [[], []];
    for (const kase of CASES.filter(({ id }) => options.cases.includes(id))) {
        const issuer = issuers.find(({ name }) => name === kase.issuer);
        const { subjects, rejected } = await subjectsFor({ kase, issuer, options, ask });
        refused.push(...rejected);
        for (const { title, reason } of rejected.filter(({ reason }) => reason !== CANNOT)) {
            show(`${kase.id}: ${title} is not timed: it ${reason}`);
        }
        for (const concurrency of kase.concurrency.filter(n => options.concurrency.includes(n))) {
            const cell = { kase, concurrency, subjects, issuer, options, ask, bareCheck };
            measured.push(...(await measureCell(cell)));
            show(summary(measured, kase, concurrency));
        }
    }
    return { measured, refused };
}

const CANNOT = "does not do this";

/** Each library, configured for the case, if it does what it must. */
async function subjectsFor({ kase, issuer, options, ask }) {
    const [subjects, rejected] = [[], []];
    const { issuerUri, jwk } = issuer;
    const context = {
        issuerUri,
        jwk,
        audience: AUDIENCE,
        algorithm: kase.algorithm,
        dpop: kase.dpop,
        target: TARGET
    };
    for (const peer of PEERS.filter(({ id, role }) => options.peers.includes(id) || role === "harness")) {
        const reject = reason => rejected.push({ case: kase.id, peer: peer.id, title: peer.title, reason });
        if (!peer.can(kase)) {
            reject(CANNOT);
            continue;
        }
        let subject;
        try {
            subject = await peer.make(context);
        } catch (error) {
            reject(
                `does not start with this issuer: ${String(error?.message).split("\n", 1)[0].slice(0, 120)}`
            );
            continue;
        }
        const good = await ask(kase.dpop ? "strangers" : "tokens", { issuer: kase.issuer, count: 3 });
        const bad = await ask("bad", { issuer: kase.issuer, dpop: kase.dpop });
        const { refused, notes } =
            peer.role === "harness" ? { notes: [] } : await admit(subject, { good, bad, dpop: kase.dpop });
        if (refused === undefined) {
            subjects.push({ peer, subject, notes });
        } else {
            reject(refused);
        }
    }
    return { subjects, rejected };
}

async function measureCell({ kase, concurrency, subjects, issuer, options, ask, bareCheck }) {
    const count = Math.max(Math.round(kase.count * options.share), 2 * Math.min(concurrency, 64));
    const slices = new Map(subjects.map(({ peer }) => [peer.id, []]));
    const bare = [];
    const warmUp = Math.min(count, WARM_UP);
    for (let round = options.quick ? -1 : -WARM_UP_ROUNDS; round < options.rounds; round++) {
        // New tokens for each round: whoever remembers tokens must not have seen them. Libraries may share them.
        const shared = kase.dpop ? undefined : await itemsFor(kase, ask, warmUp + count);
        const asked = [...subjects, undefined];
        for (const one of shuffled(asked)) {
            if (one === undefined) {
                const items = shared ?? (await itemsFor(kase, ask, count));
                const micros = await bareCheck.measure({ algorithm: kase.algorithm, jwk: issuer.jwk, items });
                if (round >= 0) {
                    bare.push(micros);
                }
                continue;
            }
            // A proof is good once, also for two interfaces that share one memory.
            const items = shared ?? (await itemsFor(kase, ask, warmUp + count));
            const slice = await measure({
                verify: one.subject.verify,
                inputs: items.map(one.subject.prepare),
                expected: items.map(({ jti }) => jti),
                concurrency,
                warmUp
            }).catch(error => {
                throw new Error(
                    `${one.peer.title}, case ${kase.id}, ${concurrency} in flight: ${error.message}`
                );
            });
            if (round >= 0) {
                slices.get(one.peer.id).push(slice);
            }
        }
    }
    const about = { case: kase.id, concurrency, validations: count };
    return [
        ...subjects.map(({ peer, notes }) => ({
            ...about,
            peer: peer.id,
            title: peer.title,
            role: peer.role,
            ...(notes.length > 0 && { notes }),
            ...Object.fromEntries(
                FIGURES.map(name => [name, spread(slices.get(peer.id).map(slice => slice[name]))])
            )
        })),
        { ...about, peer: "bare", title: "bare signature check (Rust)", role: "reference", cpu: spread(bare) }
    ];
}

async function itemsFor(kase, ask, count) {
    const { issuer } = kase;
    switch (kase.tokens) {
        case "distinct":
            return ask("tokens", { issuer, count });
        case "session":
            return ask("proofs", { issuer, count });
        case "first-contact":
            return ask("strangers", { issuer, count });
        case "repeated": {
            const [{ token, jti }] = await ask("tokens", { issuer, count: 1 });
            return Array.from({ length: count }, () => ({ token: fromTheWire(token), jti }));
        }
    }
}

/** One line for whoever waits. */
function summary(measured, { id }, concurrency) {
    const here = measured.filter(
        entry => entry.case === id && entry.concurrency === concurrency && entry.role !== "harness"
    );
    const short = here
        .filter(({ cpu }) => cpu !== undefined)
        .sort((a, b) => a.cpu.median - b.cpu.median)
        .map(({ title, cpu }) => `${title} ${cpu.median.toFixed(cpu.median < 10 ? 1 : 0)}`);
    return `${id}, ${concurrency} in flight, µs of CPU a validation: ${short.join(" · ")}`;
}
