// Header fields: which credentials a request carries, and what the client is told.

export function good(collector) {
    const { grants } = collector.topic("good", "none");
    grants("B3.2", "bearer", "A good token, as Bearer", s => s.bearer(), { clause: "RFC 6750 section 2.1" });
    grants(
        ["B2.22", "B2.20", "B2.18", "B2.3"],
        "proof",
        "A bound token, with a good proof",
        s => s.proven(),
        { clause: "RFC 9449 section 7.1" }
    );
}

const BEARER = "rfc6750/good/B3.2-bearer";
const PROOF = "rfc9449/good/B2.22-proof";

export function credentials(collector) {
    const { refuses, grants } = collector.topic("credentials", "credential-extraction");
    const good = BEARER;
    const one = (s, value, more) => s.request([["Authorization", value]], more);
    refuses(
        "credentials_missing",
        ["B3.9", "B3.6", "B4.5", "B2.24"],
        "none",
        "No credentials: a challenge without an error",
        s => s.request([]),
        { good, clause: "RFC 6750 section 3.1" }
    );
    refuses("credentials_missing", "B3.9", "empty", "Authorization is empty", s => one(s, ""), {
        good,
        clause: "RFC 6750 section 3.1"
    });
    refuses("scheme_unsupported", "I02", "basic", "Another scheme", s => one(s, "Basic dXNlcjpwYXNz"), {
        good
    });
    const malformed = (id, slug, title, value, more) =>
        refuses("credentials_malformed", id, slug, title, s => one(s, value(s.token())), { good, ...more });
    malformed("I05", "scheme-alone", "The scheme alone", () => "Bearer");
    malformed("I05", "scheme-and-space", "The scheme and a space", () => "Bearer ");
    malformed(["I07", "B4.2"], "tab", "A tab before the token", token => `Bearer\t${token}`, {
        oidcSpa: spaces
    });
    malformed(
        ["I08", "B3.8"],
        "two-schemes",
        "Two credentials in one field",
        token => `Bearer ${token}, DPoP ${token}`
    );
    malformed("I08", "semicolon", "A semicolon and more behind the token", token => `Bearer ${token};x`);
    malformed("I08", "two-tokens", "Two tokens", token => `Bearer ${token} ${token}`);
    malformed("I09", "quotes", "A token in quotes", token => `Bearer "${token}"`);
    for (const [slug, end] of Object.entries({ "line-feed": "\r\nX-Admin: 1", nul: "\u0000" })) {
        malformed(
            ["I19", "B4.7"],
            slug,
            "A control character behind the token",
            token => `Bearer ${token}${end}`
        );
    }
    malformed("B18", "scheme-twice", "The scheme twice", token => `Bearer Bearer ${token}`);
    malformed(
        "I18",
        "latin-1",
        "A letter that is not ASCII",
        token => `Bearer ${token.slice(0, 9)}\u00e9${token.slice(9)}`
    );
    grants(["I06", "B4.2"], "spaces", "Several spaces before the token", s =>
        one(s, `Bearer   ${s.token()}`)
    );
    for (const scheme of ["bearer", "BEARER"]) {
        grants(["B3.5", "B4.1"], scheme, `The scheme as ${scheme}`, s => one(s, `${scheme} ${s.token()}`), {
            clause: "RFC 9110 section 11.1"
        });
    }
    grants(
        ["B2.21", "B4.1"],
        "dpop-letters",
        "The scheme DPoP in capitals",
        s => {
            const token = s.bound();
            return s.request([
                ["Authorization", `DPOP ${token}`],
                ["dpop", s.proof(token)]
            ]);
        },
        { clause: "RFC 9449 section 7.1" }
    );
    grants(["I21", "B2.1"], "names", "Names of fields in other letters", s =>
        s.request([["aUTHORIZATION", `Bearer ${s.token()}`]])
    );
    const twice = (slug, title, fields) =>
        refuses(
            "credentials_repeated",
            ["I10", "B3.1", "B2.28", "B4.4", "B4.6"],
            slug,
            title,
            s => s.request(fields(s)),
            { good }
        );
    twice("two-fields", "Two Authorization fields", s => [
        ["Authorization", `Bearer ${s.token()}`],
        ["Authorization", `Bearer ${s.token()}`]
    ]);
    twice("two-schemes", "Two Authorization fields of two schemes", s => [
        ["Authorization", `Bearer ${s.token()}`],
        ["Authorization", `DPoP ${s.bound()}`]
    ]);
    refuses(
        "credentials_missing",
        ["B3.4"],
        "query",
        "A token in the query alone",
        s => s.request([], { target: `/v1/items?access_token=${s.token()}` }),
        { good, clause: "RFC 6750 section 2.3" }
    );
    grants("I15", "query-beside", "A token in the query beside the field", s =>
        s.bearer(s.token(), { target: "/v1/items?access_token=x" })
    );
    refuses(
        "credentials_missing",
        ["I17", "B2.26"],
        "proxy",
        "Proxy-Authorization alone",
        s => s.request([["Proxy-Authorization", `Bearer ${s.token()}`]]),
        { good }
    );
    refuses(
        "credentials_missing",
        "B12.6",
        "signature",
        "An HTTP message signature alone",
        s =>
            s.request([
                ["Signature", "sig1=:AAAA:"],
                ["Signature-Input", 'sig1=("@method")']
            ]),
        { good, clause: "RFC 9421 section 1" }
    );
    refuses(
        "credentials_missing",
        "I26",
        "preflight",
        "A preflight without credentials",
        s => s.request([["Origin", "https://app.example"]], { method: "OPTIONS" }),
        { good }
    );
}

