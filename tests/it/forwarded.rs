//! Whose word is taken for the URI that the client saw: absolute-form targets, what frameworks make of them, and forwarded
//! fields as proxies and clients write them.

use oidc_spa_native::request::{ProxyTrust, RequestHead, TargetUri};

const ITEMS: &str = "https://api.example/v1/items";

fn head(url: &'static str, host: &'static str) -> RequestHead<'static> {
    let connection_scheme = Some("https");
    RequestHead { method: "GET", url, host: Some(host), connection_scheme, ..RequestHead::default() }
}

fn uri(head: RequestHead<'_>, trust: &ProxyTrust) -> Option<String> {
    head.target_uri(trust).ok().map(|uri| uri.to_string())
}

#[test]
fn an_absolute_form_target_names_the_origin_that_is_known_without_it() {
    let (nobody, first) = (&ProxyTrust::Nobody, &ProxyTrust::First);
    let own = head("https://api.example/v1/items?x", "api.example");
    let Some(base) = TargetUri::parse("https://api.example/base") else { unreachable!() };
    let base = &ProxyTrust::PublicBaseUrl(base);
    for url in
        ["https://api.example/v1/items", "HTTPS://API.example:443/v1/items", "https://api.example:/v1/items"]
    {
        assert_eq!(uri(RequestHead { url, ..own }, nobody).as_deref(), Some(ITEMS), "{url}");
    }
    assert_eq!(uri(own, base).as_deref(), Some("https://api.example/base/v1/items"));
    // Without a path it is the base itself.
    let bare = RequestHead { url: "https://api.example?x", ..own };
    assert_eq!(uri(bare, base).as_deref(), Some("https://api.example/base"));
    assert_eq!(uri(bare, nobody).as_deref(), Some("https://api.example/"));
    let forwarded = RequestHead { x_forwarded_host: Some("api.example"), host: Some("inner"), ..own };
    assert_eq!(uri(forwarded, first).as_deref(), Some(ITEMS));
    for url in [
        "https://other.example/v1/items",
        "http://api.example/v1/items",
        "https://api.example:8443/v1/items",
        "https://u@api.example/v1/items",
        "https://api.example@other.example/v1/items",
        "https://api.example.other.example/v1/items",
        "https:///v1/items",
        "https://[::1]/v1/items",
    ] {
        for (head, trust) in [(own, nobody), (own, base), (forwarded, first), (own, first)] {
            assert_eq!(uri(RequestHead { url, ..head }, trust), None, "{url} {trust:?}");
        }
    }
    let twice = RequestHead { host_repeated: true, ..own };
    assert_eq!(uri(twice, nobody), None);
    // HTTP/1.0 may come without Host: then nothing but the target itself says what this server is.
    assert_eq!(uri(RequestHead { host: None, ..own }, nobody), None);
    assert_eq!(
        uri(RequestHead { host: None, ..own }, base).as_deref(),
        Some("https://api.example/base/v1/items")
    );
}

/// Nothing else names a host that the port could contradict.
#[test]
fn the_port_of_other_fields_is_not_that_of_a_host_in_forwarded() {
    let head = RequestHead {
        host: None,
        forwarded: Some("proto=https;host=api.example"),
        x_forwarded_port: Some("8443"),
        ..head("/v1/items", "")
    };
    assert_eq!(uri(head, &ProxyTrust::First).as_deref(), Some(ITEMS));
}

#[test]
fn a_url_that_a_framework_made_names_the_host_of_the_request_or_somebody_says_which_is_meant() {
    let made =
        RequestHead { connection_scheme: None, ..head("http://localhost:3000/v1/items", "app.example") };
    let (nobody, first) = (&ProxyTrust::Nobody, &ProxyTrust::First);
    assert_eq!(uri(made, nobody), None);
    assert_eq!(uri(made, first), None);
    for host in [None, Some("localhost:3000"), Some("LOCALHOST:3000")] {
        let same = uri(RequestHead { host, ..made }, nobody);
        assert_eq!(same.as_deref(), Some("http://localhost:3000/v1/items"), "{host:?}");
    }
    let behind =
        RequestHead { x_forwarded_host: Some("api.example"), x_forwarded_proto: Some("https"), ..made };
    assert_eq!(uri(behind, first).as_deref(), Some(ITEMS));
    let Some(base) = TargetUri::parse("https://api.example") else { unreachable!() };
    assert_eq!(uri(made, &ProxyTrust::PublicBaseUrl(base)).as_deref(), Some(ITEMS));
    // What a proxy that writes no host left as it was, the URL tells too.
    let of_client = RequestHead {
        host: None,
        forwarded: Some("host=api.example"),
        x_forwarded_for: Some("192.0.2.1"),
        ..made
    };
    assert_eq!(uri(of_client, first), None);
    let own = RequestHead { forwarded: Some("host=\"localhost:3000\""), ..of_client };
    assert_eq!(uri(own, first).as_deref(), Some("http://localhost:3000/v1/items"));
    // The drop-in reads the URL alone, as oidc-spa does.
    for trusts_proxies in [false, true] {
        let found = uri(made, &ProxyTrust::OidcSpa { trusts_proxies });
        assert_eq!(found.as_deref(), Some("http://localhost:3000/v1/items"));
    }
}

