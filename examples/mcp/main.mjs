// `node examples/mcp/main.mjs`: an authorization server, a guarded MCP server, a client that is given its URL alone.

import { once } from "node:events";
import { createServer } from "node:http";
import { fileURLToPath } from "node:url";
import { OTHER_API, startIssuer } from "../demo/issuer.mjs";
import { connectMcpClient } from "./client.mjs";
import { createMcpApplication } from "./server.mjs";

/** @returns an object with `issuer`, the URL `resource` of the MCP server, and `close()` */
export async function startMcpExample() {
    const server = createServer().listen(0, "127.0.0.1");
    await once(server, "listening");
    const resource = `http://127.0.0.1:${server.address().port}/mcp`;
    const issuer = await startIssuer({ resources: [resource, OTHER_API], scope: "items:read items:write" });
    server.on("request", createMcpApplication({ issuerUri: issuer.issuerUri, resource }));
    return {
        issuer,
        resource,
        async close() {
            server.closeAllConnections();
            server.close();
            await Promise.all([once(server, "close"), issuer.close()]);
        }
    };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
    const example = await startMcpExample();
    console.log(`MCP server ${example.resource}, authorization server ${example.issuer.issuerUri}`);
    const client = await connectMcpClient({ serverUrl: example.resource, login: "alice" });
    console.log(`list_items: ${await client.call("list_items")}`);
    console.log(`add_item:   ${await client.call("add_item", { name: "pear" })}`);
    console.log(`list_items: ${await client.call("list_items")}`);
    console.log(`Signed in for: ${client.signIns.join(" | ")}`);
    await client.close();
    await example.close();
}
