// Where the drop-in answers otherwise than oidc-spa/server 10.2.11, on purpose. The differential test fails on a
// difference that is not here, and on an entry that no longer differs.

export interface IntendedDifference {
    readonly id: string;
    /** Which line of docs/compatibility.md it belongs to, in a few words. */
    readonly row: string;
    readonly what: string;
    /** What the drop-in answers. "answered otherwise": the same verdict, with other details. */
    readonly here: "accepted" | "refused" | "not started" | "answered otherwise";
    /** Every case that one of these matches must differ. */
    readonly cases: readonly RegExp[];
}

export const INTENDED_DIFFERENCES: readonly IntendedDifference[] = [
    {
        id: "eddsa",
        row: "no EdDSA",
        what: "EdDSA and Ed25519 are accepted, of issuers and of clients.",
        here: "accepted",
        cases: [
            /^token\/alg\/(EdDSA|Ed25519)$/,
            /^token\/alg swap\/EdDSA signature named Ed25519$/,
            /^proof\/alg\/(EdDSA|Ed25519)$/,
            /^keys\/Ed25519( alone)?$/
        ]
    },
    {
        id: "eddsa, another key or algorithm",
        row: "no EdDSA",
        what: "Since EdDSA is known, what fails is the signature, not the algorithm or the key's kid.",
        here: "answered otherwise",
        cases: [
            /^token\/alg swap\/(RS256|PS384|ES256|ES512) signature named (EdDSA|Ed25519)$/,
            /^token\/alg swap\/EdDSA signature named (RS|PS|ES)\d+$/,
            /^token\/header\/kid\/of an Ed25519 key$/,
            /^proof\/header\/alg\/EdDSA$/
        ]
    },
    {
        id: "numbers that overflow",
        row: "JSON is strict, and what the policy reads is what the application gets",
        what: "A number that no double can hold is no JSON here; it would reach the application as Infinity.",
        here: "refused",
        cases: [
            /^token\/claim\/(?!nbf)\w+\/overflow$/,
            /^token\/time\/\w+\/D29 minus overflow$/,
            /^token\/time\/exp\/D31 ten thousand digits$/,
            /^token\/header\/(alg|kid)\/overflow$/,
            /^token\/schema\/realm_access overflow$/,
            /^proof\/claim\/(htm|htu|ath|iat|jti|exp|nonce)\/overflow$/,
            /^proof\/header\/(alg|jwk)\/overflow$/,
            /^proof\/nothing expected\/(htm|htu) overflow$/
        ]
    },
    {
        id: "typ",
        row: "dpop+jwt, logout+jwt and the like accepted as access tokens",
        what: "A typ that names another kind of JWT, or nothing that can be told, is refused.",
        here: "refused",
        cases: [
            /^token\/header\/typ\/(null|true|false|zero|one|minus one|fraction|overflow)$/,
            /^token\/header\/typ\/((empty |numeric )?string|empty array|array of \w+|nested array|(empty )?object)$/,
            /^token\/header\/typ\/(application\/x\/at\+jwt|at\+jwt;v=1| at\+jwt|at\+jwtNUL)$/,
            /^token\/header\/typ\/(application\/dpop\+jwt|dpop\+jwt|logout\+jwt|id_token|ID|Bearer|JWE)$/,
            /^token\/header\/typ\/(secevent|token-introspection|statuslist)\+jwt$/
        ]
    },
    {
        id: "confirmation that is not checked",
        row: "a certificate-bound token passes as a plain bearer token",
        what: "A token whose cnf names only methods that are not checked here is refused with either scheme.",
        here: "refused",
        cases: [
            /^token\/claim\/cnf\/(empty )?object$/,
            /^token\/cnf\/(bound tokens may pass\/)?(N08|N11|N15|unknown method|RFC 7800)/,
            /^token\/cnf\/bound tokens may pass\/N14/,
            /^proof\/binding\/N14/
        ]
    },
    {
        id: "critical and foreign header members",
        row: "crit is refused; zip and enc belong to encryption, b64 to RFC 7797, which JWTs must not use",
        what: "Header members that change what the signature means are refused, also where they are harmless.",
        here: "refused",
        cases: [/^token\/header\/extra\/(C18|C19|C41|C42)/, /^proof\/header\/extra\/(b64 true|zip|enc)$/]
    },
    {
        id: "duplicate members",
        row: "duplicate header members",
        what: "A member that stands twice, at any depth of header, payload or key, is refused.",
        here: "refused",
        cases: [
            /^token\/header\/extra\/(C07|C08|C10|duplicate)/,
            /^token\/payload\/(schema\/)?(D14|D16|D18|D19|duplicate)/,
            /^proof\/jwk\/J17/,
            /^proof\/header\/extra\/duplicate/,
            /^proof\/payload\/(J35|D18)/
        ]
    },
    {
        id: "text that is not strict JSON",
        row: "JSON is strict: UTF-8, no lone surrogate, depth 64",
        what: "A byte order mark, invalid UTF-8, lone surrogates, great depth and overlong headers are refused.",
        here: "refused",
        cases: [
            /^token\/(header|payload) json\/(BOM|invalid UTF-8|encoded surrogate)$/,
            /^token\/header\/extra\/(C44|C45|Q10)/,
            /^token\/payload\/(schema\/)?(D40 depth (70|300)|Q10)/
        ]
    },
    {
        id: "lenient base64",
        row: "lenient base64",
        what: "Padding, white space, the standard alphabet and stray bits are refused.",
        here: "refused",
        cases: [
            /^token\/compact\/(B09 padding on the (header|signature)|B09 signed padding of the header)$/,
            /^token\/compact\/(B10|B13|B14|B15|B19)/,
            /^token\/compact\/(space (before|after)|line feed)/,
            /^proof\/compact\/(padding|space (before|after))$/,
            /^proof\/compact\/(L09|J38)/,
            /^proof\/replay\/L09/
        ]
    },
    {
        id: "sizes",
        row: "sizes are bounded before anything is decoded",
        what: "Tokens over 16 KiB and proofs over 8 KiB are refused unread.",
        here: "refused",
        cases: [/^token\/compact\/B20 over/, /^proof\/compact\/J04 over/, /^proof\/htu\/(expected too\/)?K35/]
    },
    {
        id: "text of a client in a message",
        row: "attacker-chosen text never reaches a header or a log unescaped",
        what: "Control characters are escaped and long text is cut in the sentences that repeat what came.",
        here: "answered otherwise",
        cases: [
            /^token\/iss\/(configured with slash\/)?(D10 NUL|line break)$/,
            /^token\/aud\/E19/,
            /^token\/header\/alg\/ES256NUL$/,
            /^token\/header\/kid\/(O01|right-to-left|long)/,
            /^proof\/htu\/K28 tab$/
        ]
    },
    {
        id: "a schema's report in a message",
        row: "attacker-chosen text never reaches a header or a log unescaped",
        what: "What a schema says is one line, with control characters escaped: it may quote a claim.",
        here: "answered otherwise",
        cases: [/^token\/schema\/realm_access (?!overflow$)/]
    },
    {
        id: "values of a wrong type in a proof, in a message",
        row: "attacker-chosen text never reaches a header or a log unescaped",
        what: "Where a string was expected, the sentence names the type of what came instead of repeating it.",
        here: "answered otherwise",
        cases: [
            /^proof\/claim\/(htm|htu)\/(true|false|zero|one|minus one|fraction|empty array|array of \w+|nested array|(empty )?object)$/,
            /^proof\/nothing expected\/(htm|htu) (true|one|minus one|fraction|empty array|array of \w+|nested array|(empty )?object)$/,
            /^proof\/header\/alg\/(null|true|false|zero|one|minus one|fraction|empty array|array of \w+|nested array|(empty )?object)$/
        ]
    },
    {
        id: "htm and htu of a wrong type, where none is expected",
        row: "htm and htu are checked",
        what: "null, false and 0 are not the same as no claim.",
        here: "refused",
        cases: [/^proof\/nothing expected\/(htm|htu) (null|false|zero)$/]
    },
    {
        id: "jti",
        row: "empty or numeric jti accepted",
        what: "A jti is a string of 1 to 256 bytes.",
        here: "refused",
        cases: [
            /^proof\/claim\/jti\/(null|true|false|zero|one|minus one|fraction|empty string)$/,
            /^proof\/claim\/jti\/(empty array|array of \w+|nested array|(empty )?object)$/,
            /^proof\/jti\/257 bytes$/
        ]
    },
    {
        id: "typ of a proof that is not a string",
        row: "nothing that a client sends makes a validation throw",
        what: "The Promise is not rejected: the proof is refused.",
        here: "refused",
        cases: [
            /^proof\/header\/typ\/(null|true|false|zero|one|minus one|fraction|overflow)$/,
            /^proof\/header\/typ\/(empty array|array of \w+|nested array|(empty )?object)$/
        ]
    },
    {
        id: "typ of a proof with application/",
        row: "typ of dpop+jwt, as RFC 7515 section 4.1.9 compares it",
        what: "application/dpop+jwt is the same type as dpop+jwt.",
        here: "accepted",
        cases: [/^proof\/header\/typ\/application\/dpop\+jwt$/i]
    },
    {
        id: "keys in proofs",
        row: "private keys in jwk accepted; 5: key type, curve, use, key_ops and alg must agree",
        what: "A proof's key is a public key, written in the one way, for signatures of the header's algorithm.",
        here: "refused",
        cases: [
            /^proof\/jwk\/(J11 p$|J11 k|J13)/,
            /^proof\/jwk\/J14 use enc$/,
            /^proof\/jwk\/bound to it\/(J13|J14|J18)/
        ]
    },
    {
        id: "keys in proofs, another sentence",
        row: "private keys in jwk accepted; 5: key type, curve, use, key_ops and alg must agree",
        what: "A key that cannot be used is refused as such, before its thumbprint is compared and a signature is read.",
        here: "answered otherwise",
        cases: [
            /^proof\/jwk\/(J11 private d|J12|J14 key_ops|J18|F12|kty oct|crv other|J19)/,
            /^proof\/jwk\/bound to it\/(J11|J12)/
        ]
    },
    {
        id: "htu normalised",
        row: "htu compared as text",
        what: "Two ways to write one URL are one URL.",
        here: "accepted",
        cases: [/^proof\/htu\/(K07|K08|K09|K12|K16|K22|K25|K26)/]
    },
    {
        id: "htu that is no URL of a request",
        row: "htu compared as text",
        what: "A text that is no http(s) URL, or one with userinfo, is refused even where the application expects that text.",
        here: "refused",
        cases: [/^proof\/htu\/expected too\/(K10|K21|K27|K28|K29)/]
    },
    {
        id: "several proofs",
        row: "the first of several proofs is used",
        what: "Several proofs are refused as such, wherever they are seen first.",
        here: "refused",
        cases: [
            /^proof\/compact\/J02/,
            /^request\/dpop\/J02 two\/DPoP/,
            /^request\/node\/I12 DPoP as list of two$/
        ]
    },
    {
        id: "scheme in any case",
        row: "Bearer and DPoP case-sensitive",
        what: "Schemes are compared without regard to case.",
        here: "accepted",
        cases: [/^request\/authorization\/(lower case (bearer|dpop)|upper case bearer)\//]
    },
    {
        id: "several credentials",
        row: "the first of several is used",
        what: "Several Authorization fields are malformed, also where the framework shows only the first.",
        here: "refused",
        cases: [/^request\/node\/I10/, /^request\/node\/I12 Authorization as list of two$/]
    },
    {
        id: "credentials joined by a comma",
        row: "the first of several is used",
        what: "In Node's shapes too, a list stays what it is: a token that the next step refuses.",
        here: "answered otherwise",
        cases: [/^request\/authorization\/I08 list( of proofs)?\/(node|fastify)$/]
    },
    {
        id: "a list of one value",
        row: "a field that came once is read",
        what: "A header value that a framework holds as a list of one is that value.",
        here: "accepted",
        cases: [/^request\/node\/I12 Authorization as list of one$/]
    },
    {
        id: "target URI normalised",
        row: "the Host header is pasted into the URL",
        what: "The expected URL is written in RFC 3986's normal form; a host stays the text that it is.",
        here: "answered otherwise",
        cases: [
            /^request\/path\/(K16 encoded unreserved|K17 lower-case percent)\//,
            /^request\/host\/K30/,
            /^request\/target\/absolute, of this host\//
        ]
    },
    {
        id: "Host that is none",
        row: "the Host header is pasted into the URL",
        what: "A Host with userinfo, path, query or anything else that no host has is refused, as a missing one is.",
        here: "refused",
        cases: [
            /^request\/host\/K38 (userinfo|space)\//,
            /^request\/host\/K38 (path|query|fragment)\/(unified|node|fastify)$/,
            /^request\/host\/(port too large|K10|K32|K37|empty\/|list)/,
            /^request\/forwarded\/host with (userinfo|path)\/trusted\//
        ]
    },
    {
        id: "request target that is none",
        row: "the Host header is pasted into the URL",
        what: "A target that names no resource, or that no URI can hold, is refused for DPoP.",
        here: "refused",
        cases: [/^request\/path\/(K21|K28)/, /^request\/target\/(K46|absolute\/|empty|relative)/]
    },
    {
        id: "port behind a proxy",
        row: "X-Forwarded-Host keeps the inner port",
        what: "A forwarded host without a port means the default port, or that of X-Forwarded-Port.",
        here: "answered otherwise",
        cases: [
            /^request\/forwarded\/(host|host list|host upper case|proto and host)\/trusted\/http inner port\//,
            /^request\/forwarded\/Forwarded( case| list| proto only| as the others)?\/trusted\/http inner port\//,
            /^request\/forwarded\/K41/
        ]
    },
    {
        id: "Forwarded that contradicts",
        row: "the Host header is pasted into the URL",
        what: "Forwarded that contradicts X-Forwarded-*, Host or itself is refused for DPoP: one of them is a client's.",
        here: "refused",
        cases: [
            /^request\/forwarded\/Forwarded (wins|against Host|host twice|proto against the others)\/trusted\//,
            /^request\/forwarded\/Forwarded quote without end\/trusted\//
        ]
    },
    {
        id: "mounted routers",
        row: "mounted routers lose their prefix",
        what: "originalUrl is the URL that the client saw.",
        here: "answered otherwise",
        cases: [/^request\/node\/K48/]
    },
    {
        id: "bound tokens pass on a written false only",
        row: "a bound token is refused as Bearer, rejectIfAccessTokenDPoPBound: false aside",
        what: "A parameter that is absent or 0 is not false.",
        here: "refused",
        cases: [/^params\/reject (absent|zero), bound$/]
    },
    {
        id: "a set without a usable key",
        row: "key type, curve, use, key_ops and alg must agree; a private key is not used",
        what: "A JWK Set whose only key cannot verify anything is no start; there, each token fails instead.",
        here: "not started",
        cases: [
            /^keys\/(A22|alg of another curve|G04|G05|G02|G09 RSA 1024$|F08|RSA exponent 1)/,
            /^keys\/(G15|J18|F12)/,
            /^wycheproof\/(347|351|355|356)$/
        ]
    },
    {
        id: "an unusable key beside a good one",
        row: "one key without kid refuses the whole set",
        what: "A key that cannot be used costs only itself.",
        here: "accepted",
        cases: [/^keys\/(G19 kid absent|kid number|kty absent|entry null|entry string) beside/]
    },
    {
        id: "a set whose only key says null",
        row: "one key without kid refuses the whole set",
        what: "The set is read; a token finds its key to be for something else.",
        here: "refused",
        cases: [/^keys\/(alg|use) null$/]
    },
    {
        id: "a set whose only key has no kid",
        row: "one key without kid refuses the whole set",
        what: "The set is read; a token that names a kid finds no key in it.",
        here: "refused",
        cases: [/^keys\/(G19 kid absent|kid empty)$/]
    }
];
