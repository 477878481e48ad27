// B12.5: the example MCP server on the official SDK, and the official SDK's client, which is given its URL alone.

import { afterAll, beforeAll, expect, test } from "vitest";
import { authorizationCode, clientCredentials, OTHER_API, type Issuer } from "../support/real-issuer.js";

interface McpClient {
    readonly signIns: readonly string[];
    tokens(): { readonly access_token: string };
    call(tool: string, args?: object): Promise<string>;
    close(): Promise<void>;
}

interface Example {
    readonly issuer: Issuer;
    readonly resource: string;
    close(): Promise<void>;
}

const part = (name: string): Promise<unknown> =>
    import(/* @vite-ignore */ new URL(`../../examples/mcp/${name}.mjs`, import.meta.url).href);

const { startMcpExample } = (await part("main")) as { startMcpExample: () => Promise<Example> };
const { connectMcpClient } = (await part("client")) as {
    connectMcpClient: (options: { serverUrl: string; login: string }) => Promise<McpClient>;
};

let example: Example;

beforeAll(async () => {
    example = await startMcpExample();
});

afterAll(() => example.close());

function post(
    accessToken: string | undefined,
    call: object = { method: "tools/list" },
    url = example.resource
): Promise<Response> {
    return fetch(url, {
        method: "POST",
        headers: {
            "content-type": "application/json",
            accept: "application/json, text/event-stream",
            ...(accessToken !== undefined && { authorization: `Bearer ${accessToken}` })
        },
        body: JSON.stringify({ jsonrpc: "2.0", id: 1, ...call })
    });
}

test("the client finds the authorization server, signs in, and again when a tool needs more", async () => {
    const client = await connectMcpClient({ serverUrl: example.resource, login: "alice" });
    expect(await client.call("list_items")).toBe("alice: apple");
    expect(client.signIns).toEqual(["items:read"]);
    expect(await client.call("add_item", { name: "pear" })).toBe("alice added pear");
    // The challenge names all that is needed, so that the new token does what the old one did.
    expect(client.signIns).toEqual(["items:read", "items:read items:write"]);
    expect(await client.call("list_items")).toBe("alice: apple, pear");
    await client.close();
});

test("401 names the metadata, which names the server and its authorization server", async () => {
    const refused = await post(undefined);
    expect(refused.status).toBe(401);
    const { origin, pathname } = new URL(example.resource);
    const url = `${origin}/.well-known/oauth-protected-resource${pathname}`;
    expect(refused.headers.get("www-authenticate")).toMatch(
        new RegExp(`^Bearer scope="items:read", resource_metadata="${url}"`)
    );
    expect(await (await fetch(url)).json()).toMatchObject({
        resource: example.resource,
        authorization_servers: [example.issuer.issuerUri],
        scopes_supported: ["items:read"],
        bearer_methods_supported: ["header"]
    });
});

test("403 names the scopes of the tool, and the metadata", async () => {
    const accessToken = await authorizationCode(example.issuer, { login: "bob", resource: example.resource });
    expect((await post(accessToken)).status).toBe(200);
    const refused = await post(accessToken, {
        method: "tools/call",
        params: { name: "add_item", arguments: { name: "x" } }
    });
    expect(refused.status).toBe(403);
    expect(refused.headers.get("www-authenticate")).toMatch(
        /^Bearer error="insufficient_scope", .*scope="items:read items:write", resource_metadata="http/
    );
    expect(
        await (await post(accessToken, { method: "tools/call", params: { name: "list_items" } })).text()
    ).not.toContain("bob added");
});

test("each call of a body is judged, however many there are and whatever the body is called", async () => {
    const token = await authorizationCode(example.issuer, { login: "eve", resource: example.resource });
    const call = (name: string) => ({
        jsonrpc: "2.0",
        id: 1,
        method: "tools/call",
        params: { name, arguments: { name: "stolen" } }
    });
    const send = async (body: unknown, type = "application/json") => {
        const response = await fetch(example.resource, {
            method: "POST",
            headers: {
                authorization: `Bearer ${token}`,
                "content-type": type,
                accept: "application/json, text/event-stream",
                "mcp-protocol-version": "2025-03-26"
            },
            body: JSON.stringify(body)
        });
        return { status: response.status, text: await response.text() };
    };
    for (const [body, type] of [
        [[call("add_item")]],
        [[call("list_items"), call("add_item")]],
        [[[call("add_item")]]],
        [call("add_item"), "text/plain; x=application/json"],
        [[call("add_item")], "application/json-seq; application/json"]
    ] as const) {
        expect((await send(body, type)).status, JSON.stringify(body)).toBe(403);
    }
    const listed = await send([call("list_items"), call("list_items")]);
    expect(listed.status).toBe(200);
    expect(listed.text).toContain("eve: apple");
    expect(listed.text).not.toContain("stolen");
});

test("a token that cannot be read, one of nobody, one in the URL", async () => {
    expect((await post("x y")).status).toBe(400);
    const garbage = await post("garbage");
    expect(garbage.status).toBe(401);
    expect(garbage.headers.get("www-authenticate")).toMatch(/error="invalid_token".*resource_metadata=/);
    const accessToken = await clientCredentials(example.issuer, {
        clientId: "service-es256",
        resource: example.resource
    });
    expect((await post(accessToken)).status).toBe(200);
    expect((await post(undefined, {}, `${example.resource}?access_token=${accessToken}`)).status).toBe(401);
});

test("a token for another resource of the same authorization server is refused", async () => {
    const accessToken = await clientCredentials(example.issuer, {
        clientId: "service-es256",
        resource: OTHER_API
    });
    const refused = await post(accessToken);
    expect([refused.status, refused.headers.get("www-authenticate")]).toEqual([
        401,
        expect.stringContaining("another audience")
    ]);
});

test("there are no sessions: other methods are answered once the token is good", async () => {
    const accessToken = await clientCredentials(example.issuer, {
        clientId: "service-es256",
        resource: example.resource
    });
    const statusWith = async (headers: Record<string, string>) =>
        (await fetch(example.resource, { headers })).status;
    expect([await statusWith({}), await statusWith({ authorization: `Bearer ${accessToken}` })]).toEqual([
        401, 405
    ]);
});
