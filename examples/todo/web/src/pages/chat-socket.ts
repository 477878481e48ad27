// The socket of the chat: bought with a ticket, since a browser can send no DPoP proof with a WebSocket.

import { api } from "../api";
import { settings } from "../settings";

export interface Word {
    readonly id: number;
    readonly author: string;
    readonly text: string;
    readonly at: string;
}
export interface ChatState {
    readonly isOpen: boolean;
    readonly says: string;
}

const TOKEN_EXPIRED = 4401;
const PAUSE_MS = 1000;

export function openChat({
    onWords,
    onState
}: {
    onWords: (words: readonly Word[]) => void;
    onState: (state: ChatState) => void;
}) {
    let socket: WebSocket | undefined;
    let isWanted = true;

    const comeAgain = (says: string, pause: number) => {
        onState({ isOpen: false, says });
        setTimeout(() => isWanted && void connect(), pause);
    };
    const connect = async () => {
        const bought = await api.ticket().catch(() => undefined);
        if (!isWanted) {
            return;
        }
        if (bought === undefined) {
            comeAgain("The chat cannot be reached. Trying again.", PAUSE_MS);
            return;
        }
        socket = new WebSocket(`${settings.apiUrl.replace(/^http/, "ws")}/chat`, [
            "chat",
            `ticket.${bought.ticket}`
        ]);
        socket.onopen = () =>
            onState({
                isOpen: true,
                says: "Connected. The socket ends with your token, and opens again with the next."
            });
        socket.onmessage = ({ data }) => onWords(JSON.parse(String(data)) as Word[]);
        socket.onclose = ({ code }) =>
            isWanted &&
            (code === TOKEN_EXPIRED
                ? comeAgain("The token has ended, and the socket with it. Coming again with a new one.", 0)
                : comeAgain("The connection was lost. Trying again.", PAUSE_MS));
    };
    void connect();

    return {
        /** Whether it could be said. */
        say(text: string): boolean {
            const isOpen = socket?.readyState === WebSocket.OPEN;
            if (isOpen) {
                socket?.send(text);
            }
            return isOpen;
        },
        close() {
            isWanted = false;
            socket?.close();
        }
    };
}
