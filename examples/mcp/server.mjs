// A Model Context Protocol server on the official SDK, guarded as the MCP authorization specification asks: it tells
// where its authorization server is (RFC 9728), and which scopes a tool needs.

import { McpServer } from "@modelcontextprotocol/sdk/server/mcp.js";
import { StreamableHTTPServerTransport } from "@modelcontextprotocol/sdk/server/streamableHttp.js";
import express from "express";
import { createValidator } from "oidc-spa-native";
import { allScopes } from "oidc-spa-native/authorization";
import { protect, resourceMetadata } from "oidc-spa-native/express";
import { z } from "zod";

/** Scopes beyond `items:read`, by the tool that needs them. */
const SCOPES = { add_item: ["items:read", "items:write"] };

/**
 * @param {{ issuerUri: string, resource: string }} options - `resource`: the URL that clients are given
 * @returns an Express application
 */
export function createMcpApplication({ issuerUri, resource }) {
    const validator = createValidator({
        issuerUri,
        // Tokens must be meant for this server (RFC 8707): one for another resource is refused.
        expectedAudience: resource,
        resource,
        resourceMetadata: { scopesSupported: ["items:read"], resourceName: "Items" }
    });
    const mayRead = protect(validator, { require: allScopes(["items:read"]) });
    const mayCall = Object.fromEntries(
        Object.entries(SCOPES).map(([tool, scopes]) => [
            tool,
            protect(validator, { require: allScopes(scopes) })
        ])
    );
    const items = ["apple"];

    const app = express();
    app.use(resourceMetadata(validator));
    // Whatever type the body says it has: what is judged here is what the SDK is given, and nothing else.
    const parse = express.json({ type: () => true });
    app.use(new URL(resource).pathname, mayRead, parse, (req, res, next) => {
        // A body may hold several calls (a JSON-RPC batch): the token must permit each one.
        const guards = new Set(
            [req.body]
                .flat(Infinity)
                .filter(message => message?.method === "tools/call")
                .filter(({ params }) => Object.hasOwn(mayCall, params?.name))
                .map(({ params }) => mayCall[params.name])
        );
        const all = [...guards].reduceRight((rest, guard) => () => guard(req, res, rest), next);
        all();
    });
    app.post(new URL(resource).pathname, async (req, res) => {
        const { claims, accessToken } = mayRead.of(req);
        // What the SDK hands to tools. The token is for this server: never send it on to another.
        req.auth = {
            token: accessToken,
            clientId: claims.client_id,
            // A text with spaces, or a list, by the issuer.
            scopes: [claims.scope].flat().join(" ").split(" "),
            extra: { sub: claims.sub }
        };
        const transport = new StreamableHTTPServerTransport({
            sessionIdGenerator: undefined,
            enableJsonResponse: true
        });
        const server = createMcpServer(items);
        res.on("close", () => server.close());
        await server.connect(transport);
        await transport.handleRequest(req, res, req.body ?? null);
    });
    app.all(new URL(resource).pathname, (_req, res) => {
        res.status(405).set("Allow", "POST").end();
    });
    return app;
}

/** One a request: there are no sessions. */
function createMcpServer(items) {
    const server = new McpServer({ name: "items", version: "1.0.0" });
    const answer = text => ({ content: [{ type: "text", text }] });
    server.registerTool("list_items", { description: "Lists the items" }, ({ authInfo }) =>
        answer(`${authInfo.extra.sub}: ${items.join(", ")}`)
    );
    server.registerTool(
        "add_item",
        { description: "Adds an item", inputSchema: { name: z.string() } },
        ({ name }, { authInfo }) => {
            items.push(name);
            return answer(`${authInfo.extra.sub} added ${name}`);
        }
    );
    return server;
}
