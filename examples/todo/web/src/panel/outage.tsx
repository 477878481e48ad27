// How long the issuer is still away, and a button that brings it back.

import { useEffect, useState } from "react";
import { endOutage } from "./lessons";

export function Outage() {
    const [until, setUntil] = useState(0);
    const [now, setNow] = useState(0);

    useEffect(() => {
        const begin = (event: Event) => {
            setUntil((event as CustomEvent<number>).detail);
            setNow(Date.now());
        };
        window.addEventListener("outage", begin);
        return () => window.removeEventListener("outage", begin);
    }, []);
    useEffect(() => {
        if (until === 0) {
            return undefined;
        }
        const timer = setInterval(() => (Date.now() < until ? setNow(Date.now()) : setUntil(0)), 1000);
        return () => clearInterval(timer);
    }, [until]);

    if (until === 0) {
        return null;
    }
    const bringBack = async () => {
        await endOutage();
        // The button goes, and with it the focus.
        document.querySelector<HTMLElement>("[data-lesson=outage] summary")?.focus();
        setUntil(0);
    };
    return (
        <div className="outage">
            <p>
                The issuer is away for {Math.max(1, Math.ceil((until - now) / 1000))} seconds more. Your list
                and the chat go on.
            </p>
            <button type="button" className="button quiet small" onClick={() => void bringBack()}>
                Bring it back
            </button>
        </div>
    );
}
