// The method and the URI that a proof is for, and how a request tells its own.

import { HTU } from "./making.mjs";
import { ofServer } from "./world.mjs";

const PROOF = "rfc9449/good/B2.22-proof";

export function targets(collector) {
    const { refuses, refusesProof, grantsProof, grants } = collector.topic("target", "target-confusion");
    const method = (id, slug, title, htm, request, more) =>
        refuses("proof_method_mismatch", id, slug, title, s => s.proven({ claims: { htm } }, request), {
            good: PROOF,
            ...more
        });
    method(
        ["K01", "B4.9", "B2.13"],
        "small",
        "The method in small letters",
        "get",
        {},
        { oidcSpa: { verdict: "granted", reason: "oidc-spa compares methods in any letters" } }
    );
    method(["K02", "B2.13"], "post", "A proof for POST on GET", "POST", {});
    method(["K02", "B2.13"], "head", "A proof for GET on HEAD", "GET", { method: "HEAD" });
    grants("K04", "head", "A proof for HEAD on HEAD", s =>
        s.proven({ claims: { htm: "HEAD" } }, { method: "HEAD" })
    );
    refuses(
        "proof_method_mismatch",
        "K03",
        "override",
        "A field that changes the method is not read",
        s => {
            const request = s.proven({ claims: { htm: "DELETE" } }, { method: "POST" });
            return { ...request, fields: [...request.fields, ["X-HTTP-Method-Override", "DELETE"]] };
        },
        { good: PROOF }
    );
    const same = (id, slug, htu, more) =>
        grantsProof([id, "B2.14"].flat(), slug, `htu is ${ofServer(htu)}`, () => ({ claims: { htu } }), more);
    const other = (id, slug, htu, more) =>
        refusesProof(
            "proof_uri_mismatch",
            [id, "B2.14"].flat(),
            slug,
            `htu is ${ofServer(htu)}`,
            () => ({ claims: { htu } }),
            more
        );
    same("K06", "equal", HTU);
    same(["K07", "B4.11"], "letters", "HTTPS://API.EXAMPLE/v1/items");
    same(["K08", "B4.11"], "default-port", "https://api.example:443/v1/items");
    same("K09", "empty-port", "https://api.example:/v1/items");
    same("K16", "unreserved", "https://api.example/v1/%69tems");
    same("K22", "dots", "https://api.example/v1/x/../items");
    same("K23", "encoded-dots", "https://api.example/v1/x/%2e%2e/items");
    same("K25", "query", "https://api.example/v1/items?y=2");
    same("K26", "fragment", "https://api.example/v1/items#f");
    const others = {
        "K10-zeros": "https://api.example:0443/v1/items",
        "K11-port": "https://api.example:8443/v1/items",
        "K11-http": "http://api.example/v1/items",
        "K13-slash": "https://api.example/v1/items/",
        "K14-slashes": "https://api.example/v1//items",
        "K15-letters": "https://api.example/v1/Items",
        "K18-encoded-slash": "https://api.example/v1%2Fitems",
        "K19-reserved": "https://api.example/v1/items%3A",
        "K20-twice": "https://api.example/v1/%2569tems",
        "K21-malformed": "https://api.example/v1/items%GG",
        "K27-user": "https://u:p@api.example/v1/items",
        "K30-number": "https://2130706433/v1/items",
        "K31-ipv6": "https://[0:0:0:0:0:0:0:1]/v1/items",
        "K28-backslash": "https:\\\\api.example\\v1\\items",
        "K28-tab": "https://api.example/v1/\titems",
        "K29-relative": "/v1/items",
        "K29-no-scheme": "//api.example/v1/items",
        "K32-letters": "https://\u00e4pi.example/v1/items",
        "K33-dot": "https://api.example./v1/items",
        "K34-longer": "https://api.example.evil/v1/items",
        "K34-before": "https://evil.api.example/v1/items"
    };
    for (const [name, htu] of Object.entries(others)) {
        const [id, ...slug] = name.split("-");
        other(id === "K27" ? [id, "B4.11"] : id, slug.join("-"), htu);
    }
    requests(collector);
}

