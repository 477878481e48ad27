/**
 * The engine of this process, for the rest of `ts/`.
 *
 * In: the addon, or WebAssembly, as `#engine` in package.json chooses it for the run time. Out: its classes and functions. Never: a rule about
 * tokens.
 */

import { loadAddon } from "#engine";

import type * as interfaces from "../boundary/interface.js";

export * from "../boundary/interface.js";

// Classes: a type and a value each.
export type NativeValidator = interfaces.NativeValidator;
export type NativeInbox = interfaces.NativeInbox;
export type NativeTroubles = interfaces.NativeTroubles;
export type NativeFetches = interfaces.NativeFetches;

const addon = loadAddon();

export const NativeValidator = addon.NativeValidator;
export const NativeInbox = addon.NativeInbox;
export const NativeFetches = addon.NativeFetches;
export const newFetchNumber = addon.newFetchNumber;
export const { extractCredentials } = addon.extraction();
export const onKeysEvent = addon.onKeysEvent;
export const NativeTroubles = addon.NativeTroubles;
export const errorTable = addon.errorTable;
export const isFirstToAsk = addon.isFirstToAsk;
export const lacksAuthorities = addon.lacksAuthorities;
export const trustAuthorities = addon.trustAuthorities;
export const { engine, keepsAlive } = addon;
