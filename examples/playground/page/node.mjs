// What the package's code imports from Node.js, as far as a page that judges needs it. None of it decides about a request.

export const { clearInterval, clearTimeout, setInterval, setTimeout } = globalThis;

export const types = {
    // A page cannot tell.
    isProxy: () => false,
    isUint8Array: value => Object.prototype.toString.call(value) === "[object Uint8Array]"
};

/** For the identifiers of refusals. */
export const randomBytes = length => {
    const bytes = crypto.getRandomValues(new Uint8Array(length));
    return { toString: () => Array.from(bytes, byte => byte.toString(16).padStart(2, "0")).join("") };
};

export class AsyncResource {
    runInAsyncScope(call) {
        return call();
    }
}

/** The content security policy allows no code from texts. */
export const runInThisContext = () => {
    throw new Error("not in a page");
};

/** The engine for browsers says that there are no files, and does not call it. */
export const readFileSync = () => {
    throw new Error("not in a page");
};

const channelOfNobody = { hasSubscribers: false, publish: () => undefined };
export const channel = () => channelOfNobody;
export const tracingChannel = () => ({
    start: channelOfNobody,
    end: channelOfNobody,
    asyncStart: channelOfNobody,
    asyncEnd: channelOfNobody,
    error: channelOfNobody
});

export const availableParallelism = () => 1;
export const rootCertificates = [];
export const isMainThread = true;
/** `node:cluster` has a default export. */
export default { isWorker: false };
