//! The table of docs/proxies.md: what each proxy sends, and the URI that comes of it with the option that the table names.

use oidc_spa_native::request::{ProxyTrust, RequestHead, TargetUri};

const DOCUMENT: &str = include_str!("../../docs/proxies.md");
const ITEMS: &str = "https://api.example.com/v1/items";

/// A request behind a proxy, as this server sees it, and the URI that the client saw.
struct Row {
    proxy: &'static str,
    head: RequestHead<'static>,
    uri: &'static str,
}

/// What arrives over plain HTTP from a proxy in 10.0.0.0/8.
fn from_proxy(proxy: &'static str, host: &'static str, fields: RequestHead<'static>) -> Row {
    let head = RequestHead {
        method: "GET",
        url: if fields.url.is_empty() { "/v1/items" } else { fields.url },
        connection_scheme: Some("http"),
        host: Some(host),
        remote_address: fields.remote_address.or(Some("10.0.0.1")),
        ..fields
    };
    Row { proxy, head, uri: ITEMS }
}

/// The fields that clients send along in vain are written where the proxy appends, and where the option reads no field.
fn rows() -> Vec<Row> {
    let none = RequestHead::default();
    let client = Some("203.0.113.7");
    let (https, api) = (Some("https"), "api.example.com");
    let spoofed_host = Some("evil.example");
    let common = RequestHead {
        x_forwarded_proto: https,
        x_forwarded_host: Some(api),
        x_forwarded_for: client,
        ..none
    };
    let unread = RequestHead { x_forwarded_proto: https, x_forwarded_host: spoofed_host, ..none };
    vec![
        from_proxy("nginx", "127.0.0.1:3000", common),
        from_proxy("ingress-nginx", api, RequestHead { x_forwarded_port: Some("443"), ..common }),
        // Behind a load balancer that ends TLS.
        from_proxy("ingress-nginx", api, RequestHead { x_forwarded_port: Some("80"), ..common }),
        from_proxy("Traefik", api, RequestHead { x_forwarded_port: Some("443"), ..common }),
        from_proxy(
            "Traefik",
            api,
            RequestHead { x_forwarded_proto: Some("wss"), x_forwarded_port: Some("443"), ..common },
        ),
        Row {
            uri: "https://api.example.com/shop/v1/items",
            ..from_proxy("Traefik", api, RequestHead { x_forwarded_prefix: Some("/shop"), ..common })
        },
        from_proxy(
            "Envoy, Istio",
            api,
            RequestHead { x_forwarded_proto: https, x_forwarded_for: Some("evil, 203.0.113.7"), ..none },
        ),
        from_proxy("HAProxy", api, common),
        from_proxy("Caddy", api, common),
        from_proxy(
            "Apache httpd",
            "127.0.0.1:3000",
            RequestHead {
                x_forwarded_proto: https,
                x_forwarded_host: Some("evil.example, api.example.com"),
                x_forwarded_for: Some("10.0.0.9, 203.0.113.7"),
                ..none
            },
        ),
        from_proxy(
            "AWS Application Load Balancer",
            api,
            RequestHead {
                x_forwarded_port: Some("443"),
                x_forwarded_for: Some("10.0.0.9, 203.0.113.7"),
                ..unread
            },
        ),
        Row {
            uri: "https://abc123.execute-api.eu-west-1.amazonaws.com/dev/v1/items",
            ..from_proxy(
                "Amazon API Gateway",
                "internal.example.com",
                RequestHead {
                    // What a client wrote into X-Forwarded-* comes first.
                    forwarded: Some("host=evil.example, for=203.0.113.7;host=abc123.example;proto=https"),
                    ..unread
                },
            )
        },
        from_proxy(
            "Amazon CloudFront",
            "origin.example.com",
            RequestHead { x_forwarded_for: client, ..unread },
        ),
        from_proxy(
            "Google Cloud load balancers",
            api,
            RequestHead { x_forwarded_for: Some("203.0.113.7, 198.51.100.1"), ..unread },
        ),
        from_proxy(
            "Azure Application Gateway",
            "app.azurewebsites.net",
            RequestHead {
                x_forwarded_port: Some("443"),
                x_forwarded_for: Some("203.0.113.7:51234"),
                ..unread
            },
        ),
        from_proxy(
            "Azure Front Door",
            "app.azurewebsites.net",
            RequestHead { x_forwarded_for: Some("10.0.0.9, 203.0.113.7"), ..common },
        ),
        from_proxy(
            "Azure App Service",
            api,
            RequestHead {
                x_forwarded_for: Some("203.0.113.7:51234"),
                remote_address: Some("::ffff:169.254.130.1"),
                ..unread
            },
        ),
        from_proxy("Cloudflare", api, RequestHead { x_forwarded_for: client, ..unread }),
        from_proxy(
            "Vercel",
            api,
            RequestHead {
                forwarded: Some(
                    "for=203.0.113.7;host=api.example.com;proto=https;sig=0QmVhcmVyIGE=;exp=1800000000",
                ),
                ..common
            },
        ),
        from_proxy(
            "Fly",
            api,
            // The port may be a client's word.
            RequestHead {
                x_forwarded_port: Some("8443"),
                x_forwarded_for: Some("203.0.113.7, 198.51.100.1"),
                ..unread
            },
        ),
        from_proxy(
            "Heroku",
            api,
            RequestHead {
                x_forwarded_port: Some("443"),
                x_forwarded_for: Some("10.0.0.9, 203.0.113.7"),
                ..unread
            },
        ),
    ]
}

