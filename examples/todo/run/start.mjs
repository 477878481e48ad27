// `npm run todo`: installs and builds what is missing, starts the issuer, the API and the page, and prints one line to open.

import { build } from "./build.mjs";

await build();
// Only now: it imports what was just installed and built.
const { startApplication } = await import("./application.mjs");
const verbose = process.argv.includes("--log");
let application;

// Before anything is started: whoever changes their mind meanwhile, or closes the terminal, leaves no process behind.
let ending = false;
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) {
    process.on(signal, async () => {
        if (ending || application === undefined) {
            process.exit(1);
        }
        ending = true;
        await application.close();
        console.log("\nEnded. Your todos are kept in examples/todo/data.");
        process.exit(0);
    });
}

application = await startApplication({ onLog: line => verbose && console.log(JSON.stringify(line)) });
console.log(`\nOpen ${application.webOrigin}   (Ctrl-C ends it; -- --log shows the API's log)\n`);
