// A pasted curl command is taken apart as a shell would, and no further.

import { describe, expect, test } from "vitest";
import { isCurl, readCurl, wordsOf } from "../../dist/cli/curl.js";
import { readPasted } from "../../dist/cli/input.js";

test.each<[string, string, string[]]>([
    ["words", "curl  -s\thttps://a.test", ["curl", "-s", "https://a.test"]],
    ["single quotes", "curl 'a b' c'd e'f", ["curl", "a b", "cd ef"]],
    ["double quotes", String.raw`curl "a \"b\" \\ \x $ 5"`, ["curl", String.raw`a "b" \ \x $ 5`]],
    ["an escaped variable", String.raw`curl "a \$b"`, ["curl", "a $b"]],
    ["the quotes of browsers", String.raw`curl $'a\'b\u0041\n\x42'`, ["curl", "a'bA\nB"]],
    ["a backslash", String.raw`curl a\ b\'c`, ["curl", "a b'c"]],
    ["lines that go on", "curl \\\n  -X \\\r\n POST", ["curl", "-X", "POST"]],
    ["a word over two lines", "curl PO\\\nST", ["curl", "POST"]],
    ["an empty word", "curl '' \"\"", ["curl", "", ""]],
    ["what follows a pipe", "curl a | jq .", ["curl", "a"]],
    ["a second command", "curl a; rm -rf /", ["curl", "a"]],
    ["a second line", "curl a\nrm -rf /", ["curl", "a"]],
    ["a redirection", "curl a > b", ["curl", "a"]]
])("%s", (_, text, words) => {
    expect(wordsOf(text)).toEqual(words);
});

test.each([
    ["a quote that is not closed", "curl 'a", /not closed/],
    ["a double one", 'curl "a', /not closed/],
    ["one that ends in a backslash", 'curl "a\\', /not closed/],
    ["a variable", "curl -H $AUTH", /variable of the shell/],
    ["one in quotes", 'curl -H "Authorization: Bearer $TOKEN"', /variable of the shell/],
    ["one in braces", `curl -H "Authorization: Bearer \${TOKEN}"`, /variable of the shell/],
    ["a command in it", 'curl -H "Authorization: Bearer $(get-token)"', /variable of the shell/],
    ["one in grave accents", "curl `get-url`", /variable of the shell/],
    ["the quotes of cmd.exe", 'curl ^"https://a.test^"', /copy it for bash/],
    ["too many words", `curl ${"a ".repeat(2000)}`, /more than 1000 words/]
])("%s: what to do, and nothing of what came", (_, text, message) => {
    expect(() => readCurl(text)).toThrow(message);
});

test("what costs grows with the length, not with its square", () => {
    // Each step takes at least a character, and none is read twice: half a million pieces end.
    for (const unit of ["'a'", '"a"', "\\a", "a\\\n", "$'a'"]) {
        expect(wordsOf(`curl ${unit.repeat(20_000)}`)[1]?.length).toBe(20_000);
    }
});

const none = { authorization: [], dpop: [] };

describe("what would be sent", () => {
    test.each<[string, string, object]>([
        ["nothing", "curl https://a.test/x", { ...none, method: "GET", url: "https://a.test/x" }],
        ["no scheme", "curl a.test/x", { ...none, method: "GET", url: "http://a.test/x" }],
        ["-X", "curl -X PUT a.test", { ...none, method: "PUT", url: "http://a.test" }],
        ["-XPUT", "curl -sXPUT a.test", { ...none, method: "PUT", url: "http://a.test" }],
        ["--request", "curl a.test --request DELETE", { ...none, method: "DELETE", url: "http://a.test" }],
        ["--request=", "curl a.test --request=DELETE", { ...none, method: "DELETE", url: "http://a.test" }],
        ["-d", "curl -d 'x=1' a.test", { ...none, method: "POST", url: "http://a.test" }],
        ["-G", "curl -G -d x=1 a.test", { ...none, method: "GET", url: "http://a.test" }],
        ["--json", "curl --json '{}' a.test", { ...none, method: "POST", url: "http://a.test" }],
        ["-I", "curl -I a.test", { ...none, method: "HEAD", url: "http://a.test" }],
        ["-T", "curl -T file a.test", { ...none, method: "PUT", url: "http://a.test" }],
        ["--url", "curl --url https://b.test", { ...none, method: "GET", url: "https://b.test" }],
        [
            "values are no URLs",
            "curl -o out -A agent --max-time 5 -w '%{http_code}' --compressed a.test",
            { ...none, method: "GET", url: "http://a.test" }
        ],
        [
            "values of rarer options",
            "curl --proto =https --tls-max 1.3 --tlsv1.2 --request-target /x --socks5 b.test --dns-servers 1.1.1.1 a.test",
            { ...none, method: "GET", url: "http://a.test" }
        ],
        [
            "-H",
            "curl a.test -H 'Authorization: Bearer t' -H 'accept: */*'",
            { method: "GET", url: "http://a.test", authorization: ["Bearer t"], dpop: [] }
        ],
        [
            "-H, attached, in any case",
            "curl a.test '-Hauthorization:DPoP t' --header 'DPOP: p'",
            { method: "GET", url: "http://a.test", authorization: ["DPoP t"], dpop: ["p"] }
        ],
        [
            "twice",
            "curl a.test -H 'Authorization: Bearer a' -H 'Authorization: Bearer b'",
            { method: "GET", url: "http://a.test", authorization: ["Bearer a", "Bearer b"], dpop: [] }
        ],
        [
            "a field that is taken away",
            "curl a.test -H 'Authorization:' -H '@file'",
            { ...none, method: "GET", url: "http://a.test" }
        ],
        [
            "--oauth2-bearer",
            "curl --oauth2-bearer t a.test",
            { method: "GET", url: "http://a.test", authorization: ["Bearer t"], dpop: [] }
        ],
        [
            "-u",
            "curl -u me:secret a.test",
            { method: "GET", url: "http://a.test", authorization: ["Basic bWU6c2VjcmV0"], dpop: [] }
        ]
    ])("%s", (_, text, request) => {
        expect(isCurl(text)).toBe(true);
        expect(readCurl(text)).toEqual(request);
    });
});

test.each<[string, string, object]>([
    ["a token", " a.b.c\n", { authorization: ["Bearer a.b.c"], dpop: [] }],
    ["with its scheme", "dpop a.b.c", { authorization: ["dpop a.b.c"], dpop: [] }],
    [
        "fields",
        "GET / HTTP/1.1\r\nAuthorization: DPoP a\r\nDPoP: p\r\n",
        { authorization: ["DPoP a"], dpop: ["p"] }
    ],
    ["what curl -v prints", "> authorization: Bearer a\n< 401", { authorization: ["Bearer a"], dpop: [] }],
    ["nothing", "\n", none],
    ["lines of something else", "a\nb", none]
])("pasted: %s", (_, text, request) => {
    expect(readPasted(text)).toMatchObject(request);
});