#[test]
fn a_websocket_scheme_is_that_of_the_page_that_it_belongs_to() {
    let behind = RequestHead { connection_scheme: Some("http"), ..head("/chat", "api.example") };
    for (proto, expected) in
        [("wss", "https"), ("WSS", "https"), ("wss:", "https"), ("ws", "http"), ("https", "https")]
    {
        let expected = format!("{expected}://api.example/chat");
        let common = RequestHead { x_forwarded_proto: Some(proto), ..behind };
        let element = format!("proto={proto}");
        let standard = RequestHead { forwarded: Some(&element), ..behind };
        for head in [common, standard] {
            assert_eq!(uri(head, &ProxyTrust::First).as_deref(), Some(expected.as_str()), "{proto}");
        }
        // A client's contradiction is seen through both names.
        assert!(
            uri(RequestHead { x_forwarded_proto: Some("https"), ..standard }, &ProxyTrust::First).is_some()
                == expected.starts_with("https")
        );
    }
    let drop_in = &ProxyTrust::OidcSpa { trusts_proxies: true };
    let wss = RequestHead { x_forwarded_proto: Some("wss"), ..behind };
    assert_eq!(uri(wss, drop_in).as_deref(), Some("http://api.example/chat"));
}

#[test]
fn the_port_of_the_other_scheme_is_that_of_a_proxy_inside() {
    let public = RequestHead {
        connection_scheme: Some("http"),
        x_forwarded_proto: Some("https"),
        x_forwarded_host: Some("api.example"),
        ..head("/v1/items", "inner:3000")
    };
    let first = &ProxyTrust::First;
    for port in ["80", "443", "80, 8443", ""] {
        assert_eq!(
            uri(RequestHead { x_forwarded_port: Some(port), ..public }, first).as_deref(),
            Some(ITEMS)
        );
    }
    let other = RequestHead { x_forwarded_port: Some("8080"), ..public };
    assert_eq!(uri(other, first).as_deref(), Some("https://api.example:8080/v1/items"));
    let plain = RequestHead { x_forwarded_proto: Some("http"), x_forwarded_port: Some("443"), ..public };
    assert_eq!(uri(plain, first).as_deref(), Some("http://api.example/v1/items"));
    for host in ["api.example:80", "api.example:443"] {
        let forwarded = RequestHead { x_forwarded_host: Some(host), ..public };
        assert_eq!(uri(forwarded, first).as_deref(), Some(ITEMS), "{host}");
        let left = RequestHead { x_forwarded_host: None, host: Some(host), ..public };
        assert_eq!(uri(left, first).as_deref(), Some(ITEMS), "{host}");
    }
    // Where nobody forwards a scheme, the port is the client's own.
    let direct = head("/v1/items", "api.example:80");
    assert_eq!(uri(direct, &ProxyTrust::Nobody).as_deref(), Some("https://api.example:80/v1/items"));
    let drop_in = &ProxyTrust::OidcSpa { trusts_proxies: true };
    let kept = RequestHead { x_forwarded_host: Some("api.example:80"), ..public };
    assert_eq!(uri(kept, drop_in).as_deref(), Some("https://api.example:80/v1/items"));
}

