/**
 * The parameter `native` of `bootstrapAuth`: options beyond `oidc-spa/server`.
 *
 * In: what a program passed. Out: options of a mock and of a validator. Never: an option that would contradict
 * `oidc-spa/server`.
 */

import { readMembers, unexpected, type Members } from "../validator/members.js";
import type { ParamsOfBootstrap } from "./types.js";

export type ValidatorOptionsOfNative = Omit<ParamsOfBootstrap.Native, "refuseMockInProduction">;

const NAMES = {
    refuseMockInProduction: true,
    dpop: true,
    network: true,
    replayStore: true,
    nonce: true,
    nonceSecret: true,
    noncePeriodSeconds: true,
    nonceLeewaySeconds: true,
    limits: true,
    verification: true
} satisfies Record<keyof ParamsOfBootstrap.Native, true>;

const NATIVE: Members = {
    of: "bootstrapAuth's native",
    noun: "option",
    names: Object.keys(NAMES),
    example: "native: { refuseMockInProduction: true }",
    instead: {
        trustProxy: "it as a parameter of extractRequestAuthContext",
        publicBaseUrl: "the URL in the request that you give to extractRequestAuthContext",
        issuerUri: "it beside native",
        expectedAudience: "it beside native"
    }
};

/** What is misspelt must not vanish. The values are read by the validator, which also complains of them. */
export function readNative(native: ParamsOfBootstrap.Native | undefined): {
    readonly mock: Pick<ParamsOfBootstrap.Native, "refuseMockInProduction">;
    readonly validator: ValidatorOptionsOfNative;
} {
    if (native === undefined) {
        return { mock: {}, validator: {} };
    }
    const { refuseMockInProduction, ...validator } = readMembers(native, NATIVE) as ParamsOfBootstrap.Native;
    if (refuseMockInProduction !== undefined && typeof refuseMockInProduction !== "boolean") {
        throw unexpected(
            "option",
            "native.refuseMockInProduction",
            "true or false",
            refuseMockInProduction,
            NATIVE.example
        );
    }
    const { dpop } = validator as { dpop?: unknown };
    if (dpop !== undefined && dpop !== "allowed" && dpop !== "required") {
        throw unexpected(
            "option",
            "native.dpop",
            '"allowed" or "required"',
            dpop,
            'native: { dpop: "required" }'
        );
    }
    return { mock: refuseMockInProduction === undefined ? {} : { refuseMockInProduction }, validator };
}
