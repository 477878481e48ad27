// The title of the window, which screen readers say when the page changes.

import { useEffect } from "react";

export function useTitle(title: string): void {
    useEffect(() => {
        document.title = `${title} · Todos`;
    }, [title]);
}
