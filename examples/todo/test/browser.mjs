// Chromium for the tests: people who sign in, pictures of what they see, and what axe says of it.

import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { chromium } from "playwright-core";
import { commandOf } from "../../../scripts/programs.mjs";
import { HERE } from "../run/build.mjs";

const AXE = readFileSync(fileURLToPath(import.meta.resolve("axe-core/axe.min.js")), "utf8");
const SHOTS = join(HERE, "shots");
const DESKTOP = { width: 1280, height: 900 };
const PHONE = { width: 390, height: 844 };

/** @param {string} home - an empty folder for what Chromium writes */
export async function openBrowser(home) {
    mkdirSync(SHOTS, { recursive: true });
    const quiet = [
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync"
    ];
    return chromium.launch({
        executablePath: commandOf("chromium"),
        args: ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--disable-quic", ...quiet],
        env: { ...process.env, HOME: home, XDG_CONFIG_HOME: home, XDG_CACHE_HOME: home }
    });
}

/** A person with a browser of their own. `faults` collects what went wrong in the page. */
export async function newPerson(browser) {
    const context = await browser.newContext({ viewport: DESKTOP, colorScheme: "light", locale: "en-GB" });
    await context.addInitScript(() => {
        window.shifted = 0;
        new PerformanceObserver(list => {
            for (const { value, hadRecentInput } of list.getEntries()) {
                window.shifted += hadRecentInput ? 0 : value;
            }
        }).observe({ type: "layout-shift", buffered: true });
    });
    const page = await context.newPage();
    page.setDefaultTimeout(15_000);
    const faults = [];
    page.on("pageerror", error => faults.push(String(error)));
    page.on("console", message => {
        // A refused call is a line or two in the console; what it was is asserted elsewhere.
        if (
            message.type() === "error" &&
            !/Failed to load resource|WebSocket connection|^ApiError/.test(message.text())
        ) {
            faults.push(message.text());
        }
    });
    return { page, faults };
}

/** Pictures of what is there now: light and dark, wide and on a phone. */
export async function picture(page, name) {
    for (const [size, viewport] of Object.entries({ desktop: DESKTOP, phone: PHONE })) {
        await page.setViewportSize(viewport);
        for (const colorScheme of ["light", "dark"]) {
            await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
            await page.evaluate(() => window.scrollTo(0, 0));
            const path = join(SHOTS, `${name}-${size}-${colorScheme}.png`);
            await page.screenshot({ path, fullPage: true, animations: "disabled" });
        }
    }
    await page.setViewportSize(DESKTOP);
    await page.emulateMedia({ colorScheme: "light" });
}

/** What axe finds, in both colour schemes and on both widths: nothing, if all is well. */
export async function violations(page) {
    const found = [];
    for (const viewport of [DESKTOP, PHONE]) {
        await page.setViewportSize(viewport);
        for (const colorScheme of ["light", "dark"]) {
            await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
            const { violations, overflow } = await page.evaluate(`(async () => {
                ${AXE};
                const { violations } = await axe.run();
                const { scrollWidth, clientWidth } = document.documentElement;
                return { violations, overflow: scrollWidth - clientWidth };
            })()`);
            const where = `${viewport.width} px, ${colorScheme}`;
            found.push(
                ...violations.map(
                    ({ id, nodes }) => `${where}: ${id}: ${nodes.map(({ html }) => html).join(" | ")}`
                ),
                ...(overflow > 0 ? [`${where}: the page is ${overflow} px too wide`] : [])
            );
        }
    }
    await page.setViewportSize(DESKTOP);
    await page.emulateMedia({ colorScheme: "light" });
    return found;
}
