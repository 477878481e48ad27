// The lessons of the panel: each does something that an attacker, an accident or an operator does, and says what should come of it.

import { accessToken, getOidc } from "../oidc";
import { settings } from "../settings";
import { wire, type Call } from "../wire";
import { meaningOf } from "./meaning";

export interface Outcome {
    /** Whether what came is what should have come. */
    readonly asExpected: boolean;
    readonly says: string;
}
export interface Lesson {
    readonly id: string;
    readonly title: string;
    readonly before: string;
    /** What should happen, said beforehand. */
    readonly expected: string;
    readonly button: string;
    /** Needs the issuer of this example: others do not do this for a page. */
    readonly needsBackstage?: true;
    /** How long to wait before it is done again, in seconds. */
    readonly pause?: number;
    run(): Promise<Outcome>;
}

const LIST = `${settings.apiUrl}/todos`;

export const LESSONS: readonly Lesson[] = [
    {
        id: "replay",
        title: "Replay the last proof",
        before: "Somebody copied your last call, token and proof and all, and sends it again.",
        expected: "401, proof_replayed: a proof is good once.",
        button: "Send it again",
        async run() {
            // A call that was let in: of one that was refused, the proof may be bad for another reason.
            await get(await accessToken());
            const { url, method, sent } = lastCall(({ answer }) => answer?.status === 200);
            await wire.send(url, { method, headers: sent });
            return refusedWith(401, "proof_replayed");
        }
    },
    {
        id: "bearer",
        title: "Send the token as Bearer",
        before: "Somebody stole your token, but not the key in your browser, so can make no proof.",
        expected: "401, token_bound: the token is worth nothing without its key.",
        button: "Send it without a proof",
        async run() {
            const headers = { Authorization: `Bearer ${await accessToken()}` };
            await wire.send(LIST, { headers });
            return refusedWith(401, "token_bound");
        }
    },
    {
        id: "another",
        title: "Change another person's todo",
        before: "Your token and proof are good, but the todo is somebody else's, and you know its id.",
        expected: "404, todo_unknown: the API looks among your own, and does not tell that there is one.",
        button: "Tick it off",
        needsBackstage: true,
        async run() {
            const oidc = await getOidc({ assert: "user logged in" });
            const { sub } = oidc.getDecodedIdToken();
            const { id } = await backstage("GET", `todo-of-another?sub=${encodeURIComponent(sub)}`);
            if (id === undefined) {
                return { asExpected: false, says: "The other person has no todo just now." };
            }
            await fetch(`${LIST}/${id}`, {
                method: "PATCH",
                headers: {
                    Authorization: `Bearer ${await accessToken()}`,
                    "Content-Type": "application/json"
                },
                body: JSON.stringify({ done: true })
            });
            return refusedWith(404, "todo_unknown");
        }
    },
    {
        id: "expired",
        title: "Call with a token that has ended",
        before: "The issuer gives out a token that lives for one second. After two, it comes with a fresh proof.",
        expected: "401, token_expired: a good proof does not make an old token young.",
        button: "Wait, then call",
        needsBackstage: true,
        async run() {
            const oidc = await getOidc({ assert: "user logged in" });
            let shortLived = "";
            const { unsubscribeFromAccessTokenRotation } = oidc.subscribeToAccessTokenRotation(token => {
                shortLived ||= token;
            });
            await oidc.renewTokens({ extraTokenParams: { lesson_lifetime: "1" } });
            unsubscribeFromAccessTokenRotation();
            await seconds(2.2);
            await get(shortLived);
            const outcome = refusedWith(401, "token_expired");
            await oidc.renewTokens();
            return outcome;
        }
    },
    {
        id: "rotate",
        title: "Rotate the issuer's keys",
        before: "The issuer signs with a new key from now on. The page gets a token that is signed with it.",
        expected: "200: the API meets a key that it does not know, asks the issuer once, and goes on.",
        button: "Rotate the keys",
        needsBackstage: true,
        // An API does not ask its issuer for every unknown key: this library asks every 30 seconds at most.
        pause: 31,
        async run() {
            const before = keyOf(await accessToken());
            await backstage("POST", "rotate");
            const oidc = await getOidc({ assert: "user logged in" });
            await oidc.renewTokens();
            const token = await accessToken();
            await get(token);
            const { answer } = lastCall();
            const asExpected = answer?.status === 200 && keyOf(token) !== before;
            return { asExpected, says: `Key ${before} before, ${keyOf(token)} now. ${said(answer)}` };
        }
    },
    {
        id: "outage",
        title: "Take the issuer away for a minute",
        before: "The issuer answers nothing for 60 seconds. Nobody can sign in or get a new token.",
        expected: "200: the API remembers the issuer's keys, and asks it for nothing.",
        button: "Take it away",
        needsBackstage: true,
        async run() {
            const oidc = await getOidc({ assert: "user logged in" });
            // The token must outlive the outage.
            await oidc.renewTokens();
            const { downUntil } = await backstage("POST", "outage?seconds=60");
            window.dispatchEvent(new CustomEvent("outage", { detail: downUntil }));
            const isGone = await fetch(`${settings.issuerUri}/jwks`).then(
                () => false,
                () => true
            );
            await get(await accessToken());
            const { answer } = lastCall();
            return {
                asExpected: isGone && answer?.status === 200,
                says: `${isGone ? "The issuer does not answer." : "The issuer still answers."} ${said(answer)}`
            };
        }
    }
];

export const endOutage = () => backstage("DELETE", "outage");

async function get(token: string): Promise<void> {
    await fetch(LIST, { headers: { Authorization: `Bearer ${token}` } });
}

function lastCall(matches: (call: Call) => boolean = () => true): Call {
    const call = wire.calls().find(matches);
    if (call === undefined) {
        throw new Error("No call was made yet");
    }
    return call;
}

function refusedWith(status: number, code: string): Outcome {
    const { answer } = lastCall();
    return { asExpected: answer?.status === status && answer.code === code, says: said(answer) };
}

function said(answer: Call["answer"]): string {
    if (answer === undefined || answer.status === 0) {
        return "The API did not answer.";
    }
    const { status, code } = answer;
    return code === undefined
        ? `The API answered ${status}.`
        : `The API answered ${status}, ${code}. ${meaningOf(code, status)}`;
}

const keyOf = (token: string) => String(JSON.parse(atob(token.split(".")[0] ?? "")).kid);

const seconds = (wait: number) => new Promise(resolve => setTimeout(resolve, wait * 1000));

async function backstage(method: string, path: string) {
    const response = await fetch(`${settings.issuerUri}/backstage/${path}`, { method });
    return (await response.json()) as { id?: string; downUntil?: number };
}
