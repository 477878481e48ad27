// A package registry on this machine, for a rehearsal: real, empty, on a free port of the loopback address, and without
// a way to any other registry, so that nothing can come from elsewhere under the names that it has.

import { once } from "node:events";
import { createRequire } from "node:module";
import { join } from "node:path";

/**
 * @param {string} folder - an empty folder for what is published
 * @param {string} tools - the folder whose `node_modules` has Verdaccio
 * @returns {Promise<{ url: string, npmrc: string, close: () => Promise<void> }>} `npmrc`: the lines with which npm
 *   installs from it and may publish to it
 */
export async function startRegistry(folder, tools) {
    const { runServer } = createRequire(join(tools, "package.json"))("verdaccio");
    const server = await runServer({
        self_path: join(folder, "config.yaml"),
        storage: join(folder, "storage"),
        auth: { htpasswd: { file: join(folder, "htpasswd"), algorithm: "bcrypt" } },
        uplinks: {},
        packages: { "**": { access: "$all", publish: "$authenticated" } },
        web: { enable: false },
        max_body_size: "100mb",
        log: { type: "stdout", format: "pretty", level: "error" }
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const host = `127.0.0.1:${server.address().port}`;
    const url = `http://${host}/`;
    const token = await tokenOfNewUser(url);
    return {
        url,
        npmrc: `registry=${url}\n//${host}/:_authToken=${token}\n`,
        async close() {
            server.close();
            server.closeAllConnections();
            await once(server, "close");
        }
    };
}

async function tokenOfNewUser(registry) {
    const response = await fetch(new URL("-/user/org.couchdb.user:rehearsal", registry), {
        method: "PUT",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({ name: "rehearsal", password: crypto.randomUUID() })
    });
    if (!response.ok) {
        throw new Error(`the registry makes no user: ${response.status} ${await response.text()}`);
    }
    return (await response.json()).token;
}
