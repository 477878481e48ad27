/**
 * Makes the judge of a validator from its options: one addon, or one for each issuer that the application names.
 *
 * In: options, with their functions. Out: a judge, and its parts. Never: a rule about tokens.
 */

import type { IssuerFunction, IssuerOptions, ValidatorHealth } from "../../index.js";
import type { Internals, NativeMetrics, NativeValidator, Settings } from "../addon/native.js";
import { PathCounts, Verifier } from "../addon/verifier.js";
import { warnerOfProcess, type Warner } from "../addon/warnings.js";
import { createNativeValidator, warnOfOptions, type Native } from "./addon-validator.js";
import { takeAudienceFunctions, type AudienceFunctions } from "./audience.js";
import { IssuerQuestions } from "./issuer-questions.js";
import { askingAudiences, explaining, type Explain, type Judge } from "./judge.js";
import { lookupBounds } from "./lookup-options.js";
import { invalid } from "./members.js";
import { plainCopy } from "./options.js";
import { Tenants, type Tenant, type TenantOptions } from "./tenants.js";

/** The judge, the addon that makes refusals of JavaScript, and its settings. */
export interface OptionsJudge {
    readonly judge: Judge;
    readonly explain: Explain;
    readonly native: NativeValidator;
    readonly settings: Settings;
    readonly health: () => ValidatorHealth;
    readonly forgetIssuer: (iss: string) => boolean;
    readonly paths: PathCounts;
    readonly counted: () => NativeMetrics;
}

type Options = Readonly<Record<string, unknown>>;
type Origin = Pick<Internals, "ownClock">;

/** `warner` is told of troubles; without it the process warns of them. */
export function judgeOf(options: Options, origin: Origin, warner: Warner | undefined): OptionsJudge {
    const { issuers } = options;
    return typeof issuers === "function"
        ? judgeOfTenants(options, issuers as IssuerFunction, origin, warner ?? warnerOfProcess())
        : judgeOfIssuers(options, origin, warner);
}

function judgeOfIssuers(options: Options, origin: Origin, warner: Warner | undefined): OptionsJudge {
    if (options["issuerLookup"] !== undefined) {
        throw invalid("issuerLookup: is of no use unless issuers is a function");
    }
    const [plain, audiences] = takeAudienceFunctions(options);
    const made = createNativeValidator(plain, origin, warnOfOptions, warner);
    const forgetIssuer = () => {
        throw invalid(
            "forgetIssuer is for a validator whose issuers are a function; the issuers of this one are written"
        );
    };
    const { settings, health } = made;
    const paths = new PathCounts();
    const judging = judgeBehind(made, audiences, paths);
    return { ...judging, settings, health, forgetIssuer, paths, counted: () => countedBy(made.native) };
}

const countedBy = (native: NativeValidator): NativeMetrics => JSON.parse(native.metrics()) as NativeMetrics;

/** A judge with this addon and these functions. */
function judgeBehind(
    { native, conclude, settings }: Native,
    functions: AudienceFunctions,
    paths: PathCounts
): Pick<Tenant, "native" | "judge" | "explain"> {
    const verifier = new Verifier(native, conclude, settings, paths);
    return {
        native,
        judge: askingAudiences(verifier, native, functions),
        explain: explaining((...asked) => verifier.explain(...asked), settings.issuerUris, functions)
    };
}

function judgeOfTenants(
    options: Options,
    issuerOf: IssuerFunction,
    origin: Origin,
    warner: Warner
): OptionsJudge {
    const { issuers: _, issuerLookup, ...common } = options;
    const bounds = lookupBounds(issuerLookup);
    const made = createNativeValidator(common, { ...origin, asksForIssuers: true }, warnOfOptions, warner);
    const { native, settings, health } = made;
    const paths = new PathCounts();
    const base: Tenant = { ...judgeBehind(made, [], paths), health: () => [], keys: () => [] };
    const shared = {
        ...common,
        ...sharedOut(settings, bounds.maxKnown),
        network: reachable(common["network"])
    };
    const warn = fewOf(warnOfOptions);
    const read = (issuer: IssuerOptions) => readTenant(shared, issuer, { origin, warn, warner, paths });
    const tenants = new Tenants(base, read, new IssuerQuestions(issuerOf, bounds), bounds, warner);
    return {
        judge: tenants,
        explain: (...asked) => tenants.explain(...asked),
        native,
        settings,
        health: () => ({ ...health(), ...tenants.health() }),
        forgetIssuer: iss => tenants.forget(iss),
        paths,
        counted: () => ({ ...countedBy(native), keys: tenants.keys() })
    };
}

/** What all tenants are made with. */
interface Making {
    readonly origin: Origin;
    readonly warn: (warning: string) => void;
    readonly warner: Warner;
    readonly paths: PathCounts;
}

function readTenant(
    shared: Options,
    issuer: IssuerOptions,
    { origin, warn, warner, paths }: Making
): TenantOptions {
    const [plain, functions] = takeAudienceFunctions({ issuers: [issuer] });
    const issuers = plainCopy(plain["issuers"], "issuers");
    return {
        text: JSON.stringify(issuers),
        functions,
        make: () => {
            const made = createNativeValidator({ ...shared, issuers }, origin, warn, warner);
            return {
                ...judgeBehind(made, functions, paths),
                health: () => made.health().issuers,
                keys: () => countedBy(made.native).keys
            };
        }
    };
}

/** The least value of the option. */
const LEAST_MEMORY = 65_536;

/** All tenants together remember verified tokens in about the memory of one validator. */
function sharedOut({ verifiedTokenBytes }: Settings, maxKnown: number): Options {
    const share = Math.max(LEAST_MEMORY, Math.floor(verifiedTokenBytes / maxKnown));
    return { verifiedTokenMemory: verifiedTokenBytes === 0 ? false : share };
}

/**
 * Names come from tokens, so private addresses are reached only if the options allow it. The addon has checked the
 * options.
 */
function reachable(network: unknown): Options {
    const written = (network ?? {}) as Options;
    return written["privateAddresses"] === undefined ? { ...written, privateAddresses: false } : written;
}

/** Greatest number of warnings about the options of tenants, since there may be many tenants. */
const MAX_WARNINGS = 3;

function fewOf(warn: (warning: string) => void): (warning: string) => void {
    let left = MAX_WARNINGS;
    return warning => {
        if (left > 0) {
            left--;
            warn(warning);
        }
    };
}
