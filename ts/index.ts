/**
 * The main entry point, `oidc-spa-native`. Its types are those of `index.d.ts`.
 *
 * In: nothing. Out: `createValidator`, `RefusedError`. Never: code of its own.
 */

import type * as contract from "../index.js";
import { createValidator as implementation } from "./validator/create.js";
import { RefusedError as errorClass } from "./validator/refused-error.js";

export const createValidator: typeof contract.createValidator = implementation;
export const RefusedError: typeof contract.RefusedError = errorClass;
