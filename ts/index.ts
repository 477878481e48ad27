/**
 * The main entry point, `oidc-spa-native`. Its types are those of `index.d.ts`.
 *
 * In: nothing. Out: `createValidator`. May use: validator. Never: code of its own.
 */

import type * as contract from "../index.js";
import { createValidator as implementation } from "./validator/create.js";

export const createValidator: typeof contract.createValidator = implementation;