/// The table's rows: the proxy, and the option in its last column.
fn documented() -> Vec<(&'static str, ProxyTrust)> {
    let table = DOCUMENT.split("## Header fields of each proxy").nth(1).unwrap();
    let table = table.split("\n## ").next().unwrap();
    let rows = table.lines().filter(|line| line.starts_with("| ")).skip(2);
    rows.map(|row| {
        let cells: Vec<&str> = row.trim_matches('|').split('|').map(str::trim).collect();
        let [proxy, _, option, document] = cells.as_slice() else { panic!("four columns: {row}") };
        assert!(!document.is_empty(), "a row names its document, or says that it was not confirmed: {row}");
        (*proxy, trust(option.split('`').nth(1).unwrap()))
    })
    .collect()
}

/// The option, as an application writes it.
fn trust(option: &str) -> ProxyTrust {
    let (name, value) = option.split_once(": ").unwrap();
    let text = value.trim_matches(['[', ']', '"']);
    match (name, value) {
        ("publicBaseUrl", _) => ProxyTrust::PublicBaseUrl(TargetUri::parse(text).unwrap()),
        ("trustProxy", "true") => ProxyTrust::First,
        ("trustProxy", list) if list.starts_with('[') => ProxyTrust::Networks(vec![text.parse().unwrap()]),
        ("trustProxy", hops) => ProxyTrust::Hops(hops.parse().unwrap()),
        _ => panic!("{option}"),
    }
}

#[test]
fn each_proxy_of_the_document_leads_to_the_uri_that_the_client_saw() {
    let documented = documented();
    for Row { proxy, head, uri } in rows() {
        let (_, trust) =
            documented.iter().find(|(name, _)| *name == proxy).unwrap_or_else(|| panic!("{proxy}"));
        let found = head.target_uri(trust).map(|uri| uri.to_string());
        assert_eq!(found.as_deref().ok(), Some(uri), "{proxy}: {head:?} {trust:?}");
        // With nobody's word it would be another one.
        let alone = head.target_uri(&ProxyTrust::Nobody).map(|uri| uri.to_string());
        assert_ne!(alone.as_deref().ok(), Some(uri), "{proxy}");
    }
}

#[test]
fn each_proxy_of_the_document_is_tested() {
    let tested: Vec<&str> = rows().iter().map(|row| row.proxy).collect();
    let documented = documented();
    assert!(documented.len() >= 18, "{}", documented.len());
    for (proxy, _) in documented {
        assert!(tested.contains(&proxy), "{proxy} has no row");
    }
}

#[test]
fn what_a_client_writes_beside_a_proxy_that_writes_fields_moves_nothing() {
    let documented = documented();
    for Row { proxy, head, uri } in rows() {
        let (_, trust) = documented.iter().find(|(name, _)| *name == proxy).unwrap();
        let spoofed = RequestHead { forwarded: Some("host=evil.example;proto=http"), ..head };
        let found = spoofed.target_uri(trust).map(|uri| uri.to_string());
        // The client's word is refused as a contradiction, or nobody reads it.
        assert!(found.is_err() || found.as_deref().ok() == Some(uri), "{proxy}: {found:?}");
        if let Some(host) = head.x_forwarded_host.filter(|_| matches!(trust, ProxyTrust::Hops(_))) {
            let more = format!("evil.example, {host}");
            let found = RequestHead { x_forwarded_host: Some(&more), ..head }.target_uri(trust);
            assert_eq!(found.map(|uri| uri.to_string()).as_deref().ok(), Some(uri), "{proxy}");
        }
    }
}
