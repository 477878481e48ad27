// Processes that each hold a validator and answer requests, as the processes of a fleet do.

import { fork } from "node:child_process";
import { once } from "node:events";
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createValidator, type ValidatorHealth, type ValidatorOptions } from "oidc-spa-native";
import { AUDIENCE, ITEMS, nowInSeconds, type Fixtures } from "./fixtures.js";
import { root } from "./script.js";

const PROGRAM = `
    const { createValidator } = require("oidc-spa-native");
    process.once("message", options => {
        const validator = createValidator(options);
        process.on("message", ({ id, headers, target }) => {
            const answered = headers === undefined
                ? Promise.resolve(validator.health())
                : validator.validateRequest(headers, target).then(verdict => ({
                      code: verdict.isSuccess ? "granted" : verdict.code,
                      status: verdict.isSuccess ? 200 : verdict.status,
                      retryAfter: verdict.headers["Retry-After"]
                  }));
            answered.then(
                answer => process.send({ id, answer }),
                error => process.send({ id, answer: { code: "threw " + error.message } })
            );
        });
        validator.ready().then(() => process.send({ id: 0 }));
    });
`;

export interface Answer {
    readonly code: string;
    readonly status: number;
    readonly retryAfter?: string;
}

export interface GuardedProcess {
    send(accessToken: string, proof: string): Promise<Answer>;
    health(): Promise<ValidatorHealth>;
    close(): Promise<void>;
}

export async function startProcess(f: Fixtures, replayStore: object): Promise<GuardedProcess> {
    // Inside the package, where its own name resolves to it.
    const file = join(root, `.guarded-process-${process.pid}-${Math.random().toString(36).slice(2)}.cjs`);
    writeFileSync(file, PROGRAM);
    const child = fork(file, { cwd: root, execArgv: [] });
    const waiting = new Map<number, (answer: unknown) => void>();
    child.on("message", ({ id, answer }: { id: number; answer: unknown }) => waiting.get(id)?.(answer));
    let last = 0;
    const ask = <T>(question: object): Promise<T> =>
        new Promise(resolve => {
            const id = ++last;
            waiting.set(id, answer => {
                waiting.delete(id);
                resolve(answer as T);
            });
            child.send({ id, ...question });
        });
    const ready = new Promise(resolve => waiting.set(0, resolve));
    child.send({ issuerUri: f.issuer.issuerUri, expectedAudience: AUDIENCE, replayStore });
    await ready;
    rmSync(file);
    const target = { method: "GET", url: ITEMS };
    return {
        send: (accessToken, proof) =>
            ask({ headers: { authorization: `DPoP ${accessToken}`, dpop: proof }, target }),
        health: () => ask({}),
        close: async () => {
            const ended = once(child, "exit");
            child.kill();
            await ended;
        }
    };
}

/** A fresh token and a maker of fresh proofs for it. */
export function newClient(f: Fixtures): { accessToken: string; proof: () => string } {
    const accessToken = f.boundToken(nowInSeconds());
    return { accessToken, proof: () => f.proof(nowInSeconds(), accessToken) };
}

/** A validator of this process with this store, and what it answers to a proof. */
export function newGuard(f: Fixtures, replayStore: unknown, options: Partial<ValidatorOptions> = {}) {
    const issuer = { issuerUri: f.issuer.issuerUri, expectedAudience: AUDIENCE };
    const validator = createValidator({ ...issuer, replayStore, ...options } as ValidatorOptions);
    const verdict = (accessToken: string, proof: string) =>
        validator.validateRequest(
            { authorization: `DPoP ${accessToken}`, dpop: proof },
            { method: "GET", url: ITEMS }
        );
    const send = async (accessToken: string, proof: string) =>
        (await verdict(accessToken, proof)).code ?? "granted";
    return { validator, verdict, send };
}
