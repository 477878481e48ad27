// One call: a line that says how it ended, and what was sent and came back.

import type { ReactNode } from "react";
import type { Call } from "../wire";
import { Checks } from "./checks";
import { meaningOf } from "./meaning";

const TIME = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", second: "2-digit" });

export function CallEntry({ call }: { call: Call }) {
    const { method, url, at, answer } = call;
    const status = answer?.status;
    return (
        <li>
            <details className="call">
                <summary>
                    <span className={`status ${kindOf(status)}`}>
                        {status === undefined ? "…" : status || "none"}
                    </span>
                    <span className="call-name">
                        <b>{method}</b> {routeOf(url)}
                    </span>
                    <time dateTime={at.toISOString()}>{TIME.format(at)}</time>
                    {answer?.code && <span className="call-code">{answer.code}</span>}
                </summary>
                <div className="call-body">
                    <Sent call={call} />
                    {answer && <CameBack answer={answer} />}
                </div>
            </details>
        </li>
    );
}

function Sent({ call: { method, url, scheme, proof, token, at } }: { call: Call }) {
    const { sub, exp, cnf } = token.claims;
    return (
        <>
            <h3>Sent</h3>
            <dl>
                <Row name="Call">
                    {method} {url}
                </Row>
                <Row name="Scheme">{scheme}</Row>
                <Row name="Token">
                    of {text(sub)}, signed with key {text(token.header.kid)}, {life(exp, at)}
                </Row>
                <Row name="Bound to">{text((cnf as { jkt?: unknown } | undefined)?.jkt)}</Row>
            </dl>
            {proof ? (
                <dl>
                    <Row name="Proof">
                        {text(proof.header.typ)}, {text(proof.header.alg)}
                    </Row>
                    <Row name="htm">{text(proof.claims.htm)}</Row>
                    <Row name="htu">{text(proof.claims.htu)}</Row>
                    <Row name="iat">{age(proof.claims.iat, at)}</Row>
                    <Row name="jti">{text(proof.claims.jti)}</Row>
                    <Row name="ath">{text(proof.claims.ath)}</Row>
                    {proof.claims.nonce !== undefined && <Row name="nonce">{text(proof.claims.nonce)}</Row>}
                </dl>
            ) : (
                <p className="panel-lead">No proof was sent.</p>
            )}
        </>
    );
}

function CameBack({ answer }: { answer: NonNullable<Call["answer"]> }) {
    const { status, ms, code, reason, checks, detail, challenge, nonce } = answer;
    return (
        <>
            <h3>Came back</h3>
            <dl>
                <Row name="Status">
                    {status === 0 ? "No answer" : status}, after {ms} ms
                </Row>
                {code && <Row name="Code">{code}</Row>}
                <Row name="Why">{meaningOf(code, status)}</Row>
                {(reason ?? detail) && <Row name="API says">{reason ?? detail}</Row>}
                {challenge && <Row name="Challenge">{challenge}</Row>}
                {nonce && <Row name="New nonce">{nonce}</Row>}
            </dl>
            {checks && <Checks checks={checks} />}
        </>
    );
}

const Row = ({ name, children }: { name: string; children: ReactNode }) => (
    <div>
        <dt>{name}</dt>
        <dd>{children}</dd>
    </div>
);

const kindOf = (status: number | undefined) =>
    status === undefined ? "waiting" : status >= 200 && status < 400 ? "good" : "bad";

const text = (value: unknown) => (value === undefined ? "nothing" : String(value));

/** The path as the API's description has it. Which id it was stands in the call's own lines. */
const routeOf = (url: string) =>
    new URL(url).pathname.replace(/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/, "{id}");

function life(exp: unknown, at: Date): string {
    const left = Math.round(Number(exp) - at.getTime() / 1000);
    return left > 0 ? `good for ${left} s more` : `ended ${-left} s before the call`;
}

function age(iat: unknown, at: Date): string {
    const seconds = Math.max(0, Math.round(at.getTime() / 1000 - Number(iat)));
    return seconds === 0 ? "just now" : `${seconds} s before the call`;
}
