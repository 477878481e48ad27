export default { output: "standalone", serverExternalPackages: ["oidc-spa-native"] };
