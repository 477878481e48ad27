// Loaded first in Node.js under wine. `fetch` asks for TCP's keep-alive before its socket is connected; Windows notes
// that for later, and wine 8 answers with an error, after which nothing connects.

"use strict";

const { Socket } = require("node:net");

const { setKeepAlive } = Socket.prototype;
Socket.prototype.setKeepAlive = function (...args) {
    if (this.connecting) {
        return this.once("connect", () => setKeepAlive.apply(this, args));
    }
    return setKeepAlive.apply(this, args);
};
