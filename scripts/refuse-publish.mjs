// `npm publish` in this folder would publish a package without its platform packages.

console.error(
    "This folder is not what is published. `npm run pack:check` builds, packs and tries the packages; " +
        "publish the tarballs that it leaves in target/packages, the platform packages first."
);
process.exit(1);
