// What the command line asks for.

import { parseArgs } from "node:util";
import { CASES } from "./cases.mjs";
import { PEERS } from "./peers/index.mjs";
import { FRAMEWORKS } from "./requests/plan.mjs";

const HELP = `npm run bench -- [options]

  --quick               a short run that shows that everything works; its figures mean little
  --case a,e            only these cases: ${CASES.map(({ id }) => id).join(", ")}
  --concurrency 1,64    only so many validations in flight: 1, 64, 1000
  --peer ours,jose      only these: ${PEERS.map(({ id }) => id).join(", ")}
  --framework hono      only these servers: ${FRAMEWORKS.join(", ")}; "none" for no servers
  --rounds 5            how often everything is measured
  --no-memory           does not measure memory
  --render              measures nothing: writes RESULTS.md and the charts again, from results/latest.json

A run with any of these writes to benchmark/results/partial, a full one to benchmark/results and benchmark/charts.`;

export function readOptions(args = process.argv.slice(2)) {
    const { values } = parseArgs({
        args,
        allowNegative: true,
        options: {
            help: { type: "boolean", default: false },
            quick: { type: "boolean", default: false },
            render: { type: "boolean", default: false },
            memory: { type: "boolean", default: true },
            case: { type: "string" },
            concurrency: { type: "string" },
            peer: { type: "string" },
            framework: { type: "string" },
            rounds: { type: "string" }
        }
    });
    if (values.help) {
        console.log(HELP);
        process.exit(0);
    }
    const list = (name, known) => {
        const asked = values[name]?.split(",").map(item => item.trim());
        const unknown = asked?.find(item => !known.includes(item));
        if (unknown !== undefined) {
            stop(`--${name} takes ${known.join(", ")}, not ${unknown}`);
        }
        return asked ?? known;
    };
    const { quick } = values;
    const filters = ["case", "concurrency", "peer", "framework", "rounds"].filter(
        name => values[name] !== undefined
    );
    // Who asks for a part of the one does not ask for the other.
    const wantsValidations = ["case", "concurrency", "peer"].some(name => values[name] !== undefined);
    const wantsServers = values.framework !== undefined;
    const frameworks = list("framework", [...FRAMEWORKS, "none"])
        .filter(name => name !== "none")
        // Each takes a while to start.
        .filter((_, i) => !quick || i < 2);
    const rounds = Number(values.rounds ?? (quick ? 1 : 5));
    if (!(Number.isInteger(rounds) && rounds >= 1 && rounds <= 100)) {
        stop(`--rounds takes a number from 1 to 100, not ${values.rounds}`);
    }
    return {
        quick,
        render: values.render,
        isFull: !quick && filters.length === 0 && values.memory,
        rounds,
        /** Of a slice's usual size. */
        share: quick ? 0.15 : 1,
        cases: list(
            "case",
            CASES.map(({ id }) => id)
        ),
        concurrency: list("concurrency", ["1", "64", "1000"])
            .map(Number)
            .filter(n => !quick || n < 1000),
        peers: list(
            "peer",
            PEERS.map(({ id }) => id)
        ),
        validations: wantsValidations || !wantsServers,
        frameworks: wantsServers || !wantsValidations ? frameworks : [],
        memory: values.memory && !wantsValidations && !wantsServers,
        given: args
    };
}

function stop(message) {
    console.error(`${message}\n\n${HELP}`);
    process.exit(2);
}
