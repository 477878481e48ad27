// Starts the three parties: the issuer (or none, where yours is named), the API as a process, and the server of the page.

import { spawn } from "node:child_process";
import { mkdirSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { startIssuer } from "../issuer/issuer.mjs";
import { PEOPLE } from "../issuer/people.mjs";
import { HERE } from "./build.mjs";
import { serveWeb } from "./web-server.mjs";

/** The API's name in access tokens of the embedded issuer. */
const AUDIENCE = "https://api.todo.example";
const CLIENT = "todo-web";

/**
 * @param {object} [options]
 * @param {NodeJS.ProcessEnv} [options.env] - see README.md, "With your issuer"
 * @param {string} [options.folder] - where the database and the issuer's keys are kept
 * @param {() => number} [options.tokenSeconds] - how long access tokens of the embedded issuer live
 * @param {number[]} [options.ports] - of page, API and issuer; where one is not free, any other is taken
 * @param {(line: object) => void} [options.onLog] - hears the API's log
 */
export async function startApplication({
    env = process.env,
    folder = join(HERE, "data"),
    tokenSeconds = () => 300,
    ports = [4300, 4301, 4302],
    onLog = () => undefined
} = {}) {
    mkdirSync(folder, { recursive: true });
    const [webPort, apiPort, issuerPort] = await Promise.all(ports.map(freePort));
    const webOrigin = env.WEB_ORIGIN ?? `http://127.0.0.1:${webPort}`;
    const apiUrl = `http://127.0.0.1:${apiPort}`;
    const { openStore } = await import("../api/dist/store.js");
    const database = join(folder, "todos.db");
    const store = openStore(database);
    seed(store);

    const issuer =
        env.OIDC_ISSUER_URI === undefined
            ? await startIssuer({
                  port: issuerPort,
                  keysFile: join(folder, "issuer-keys.json"),
                  audience: AUDIENCE,
                  webOrigin,
                  clientId: CLIENT,
                  tokenSeconds,
                  todoOfAnother: sub => store.todosOf(PEOPLE.find(person => person.sub !== sub).sub)[0]?.id
              })
            : undefined;

    const issuerUri = issuer?.issuerUri ?? env.OIDC_ISSUER_URI;
    const apiEnv = {
        ...env,
        NODE_ENV: "development",
        OIDC_ISSUER_URI: issuerUri,
        OIDC_AUDIENCE: env.OIDC_AUDIENCE ?? AUDIENCE,
        API_URL: apiUrl,
        WEB_ORIGIN: webOrigin,
        DATABASE: database,
        PORT: String(apiPort)
    };
    let api = await startApi(apiEnv, onLog);

    const settings = {
        issuerUri,
        apiUrl,
        clientId: env.OIDC_CLIENT_ID ?? CLIENT,
        scopes: env.OIDC_SCOPES ?? (issuer ? "profile email todos" : "profile"),
        extraParams: env.OIDC_EXTRA_PARAMS ?? "",
        hasBackstage: issuer !== undefined
    };
    const web = await serveWeb({ port: webPort, folder: join(HERE, "web/dist"), settings });

    return {
        webOrigin,
        apiUrl,
        issuerUri,
        endApi: () => api.end(),
        async startApi() {
            api = await startApi(apiEnv, onLog);
        },
        async close() {
            await Promise.all([api.end(), web.close(), issuer?.close()]);
            store.close();
        }
    };
}

/** Resolves once the API is ready: it listens, and the issuer's keys are there. */
export async function startApi(env, onLog) {
    const child = spawn(process.execPath, [join(HERE, "api/dist/server.js")], {
        env,
        // Ctrl-C goes to the whole group of a terminal. This process ends the API, in its own order.
        detached: true,
        stdio: ["ignore", "pipe", "inherit"]
    });
    const ended = new Promise(resolve => child.once("exit", resolve));
    // Whatever ends this process, the API does not stay behind.
    const endToo = () => child.kill("SIGKILL");
    process.once("exit", endToo);
    ended.then(() => process.removeListener("exit", endToo));
    createInterface({ input: child.stdout }).on("line", line => onLog(parsed(line)));
    const isReady = () =>
        fetch(`http://127.0.0.1:${env.PORT}/ready`).then(
            ({ ok }) => ok,
            () => false
        );
    for (let tries = 0; !(await isReady()); tries++) {
        if (child.exitCode !== null || tries > 200) {
            child.kill("SIGKILL");
            throw new Error("The API did not become ready.");
        }
        await new Promise(resolve => setTimeout(resolve, 50));
    }
    return {
        /** Ends as a container does: a signal, and time for what is under way. */
        async end() {
            child.kill("SIGTERM");
            return ended;
        }
    };
}

function parsed(line) {
    try {
        return JSON.parse(line);
    } catch {
        return { message: line };
    }
}

/** Both people have something to do from the start. */
function seed(store) {
    const first = {
        alice: ["Water the plants on the balcony", "Book the train to Lyon", "Renew the library card"],
        sam: ["Answer the ticket about exports", "Write down what changed this week"]
    };
    if (PEOPLE.every(({ sub }) => store.todosOf(sub).length === 0)) {
        for (const { sub, name } of PEOPLE) {
            for (const title of first[sub]) {
                store.create({ id: sub, name }, title);
            }
        }
    }
}

/** This port if it is free, else any that is. */
export async function freePort(wanted) {
    const tried = port =>
        new Promise(resolve => {
            const server = createServer();
            server.once("error", () => resolve(undefined));
            server.listen(port, "127.0.0.1", () => {
                const found = server.address().port;
                server.close(() => resolve(found));
            });
        });
    return (await tried(wanted)) ?? (await tried(0));
}
