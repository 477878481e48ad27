// The whole application in a real browser, by a person's steps, on both guards.

import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { startApplication } from "../run/application.mjs";
import { newPerson, openBrowser, picture, violations } from "./browser.mjs";

/** As in `npm run todo`: a token outlives what is done with it. */
const LONG = 300;
/** So that tokens are renewed while one works, and sockets end soon. oidc-spa renews one that is five seconds old then. */
const SHORT = 12;

// At the same time: most of it is waiting for a token to end.
describe("in Chromium", { concurrency: true }, () => {
    for (const guard of ["drop-in", "validator"]) {
        steps(guard);
    }
});

function steps(guard) {
    describe(`guarded by ${guard}`, { concurrency: 1 }, () => {
        /** Pictures are taken, and axe is asked, of one of them: of the page that shows more. */
        const isFirst = guard === "validator";
        const log = [];
        let tokenSeconds = LONG;
        let folder;
        let application;
        let browser;
        let alice;
        let sam;

        before(async () => {
            folder = await mkdtemp(join(tmpdir(), "todo-browser-"));
            application = await startApplication({
                env: { PATH: process.env.PATH, GUARD: guard },
                folder,
                ports: [0, 0, 0],
                tokenSeconds: () => tokenSeconds,
                onLog: line => log.push(line)
            });
            browser = await openBrowser(join(folder, "home"));
            alice = await newPerson(browser);
            sam = await newPerson(browser);
        });
        after(async () => {
            await browser?.close();
            await application?.close();
            await rm(folder, { recursive: true });
        });

        /** No violation, and pictures. */
        async function look({ page }, name) {
            if (isFirst) {
                assert.deepEqual(await violations(page), [], name);
                await picture(page, name);
            }
        }

        /** The calls that the API refused meanwhile. Where it asks for a nonce, the page gets in at its second try. */
        async function refusedDuring(act) {
            const begun = log.length;
            await act();
            return log
                .slice(begun)
                .filter(({ status, code }) => status >= 400 && code !== "proof_nonce_required");
        }

        const heading = ({ page }, name) => page.getByRole("heading", { level: 1, name }).waitFor();
        const goTo = async ({ page }, name) => page.getByRole("link", { name, exact: true }).click();
        const titles = ({ page }) => page.locator(".list .item label").allTextContents();

        async function signIn(person, name) {
            await person.page.goto(application.webOrigin);
            await person.page.getByRole("button", { name: "Sign in" }).click();
            await person.page.getByRole("button", { name }).click();
            await heading(person, "Your list");
        }

        async function lesson({ page }, id) {
            const card = page.locator(`[data-lesson=${id}]`);
            await page.evaluate(id => {
                document.querySelector(`[data-lesson=${id}]`).open = true;
            }, id);
            await card.getByRole("button").click();
            await card.locator(".came").waitFor();
            const focused = await page.evaluate(
                () => document.activeElement.closest("[data-lesson]")?.dataset.lesson
            );
            assert.equal(focused, id, "the focus is not lost");
            return {
                verdict: await card.locator(".mark").textContent(),
                came: await card.locator(".came").textContent()
            };
        }

        test("signing in, by the keyboard alone", async () => {
            const { page } = alice;
            await page.goto(application.webOrigin);
            await heading(alice, "Your todos, and what guards them.");
            await look(alice, "1-welcome");
            const focused = () => page.evaluate(() => document.activeElement.textContent.trim());
            const tabTo = async text => {
                for (let presses = 0; (await focused()) !== text; presses++) {
                    assert.ok(presses < 10, `Tab leads to ${text}`);
                    await page.keyboard.press("Tab");
                }
                const { width, style } = await page.evaluate(() => {
                    const { outlineWidth, outlineStyle } = getComputedStyle(document.activeElement);
                    return { width: outlineWidth, style: outlineStyle };
                });
                assert.deepEqual([width, style], ["2px", "solid"], "the focus is visible");
            };
            await page.keyboard.press("Tab");
            assert.equal(await focused(), "Skip to the content");
            await tabTo("Sign in");
            await page.keyboard.press("Enter");
            await page.waitForURL("**/sign-in/**");
            await look(alice, "2-sign-in");
            await page.keyboard.press("Tab");
            assert.match(await focused(), /Alice Moreau/);
            await page.keyboard.press("Enter");
            await heading(alice, "Your list");
            await look(alice, "3-list");
        });

        test("todos are made, are there after a reload, renamed, completed and deleted", async () => {
            const { page } = alice;
            await page.getByRole("textbox", { name: "What is to be done" }).fill("Buy stamps");
            await page.keyboard.press("Enter");
            await page.getByText("Buy stamps").waitFor();
            await page.reload();
            await heading(alice, "Your list");
            assert.equal((await titles(alice)).at(-1), "Buy stamps");

            await page.getByRole("button", { name: "Rename Buy stamps" }).click();
            await page.getByRole("textbox", { name: "New title of Buy stamps" }).fill("Buy ten stamps");
            await page.keyboard.press("Enter");
            await page.getByRole("checkbox", { name: "Buy ten stamps" }).check();
            await page.getByText("3 to do.").waitFor();
            await page.reload();
            await heading(alice, "Your list");
            assert.ok(await page.getByRole("checkbox", { name: "Buy ten stamps" }).isChecked());
            await look(alice, "4-list-with-one-done");

            await page.getByRole("button", { name: "Delete Book the train to Lyon" }).click();
            await page.getByText("Book the train to Lyon").waitFor({ state: "detached" });
            assert.equal(
                await page.evaluate(() => document.activeElement.id),
                "title",
                "the focus is not lost"
            );
            assert.ok((await page.evaluate(() => window.shifted)) < 0.01, "nothing jumps about");
        });

        test("each lesson does what it says", async () => {
            for (const [id, came] of [
                ["replay", /401, proof_replayed/],
                ["bearer", /401, token_bound/],
                ["another", /404, todo_unknown/],
                ["expired", /401, token_expired/]
            ]) {
                const outcome = await lesson(alice, id);
                assert.equal(outcome.verdict, "As expected", outcome.came);
                assert.match(outcome.came, came);
                if (id === "replay") {
                    await alice.page.locator(".call summary").first().click();
                    await alice.page.locator(".call-body").getByText("This proof was used before.").waitFor();
                    const shown = await alice.page.locator(".call-body").first().textContent();
                    assert.match(shown, /htuhttp:[^ ]*\/todosiat/);
                    // The validator explains every check; of the drop-in there is the message alone.
                    assert.match(shown, /API saysDPoP proof replayed/);
                    const failed = alice.page.locator(".call-body > .checks").first();
                    if (guard === "validator") {
                        assert.match(await failed.textContent(), /^failedThe proof was not used before/);
                        await alice.page.locator(".all-checks summary").first().click();
                        const text = await alice.page.locator(".all-checks").first().textContent();
                        assert.match(text, /passedThe access token is for this API.*Expected.*Found https:/);
                        assert.match(text, /skippedThe client certificate/);
                    } else {
                        assert.equal(await failed.count(), 0);
                    }
                    await look(alice, "5-panel-after-a-replay");
                    await alice.page.locator(".call summary").first().click();
                }
            }
        });

        test("nobody is refused while keys rotate and the issuer is away", async () => {
            const { page } = alice;
            const refused = await refusedDuring(async () => {
                const rotated = await lesson(alice, "rotate");
                assert.equal(rotated.verdict, "As expected", rotated.came);
                assert.match(rotated.came, /200/);
                const away = await lesson(alice, "outage");
                assert.equal(away.verdict, "As expected", away.came);
                const stranger = await newPerson(browser);
                await stranger.page.goto(application.webOrigin);
                await stranger.page.getByText("nobody can sign in just now").waitFor();
                await look(stranger, "12-welcome-without-the-issuer");
                await stranger.page.context().close();
                await page.getByRole("checkbox", { name: "Water the plants on the balcony" }).check();
                await page.getByText("1 to do.").waitFor();
                await look(alice, "6-the-issuer-is-away");
                await page.getByRole("button", { name: "Bring it back" }).click();
                await page.getByRole("button", { name: "Bring it back" }).waitFor({ state: "detached" });
                assert.match(
                    await page.evaluate(() => document.activeElement.textContent),
                    /^Take the issuer away/,
                    "the focus is not lost"
                );
            });
            assert.deepEqual(refused, []);
        });

        test("the support staff's view is for the support staff", async () => {
            tokenSeconds = SHORT;
            await alice.page.reload();
            await goTo(alice, "Support");
            await heading(alice, "This is for the support staff");
            await alice.page.getByText("role_insufficient").first().waitFor();
            await look(alice, "7-support-refused");
            await signIn(sam, "Sam Okafor");
            await goTo(sam, "Support");
            await heading(sam, "Everybody's lists");
            await sam.page.getByRole("heading", { level: 2, name: "Alice Moreau" }).waitFor();
            await sam.page.getByText("Buy ten stamps").waitFor();
            await look(sam, "8-support");
        });

        test("two people chat", async () => {
            for (const person of [alice, sam]) {
                await goTo(person, "Chat");
                await person.page.getByText("Connected.").waitFor();
            }
            const say = async ({ page }, text) => {
                await page.getByRole("textbox", { name: "What you say" }).fill(text);
                await page.keyboard.press("Enter");
            };
            await say(alice, "Do exports hold deleted todos?");
            await sam.page.getByText("Do exports hold deleted todos?").waitFor();
            await say(sam, "No. What is deleted is gone.");
            await alice.page.getByText("No. What is deleted is gone.").waitFor();
            await look(alice, "9-chat");
        });

        test("the API starts again: the chat comes back by itself, and nothing is lost", async () => {
            await application.endApi();
            await sam.page.getByText("Trying again.").waitFor();
            await look(sam, "10-chat-without-the-api");
            await goTo(sam, "Support");
            await heading(sam, "This cannot be shown just now");
            await look(sam, "11-support-without-the-api");
            await application.startApi();
            await goTo(sam, "Chat");
            await alice.page.getByText("Connected.").waitFor();
            await sam.page.getByText("Connected.").waitFor();
            await goTo(alice, "List");
            await heading(alice, "Your list");
            assert.deepEqual(await titles(alice), [
                "Water the plants on the balcony",
                "Renew the library card",
                "Buy ten stamps"
            ]);
        });

        test("tokens are renewed while one works, and the chat's socket ends with its own and opens again", async () => {
            const { page } = alice;
            const tokens = new Set();
            page.on("request", request => {
                const { authorization } = request.headers();
                authorization?.startsWith("DPoP ") && tokens.add(authorization);
            });
            const ended = new Promise(resolve => {
                sam.page.on("websocket", resolve);
            });
            const box = page.getByRole("checkbox", { name: "Renew the library card" });
            const refused = await refusedDuring(async () => {
                while (tokens.size < 2) {
                    const done = await box.isChecked();
                    await box.click();
                    await page.getByText(done ? "1 to do." : "All done.").waitFor();
                    await page.waitForTimeout(500);
                }
                // Sam does nothing. A new socket means that the one before has ended.
                await ended;
                await sam.page.getByText("Connected.").waitFor();
            });
            assert.deepEqual(refused, []);
        });

        test("signing out, and what is refused afterwards", async () => {
            const { page } = alice;
            await page.getByRole("button", { name: "Sign out" }).click();
            await heading(alice, "Your todos, and what guards them.");
            const status = await page.evaluate(
                async url => (await fetch(url)).status,
                `${application.apiUrl}/todos`
            );
            assert.equal(status, 401);
            await page.goto(`${application.webOrigin}/todos`);
            await page.waitForURL("**/sign-in/**");
        });

        test("nothing went wrong in the pages", () => {
            assert.deepEqual([alice.faults, sam.faults], [[], []]);
        });
    });
}
