// Names of hosts beyond ASCII: both engines ask the same host for keys.

import { createValidator } from "oidc-spa-native";
import { expect, test } from "vitest";
import { testOfAddon } from "../support/engine.js";
import { ALL_HOSTS, HOSTS_READ_BY_SOME, misreadHosts } from "../support/hosts.js";
import { hostsOf } from "../wasm/answers.mjs";

test("each host is read as the URL Standard says, or refused", async () => {
    expect(misreadHosts(await hostsOf(createValidator, ALL_HOSTS))).toEqual([]);
});

testOfAddon("the addon refuses what only some run times refuse", async () => {
    const found = await hostsOf(createValidator, Object.keys(HOSTS_READ_BY_SOME));
    expect(new Set(found)).toEqual(new Set([null]));
});