#[test]
fn a_scheme_that_stands_alone_is_that_of_every_proxy_and_a_host_is_nobodys() {
    let behind = RequestHead {
        connection_scheme: Some("http"),
        x_forwarded_proto: Some("https"),
        ..head("/v1/items", "api.example")
    };
    for hops in 1..=3 {
        assert_eq!(uri(behind, &ProxyTrust::Hops(hops)).as_deref(), Some(ITEMS), "{hops}");
    }
    // Two values for three proxies: one of them wrote nothing, and which is not known.
    let two = RequestHead { x_forwarded_proto: Some("https, https"), ..behind };
    assert_eq!(uri(two, &ProxyTrust::Hops(2)).as_deref(), Some(ITEMS));
    for list in ["https, https", ", https", "https,"] {
        let found = uri(RequestHead { x_forwarded_proto: Some(list), ..behind }, &ProxyTrust::Hops(3));
        assert_eq!(found.as_deref(), Some("http://api.example/v1/items"), "{list}");
    }
    // A client may have written a host that two proxies pass on untouched.
    let spoofed = [
        RequestHead { x_forwarded_host: Some("evil.example"), ..behind },
        RequestHead { forwarded: Some("host=evil.example;proto=https"), x_forwarded_proto: None, ..behind },
    ];
    for head in spoofed {
        assert_eq!(uri(head, &ProxyTrust::Hops(2)).as_deref(), Some(ITEMS));
        assert_ne!(uri(head, &ProxyTrust::Hops(1)).as_deref(), Some(ITEMS));
    }
}

#[test]
fn a_forwarded_field_is_taken_apart_around_its_quotes() {
    let behind = RequestHead { connection_scheme: Some("http"), ..head("/v1/items", "api.example") };
    let last = &ProxyTrust::Hops(1);
    for good in [
        "host=api.example;proto=https",
        "Host=\"api.example\" ; Proto=\"https\"",
        "for=\"[2001:db8::1]:80\";host=api.example;proto=https",
        "by=\"a;host=evil.example,b\";host=api.example;proto=https",
        "by=\"\\\";host=evil.example\";host=api.example;proto=https",
        "host=\"evil.example\";proto=http, host=api.example;proto=https",
        ", ,host=api.example;proto=https,,",
        ";;=;x;host=api.example;proto=https;",
    ] {
        assert_eq!(
            uri(RequestHead { forwarded: Some(good), ..behind }, last).as_deref(),
            Some(ITEMS),
            "{good}"
        );
    }
    for bad in [
        "by=\"x, host=api.example;proto=https",
        "by=\"x, for=\"1.2.3.4\";host=\"api.example\";proto=https",
        "by=\"x\\, host=\"api.example\";proto=https",
        "host=api.example;proto=https;host=evil.example",
        "host=api.example;proto=https;PROTO=http",
        "host=\"api.example;proto=https",
        "host=\u{a0}api.example;proto=https",
        "host=\"api\\.example\";proto=https",
    ] {
        assert_eq!(uri(RequestHead { forwarded: Some(bad), ..behind }, last), None, "{bad}");
    }
}

#[test]
fn a_proxys_address_is_known_however_it_is_written() {
    let networks = ["10.0.0.0/8", "fd00::/8", "fe80::/10"].map(|network| network.parse().unwrap());
    let trust = ProxyTrust::Networks(networks.to_vec());
    let behind = RequestHead { connection_scheme: Some("http"), ..head("/v1/items", "api.example") };
    let through = |connection: &str, list: &str, protos: &str| {
        let head = RequestHead {
            remote_address: Some(connection),
            x_forwarded_for: Some(list),
            x_forwarded_proto: Some(protos),
            ..behind
        };
        uri(head, &trust).is_some_and(|uri| uri == ITEMS)
    };
    for address in [
        "10.1.2.3",
        "10.1.2.3:40000",
        "::ffff:10.1.2.3",
        "::ffff:a01:203",
        "[::ffff:10.1.2.3]:40000",
        "fd00::1",
        "[fd00::1]",
        "[FD00::1]:40000",
        "fe80::1%eth0",
        "[fe80::1%25eth0]:40000",
    ] {
        assert!(through(address, "203.0.113.7", "http, https"), "{address}");
        assert!(through("10.0.0.1", &format!("203.0.113.7:51234, {address}"), "https, http"), "{address}");
        assert!(through("10.0.0.1", &format!("203.0.113.7 ,\t{address} "), "https, http"), "{address}");
    }
    for address in [
        "",
        "unknown",
        "_hidden",
        "11.0.0.1",
        "10.1.2",
        "010.1.2.3",
        "0xa010203",
        "10.1.2.3:x",
        "10.1.2.3:400000",
        "10.1.2.3%eth0",
        "[10.1.2.3]",
        "[fd00::1",
        "[fd00::1]x",
        "fd00::1]",
        "::10.1.2.3",
        "\u{a0}10.1.2.3",
        "10.1.2.3.example",
        "2001:db8::1",
    ] {
        assert!(!through(address, "203.0.113.7", "https"), "{address:?}");
        assert!(!through("10.0.0.1", &format!("203.0.113.7, {address}"), "https, http"), "{address:?}");
    }
}
