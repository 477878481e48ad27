/**
 * The five channels of a tracing channel of `node:diagnostics_channel`, and whether anybody listens to one of them.
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

/** Node.js 20.3 has no such property of the tracing channel itself. */
export function isHeard({ start, end, asyncStart, asyncEnd, error }: TraceChannels): boolean {
    return (
        start.hasSubscribers ||
        asyncEnd.hasSubscribers ||
        end.hasSubscribers ||
        asyncStart.hasSubscribers ||
        error.hasSubscribers
    );
}
