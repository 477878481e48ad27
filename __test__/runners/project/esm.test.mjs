import * as main from "oidc-spa-native";
import * as authorization from "oidc-spa-native/authorization";
import * as fetch from "oidc-spa-native/fetch";
import * as server from "oidc-spa-native/server";
import { cases } from "./cases.cjs";

// Globals of Jest and of vitest alike.
cases({ test, expect, main, server, authorization, fetch, own: 0 });
