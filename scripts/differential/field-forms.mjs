// Ways to write the same thing, or nearly the same: `htu`, the field `Authorization`, the field `DPoP`.

export const HTU_FORMS = {
    "capital scheme": () => "HTTPS://api.example/v1/items",
    "capital host": () => "https://API.Example/v1/items",
    "default port": () => "https://api.example:443/v1/items",
    "other port": () => "https://api.example:8443/v1/items",
    "empty port": () => "https://api.example:/v1/items",
    http: () => "http://api.example/v1/items",
    "encoded letter": () => "https://api.example/v1/%69tems",
    "encoded slash": () => "https://api.example/v1%2Fitems",
    "dot segments": () => "https://api.example/v1/./x/../items",
    "encoded dot segments": () => "https://api.example/v1/x/%2e%2e/items",
    query: () => "https://api.example/v1/items?x=1",
    fragment: () => "https://api.example/v1/items#top",
    "slash at the end": () => "https://api.example/v1/items/",
    "double slash": () => "https://api.example//v1/items",
    "capital path": () => "https://api.example/V1/items",
    user: () => "https://user@api.example/v1/items",
    "no path": () => "https://api.example",
    "path alone": () => "/v1/items",
    "no scheme": () => "//api.example/v1/items",
    "dot after the host": () => "https://api.example./v1/items",
    "back slashes": () => "https:\\\\api.example\\v1\\items",
    "one slash": () => "https:/api.example/v1/items",
    space: () => " https://api.example/v1/items ",
    tab: () => "https://api.example/v1/\titems",
    "other host": () => "https://api.example.evil.example/v1/items",
    "non-ASCII path": () => "https://api.example/v1/items\u00e9",
    "no URI": () => "items"
};

export const AUTHORIZATION_FORMS = {
    "small letters": (token, scheme) => `${scheme.toLowerCase()} ${token}`,
    capitals: (token, scheme) => `${scheme.toUpperCase()} ${token}`,
    "two spaces": (token, scheme) => `${scheme}  ${token}`,
    tab: (token, scheme) => `${scheme}\t${token}`,
    "space before": (token, scheme) => ` ${scheme} ${token}`,
    "space after": (token, scheme) => `${scheme} ${token} `,
    "comma after": (token, scheme) => `${scheme} ${token},`,
    "parameter after": (token, scheme) => `${scheme} ${token}, realm="x"`,
    quotes: (token, scheme) => `${scheme} "${token}"`,
    "no space": (token, scheme) => `${scheme}${token}`,
    colon: (token, scheme) => `${scheme}: ${token}`,
    "scheme alone": (_, scheme) => scheme,
    "token alone": token => token,
    empty: () => "",
    "other scheme": token => `Token ${token}`,
    "the other scheme": (token, scheme) => `${scheme === "DPoP" ? "Bearer" : "DPoP"} ${token}`,
    twice: (token, scheme) => [`${scheme} ${token}`, `${scheme} ${token}`],
    "twice, another one first": (token, scheme) => ["Basic dTpw", `${scheme} ${token}`],
    "no-break space": (token, scheme) => `${scheme}\u00a0${token}`
};

export const PROOF_FIELDS = {
    "no field": () => [],
    "empty field": () => [""],
    twice: proof => [proof, proof],
    "twice, another one last": proof => [proof, "x.y.z"],
    "in one field": proof => [`${proof}, ${proof}`],
    quotes: proof => [`"${proof}"`],
    "spaces around": proof => [` ${proof} `],
    "comma after": proof => [`${proof},`]
};