function requests(collector) {
    const { refuses, grants } = collector.topic("request-target", "target-confusion");
    const to =
        (request, htu = HTU) =>
        s =>
            s.proven({ claims: { htu } }, request);
    const bad = (id, slug, title, request, htu, more) =>
        refuses("proof_uri_mismatch", [id, "B4.10"].flat(), slug, title, to(request, htu), {
            good: PROOF,
            ...more
        });
    grants(
        ["K12", "B4.11"],
        "empty-path",
        "An empty path is a slash",
        to({ target: "/" }, "https://api.example")
    );
    grants(["K24", "B4.10"], "dots", "Dots in the request's path", to({ target: "/a/../v1/items" }));
    grants(
        "K17",
        "hexadecimal",
        "Percent-encoding in other letters",
        to({ target: "/v1/a%2fb" }, "https://api.example/v1/a%2Fb")
    );
    bad(
        ["K45"],
        "two-slashes",
        "A target that looks like another host",
        { target: "//evil.example/v1/items" },
        "https://evil.example/v1/items"
    );
    bad(
        "K47",
        "fragment",
        "A fragment in the request's target",
        { target: "/v1/items#/../other" },
        "https://api.example/v1/other"
    );
    bad("K46", "asterisk", "The target *", { target: "*", method: "OPTIONS" }, "https://api.example/*");
    bad(["K38", "B4.7"], "user", "A Host with a user in it", { host: "a@api.example" });
    bad("K38", "path", "A Host with a path in it", { host: "api.example/x" });
    bad("K37", "none", "No Host", { host: null });
    bad("K37", "two", "Two Hosts", { host: ["api.example", "evil.example"] });
    const fixed = { publicBaseUrl: "https://api.example" };
    refuses(
        "proof_uri_mismatch",
        ["K36", "B4.10"],
        "made-up",
        "A Host that somebody made up, where the URL is configured",
        to({ host: "other.example" }, "https://other.example/v1/items"),
        { configuration: fixed, good: to({ host: "other.example" }) }
    );
    const forwarded =
        (extra, htu = HTU, host = "inner") =>
        s => {
            const request = s.proven({ claims: { htu } }, { host, scheme: "http" });
            return { ...request, fields: [...request.fields, ...extra] };
        };
    const of = [
        ["X-Forwarded-Host", "api.example"],
        ["X-Forwarded-Proto", "https"]
    ];
    refuses(
        "proof_uri_mismatch",
        ["K39", "B12.4"],
        "of-a-client",
        "Forwarded fields, where no proxy is trusted",
        forwarded(of),
        { good: PROOF }
    );
    const configuration = { trustProxy: true };
    grants(["K40"], "trusted", "Forwarded fields of a trusted proxy", forwarded(of), { configuration });
    grants(
        "K40",
        "rfc7239",
        "Forwarded of a trusted proxy",
        forwarded([["Forwarded", "host=api.example;proto=https"]]),
        { configuration }
    );
    grants(
        "K41",
        "port",
        "A port in a forwarded field",
        forwarded(
            [
                ["X-Forwarded-Host", "api.example:8443"],
                ["X-Forwarded-Proto", "https"]
            ],
            "https://api.example:8443/v1/items"
        ),
        { configuration }
    );
    refuses(
        "proof_uri_mismatch",
        ["K40", "B12.4"],
        "two-words",
        "A client's Forwarded against the proxy's fields",
        forwarded([...of, ["Forwarded", "host=evil.example;proto=https"]], "https://evil.example/v1/items"),
        { configuration, good: forwarded(of) }
    );
    grants(
        "K42",
        "prefix",
        "A path that a proxy takes off",
        to({ target: "/items" }, "https://api.example/api/items"),
        { configuration: { publicBaseUrl: "https://api.example/api" } }
    );
}
