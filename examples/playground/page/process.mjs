// What the package's code reads of Node.js' global objects. Imported before it.

globalThis.process ??= {
    env: {},
    emitWarning: warning => console.warn(String(warning)),
    nextTick: queueMicrotask
};
globalThis.setImmediate ??= call => setTimeout(call, 0);
