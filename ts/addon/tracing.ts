/**
 * Whether anybody listens to a channel of `node:diagnostics_channel`; the five channels of a tracing channel.
 *
 * In: a name. Out: channels. Never: a message.
 */

import { tracingChannel, type Channel } from "node:diagnostics_channel";

/** The channels of one kind of trace. The publisher holds them, since Node.js drops a channel without references. */
export interface TraceChannels {
    readonly start: Channel;
    readonly end: Channel;
    readonly asyncStart: Channel;
    readonly asyncEnd: Channel;
    readonly error: Channel;
}

export function traceChannels(name: string): TraceChannels {
    const { start, end, asyncStart, asyncEnd, error } = tracingChannel(name);
    return { start, end, asyncStart, asyncEnd, error };
}

/** Whether anybody listens to a channel. On workerd `hasSubscribers` is a function, which is never false. */
export function hasListeners(channel: Channel): boolean {
    const has: unknown = channel.hasSubscribers;
    return typeof has === "function" ? has.call(channel) === true : has === true;
}

/** Node.js 20.3 has no such property of the tracing channel itself. */
export function isHeard({ start, end, asyncStart, asyncEnd, error }: TraceChannels): boolean {
    return (
        hasListeners(start) ||
        hasListeners(asyncEnd) ||
        hasListeners(end) ||
        hasListeners(asyncStart) ||
        hasListeners(error)
    );
}
