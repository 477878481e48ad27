// Client certificates, and what is asked of a good token.

const BEARER = "rfc6750/good/B3.2-bearer";
const PROOF = "rfc9449/good/B2.22-proof";

const CERTIFICATE = Buffer.from("A certificate in DER, of which nothing but its digest is read");

export function certificates(collector, digest) {
    const { refuses } = collector.topic("certificates", "certificate-binding");
    const cnf = { "x5t#S256": digest(CERTIFICATE) };
    const configuration = { clientCertificate: "socket" };
    const with_ = der => ({ clientCertificate: der.toString("base64") });
    const bound = (s, more, claims = { cnf }) => s.bearer(s.token({ claims }), more);
    const right = s => bound(s, with_(CERTIFICATE));
    const more = { configuration, good: right };
    refuses(
        "token_bound",
        ["N11", "B10.1", "B10.6"],
        "none",
        "A token that is bound to a certificate, and none came",
        s => bound(s),
        more
    );
    refuses(
        "certificate_mismatch",
        ["N12", "B10.1", "B10.2"],
        "another",
        "Another certificate",
        s => bound(s, with_(Buffer.from("another"))),
        more
    );
    refuses(
        "token_bound",
        ["N13", "B10.5", "B12.4"],
        "field-of-client",
        "The certificate in a field that no proxy wrote",
        s => {
            const request = bound(s);
            return {
                ...request,
                fields: [...request.fields, ["Client-Cert", `:${CERTIFICATE.toString("base64")}:`]]
            };
        },
        more
    );
    const fromProxy = (s, text) => {
        const request = bound(s, { remoteAddress: "10.0.0.1" });
        return { ...request, fields: [...request.fields, ["Client-Cert", text]] };
    };
    const field = der => `:${der.toString("base64")}:`;
    const proxied = {
        configuration: { clientCertificate: "header", trustProxy: ["10.0.0.0/8"] },
        good: s => fromProxy(s, field(CERTIFICATE))
    };
    refuses(
        "certificate_mismatch",
        ["N13", "B10.5"],
        "field-of-proxy",
        "Another certificate, in the field of a trusted proxy",
        s => fromProxy(s, field(Buffer.from("another"))),
        proxied
    );
    refuses(
        "token_bound",
        ["N13", "B10.5"],
        "field-malformed",
        "A field of a trusted proxy that is no byte sequence",
        s => fromProxy(s, CERTIFICATE.toString("base64")),
        proxied
    );
    refuses(
        "token_bound",
        ["N13", "B10.5"],
        "field-of-another",
        "The field of a sender that is no proxy",
        s => ({ ...fromProxy(s, field(CERTIFICATE)), remoteAddress: "192.0.2.1" }),
        proxied
    );
    const both = s =>
        s.bound({
            claims: {
                cnf: { ...cnf, jkt: JSON.parse(Buffer.from(s.bound().split(".")[1], "base64url")).cnf.jkt }
            }
        });
    const proven = (s, extra) => {
        const token = both(s);
        return s.dpop(token, s.proof(token), extra);
    };
    refuses(
        "token_bound",
        ["N14", "B10.6"],
        "both-no-certificate",
        "Bound to a key and a certificate, and the key alone is proved",
        s => proven(s, {}),
        { configuration, good: s => proven(s, with_(CERTIFICATE)) }
    );
    refuses(
        "token_bound",
        ["N14", "B10.6"],
        "both-no-proof",
        "Bound to a key and a certificate, and the certificate alone came",
        s => s.bearer(both(s), with_(CERTIFICATE)),
        { configuration, good: s => proven(s, with_(CERTIFICATE)) }
    );
    refuses(
        "token_unbound",
        ["N11"],
        "required",
        "An unbound token, where a certificate is required",
        s => s.bearer(s.token(), with_(CERTIFICATE)),
        { configuration: { ...configuration, certificate: "required" }, good: right }
    );
    refuses(
        "token_unbound",
        ["B12.4"],
        "sender-constrained",
        "An unbound token, where a binding is required",
        s => s.bearer(),
        {
            configuration: { senderConstrained: "required" },
            good: s => s.proven(),
            clause: "RFC 9700 section 2.2.1"
        }
    );
}

export function permissions(collector) {
    const { refuses, grants } = collector.topic("permissions", "authorization");
    const scopes = { scopes: ["read", "write"] };
    refuses(
        "scope_insufficient",
        ["P01", "B1.13", "B3.8", "B3.11"],
        "scope",
        "A scope that is lacking",
        s => s.bearer(),
        { rules: scopes, demand: { scope: "read write" }, good: BEARER }
    );
    grants(
        ["P01", "B1.5"],
        "scope-there",
        "All scopes are there",
        s => s.bearer(s.token({ claims: { scope: "write read" } })),
        { rules: scopes }
    );
    refuses(
        "token_expired",
        ["P04", "B4.5"],
        "expired-and-scope",
        "A token that is over lacks a scope too",
        s => s.bearer(s.token({ claims: { exp: 1 } })),
        { rules: scopes, good: BEARER }
    );
    const acr = { acr: ["mfa"] };
    refuses(
        "authentication_insufficient",
        ["P05", "B9.1", "B9.3"],
        "no-acr",
        "There is no acr",
        s => s.bearer(),
        { rules: acr, demand: { acr_values: "mfa" }, good: BEARER }
    );
    refuses(
        "authentication_insufficient",
        ["P05", "B9.1"],
        "weak-acr",
        "Another acr",
        s => s.bearer(s.token({ claims: { acr: "pwd" } })),
        { rules: acr, demand: { acr_values: "mfa" }, good: BEARER }
    );
    grants(
        ["P05", "B1.4", "B9.2"],
        "acr",
        "The acr that is asked for",
        s => s.bearer(s.token({ claims: { acr: "mfa" } })),
        { rules: acr }
    );
    const age = { maxAgeSeconds: 60 };
    refuses(
        "authentication_insufficient",
        ["P07", "B9.3"],
        "no-auth-time",
        "There is no auth_time",
        s => s.bearer(),
        { rules: age, demand: { max_age: "60" }, good: BEARER }
    );
    refuses(
        "authentication_insufficient",
        ["P07", "B9.1"],
        "long-ago",
        "The user signed in too long ago",
        s => s.bearer(s.token({ claims: { auth_time: 1_799_999_900 } })),
        { rules: age, demand: { max_age: "60" }, good: BEARER }
    );
    grants(
        ["P07", "B9.2"],
        "lately",
        "The user signed in lately",
        s => s.bearer(s.token({ claims: { auth_time: 1_799_999_990 } })),
        { rules: age }
    );
    refuses(
        "signature_invalid",
        ["P11", "B9.4"],
        "bad-token",
        "A bad token is not told what would be needed",
        s => s.bearer(s.token({ sign: (make, input) => make(input, "stranger", "RS256") })),
        { rules: acr, good: BEARER }
    );
    refuses("authentication_insufficient", ["P12", "B9.1"], "dpop", "Step-up with DPoP", s => s.proven(), {
        rules: acr,
        demand: { acr_values: "mfa" },
        good: PROOF
    });
}
