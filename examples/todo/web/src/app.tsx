// The application: its routes, and the frame around them.

import "@fontsource-variable/inter/wght.css";
import "./styles.css";
import { RouterProvider, createRootRoute, createRoute, createRouter, redirect } from "@tanstack/react-router";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { api } from "./api";
import { OidcInitializationGate, enforceLogin, getOidc } from "./oidc";
import { Chat } from "./pages/chat";
import { Home } from "./pages/home";
import { Missing, Pending, Refused } from "./pages/states";
import { Support } from "./pages/support";
import { Todos } from "./pages/todos";
import { Shell } from "./shell";

const root = createRootRoute({ component: Shell, notFoundComponent: Missing });

const home = createRoute({
    getParentRoute: () => root,
    path: "/",
    beforeLoad: async () => {
        if ((await getOidc()).isUserLoggedIn) {
            throw redirect({ to: "/todos" });
        }
    },
    component: Home
});

const todos = createRoute({
    getParentRoute: () => root,
    path: "/todos",
    beforeLoad: enforceLogin,
    loader: () => api.todos(),
    component: function TodosPage() {
        return <Todos loaded={todos.useLoaderData()} />;
    }
});

const chat = createRoute({
    getParentRoute: () => root,
    path: "/chat",
    beforeLoad: enforceLogin,
    component: Chat
});

const support = createRoute({
    getParentRoute: () => root,
    path: "/support",
    beforeLoad: enforceLogin,
    loader: () => api.everybodysTodos(),
    component: function SupportPage() {
        return <Support todos={support.useLoaderData()} />;
    }
});

const router = createRouter({
    routeTree: root.addChildren([home, todos, chat, support]),
    defaultPendingComponent: Pending,
    defaultErrorComponent: Refused,
    // Whoever comes back to a page sees what is there now.
    defaultGcTime: 0,
    defaultPendingMs: 0,
    defaultPendingMinMs: 0
});

declare module "@tanstack/react-router" {
    interface Register {
        router: typeof router;
    }
}

createRoot(document.getElementById("root") as HTMLElement).render(
    <StrictMode>
        <OidcInitializationGate fallback={<div className="splash" />}>
            <RouterProvider router={router} />
        </OidcInitializationGate>
    </StrictMode>
);