const spaces = { verdict: "granted", reason: "oidc-spa takes any white space between scheme and token" };

export function presentation(collector) {
    const { refuses, grants } = collector.topic("presentation", "binding-downgrade");
    const good = PROOF;
    refuses(
        "token_bound",
        ["N01", "B2.27", "B10.6"],
        "bound-as-bearer",
        "A bound token as Bearer",
        s => s.bearer(s.bound()),
        { good }
    );
    refuses(
        "token_bound",
        ["N18", "B2.27"],
        "bound-as-bearer-with-proof",
        "A bound token as Bearer, beside its proof",
        s => {
            const token = s.bound();
            return s.request([
                ["Authorization", `Bearer ${token}`],
                ["DPoP", s.proof(token)]
            ]);
        },
        { good }
    );
    grants(
        ["B2.29"],
        "stray-proof",
        "An unbound token as Bearer, beside a proof",
        s => {
            const token = s.token();
            return s.request([
                ["Authorization", `Bearer ${token}`],
                ["DPoP", s.proof(token)]
            ]);
        },
        { clause: "RFC 9449 section 7.2" }
    );
    refuses(
        "token_unbound",
        ["B2.17", "B2.18"],
        "unbound-as-dpop",
        "An unbound token as DPoP",
        s => {
            const token = s.token();
            return s.dpop(token, s.proof(token));
        },
        { good, clause: "RFC 9449 section 7.1" }
    );
    refuses(
        "proof_key_mismatch",
        ["N05", "B2.17", "B2.24"],
        "key-of-another",
        "A proof by another client's key",
        s => s.proven({ by: ["client-2", "ES256"] }),
        { good }
    );
    const cnf = (value, code, id, slug, title, more) =>
        refuses(code, id, slug, title, s => s.bearer(s.token({ claims: { cnf: value } })), {
            good: BEARER,
            ...more
        });
    for (const [slug, value] of Object.entries({ text: "x", list: ["x"], number: 1, null: null })) {
        cnf(value, "claim_malformed", "N07", `cnf-${slug}`, `cnf is ${slug}, and no object`);
    }
    for (const [slug, jkt] of Object.entries({ number: 1, list: ["a"], null: null })) {
        cnf({ jkt }, "claim_malformed", "N07", `jkt-${slug}`, `jkt is ${slug}, and no text`);
    }
    cnf({}, "token_bound", ["N08", "B10.6"], "cnf-empty", "cnf has no members");
    cnf({ jwk: {} }, "token_bound", ["N08", "B10.6"], "cnf-jwk", "cnf holds what is not checked");
    cnf({ x5t: "AA" }, "token_bound", ["N15", "B10.6"], "sha-1", "A thumbprint of SHA-1 in cnf");
    grants("N10", "jkt-beside", "jkt in another place is no binding", s =>
        s.bearer(s.token({ claims: { jkt: "x", confirmation: { jkt: "x" } } }))
    );
    const padded = change => s => {
        const token = s.token({ claims: { cnf: { jkt: change(s) } } });
        return s.dpop(token, s.proof(token));
    };
    const jktOf = s => JSON.parse(Buffer.from(s.bound().split(".")[1], "base64url")).cnf.jkt;
    const spelt = {
        padding: s => `${jktOf(s)}=`,
        hexadecimal: s => Buffer.from(jktOf(s), "base64url").toString("hex"),
        capitals: s => jktOf(s).toUpperCase()
    };
    for (const [slug, change] of Object.entries(spelt)) {
        refuses(
            "proof_key_mismatch",
            ["N06", "B6.6"],
            slug,
            "A thumbprint in another spelling",
            padded(change),
            { good }
        );
    }
    const required = { dpop: "required" };
    refuses("token_unbound", "J42", "required", "An unbound token, where DPoP is required", s => s.bearer(), {
        configuration: required,
        good: s => s.proven()
    });
    const disabled = { dpop: "disabled" };
    refuses(
        "scheme_unsupported",
        "J41",
        "disabled",
        "A good proof, where DPoP is switched off",
        s => s.proven(),
        { configuration: disabled, good: s => s.bearer() }
    );
}
