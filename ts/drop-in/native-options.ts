/**
 * The parameter `native` of `bootstrapAuth`: what goes beyond `oidc-spa/server`.
 *
 * In: what a program passed. Out: options of a mock and of a validator. Never: an option that would contradict
 * `oidc-spa/server`.
 */

import { checkNothingInherited, kindOf } from "../validator/members.js";
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

/** What is misspelt must not vanish. The values are read by the validator, which also complains of them. */
export function readNative(native: ParamsOfBootstrap.Native | undefined): {
    readonly mock: Pick<ParamsOfBootstrap.Native, "refuseMockInProduction">;
    readonly validator: ValidatorOptionsOfNative;
} {
    if (native === undefined) {
        return { mock: {}, validator: {} };
    }
    const example = "for example native: { refuseMockInProduction: true }";
    if (typeof native !== "object" || native === null || Array.isArray(native)) {
        throw new TypeError(
            `oidc-spa-native: bootstrapAuth's native must be an object, but ${kindOf(native)} was given; ${example}.`
        );
    }
    checkNothingInherited(native, {
        of: "bootstrapAuth's native",
        noun: "option",
        example: "native: { refuseMockInProduction: true }"
    });
    const unknown = Object.keys(native).find(name => !Object.hasOwn(NAMES, name));
    if (unknown !== undefined) {
        throw new TypeError(
            `oidc-spa-native: unknown option "native.${unknown}" of bootstrapAuth; there are ${Object.keys(NAMES).join(", ")}.${hintFor(unknown)}`
        );
    }
    const { refuseMockInProduction, ...validator } = native;
    if (refuseMockInProduction !== undefined && typeof refuseMockInProduction !== "boolean") {
        throw new TypeError(
            `oidc-spa-native: native.refuseMockInProduction must be true or false, but ${kindOf(refuseMockInProduction)} was given.`
        );
    }
    const { dpop } = validator as { dpop?: unknown };
    if (dpop !== undefined && dpop !== "allowed" && dpop !== "required") {
        throw new TypeError(
            `oidc-spa-native: native.dpop must be "allowed" or "required", but ${dpop === "disabled" ? '"disabled"' : kindOf(dpop)} was given.`
        );
    }
    return { mock: refuseMockInProduction === undefined ? {} : { refuseMockInProduction }, validator };
}

/** Where an option stands that is looked for here. */
function hintFor(name: string): string {
    return name === "trustProxy"
        ? " trustProxy is a parameter of extractRequestAuthContext."
        : name === "issuerUri" || name === "expectedAudience"
          ? ` ${name} stands beside native.`
          : "";
}
