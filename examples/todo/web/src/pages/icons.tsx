// The two pictures that stand for words. Their buttons have labels.

import type { ReactNode } from "react";

const Icon = ({ children }: { children: ReactNode }) => (
    <svg
        width="18"
        height="18"
        viewBox="0 0 18 18"
        fill="none"
        stroke="currentColor"
        strokeWidth="1.6"
        strokeLinecap="round"
        strokeLinejoin="round"
        aria-hidden="true"
    >
        {children}
    </svg>
);

export const Pencil = () => (
    <Icon>
        <path d="m3 15 .7-3.3L11.9 3.5a1.5 1.5 0 0 1 2.1 0l.5.5a1.5 1.5 0 0 1 0 2.1L6.3 14.3Z" />
    </Icon>
);

export const Cross = () => (
    <Icon>
        <path d="m4.5 4.5 9 9m0-9-9 9" />
    </Icon>
);
