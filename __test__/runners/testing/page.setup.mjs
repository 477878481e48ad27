import { chromium } from "playwright-core";

/** Chromium of this machine. */
export const launch = () => chromium.launch({ executablePath: process.env.CHROMIUM, args: ["--no-sandbox"] });

/** The application, with a page that shows what it says of the user. */
export function withPage(app) {
    app.get("/", (_req, res) => {
        res.send(`<!doctype html><title>Me</title><output></output><script type="module">
            const response = await fetch("/me");
            const said = response.ok ? (await response.json()).hello : response.status;
            document.querySelector("output").textContent = said;
        </script>`);
    });
    return app;
}
