const { cases } = require("./cases.cjs");

cases({
    test,
    expect,
    main: require("oidc-spa-native"),
    server: require("oidc-spa-native/server"),
    authorization: require("oidc-spa-native/authorization"),
    fetch: require("oidc-spa-native/fetch"),
    own: 1
});
