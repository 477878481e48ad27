// The routes of the todos: people see and change their own, the support staff sees everybody's.

import { createRoute, z, type OpenAPIHono } from "@hono/zod-openapi";
import type { Env, Guard } from "./guard/guard.js";
import { ProblemError } from "./problem.js";
import type { Store } from "./store.js";

const Todo = z
    .object({ id: z.uuid(), title: z.string(), done: z.boolean(), createdAt: z.iso.datetime() })
    .openapi("Todo");
const TodoOfSomebody = Todo.extend({ owner: z.string() }).openapi("TodoOfSomebody");
const Title = z.string().trim().min(1).max(200);
const params = z.object({ id: z.uuid() });

const json = <Schema extends z.ZodType>(description: string, schema: Schema) => ({
    description,
    content: { "application/json": { schema } }
});
const body = <Schema extends z.ZodType>(schema: Schema) => ({
    body: { content: { "application/json": { schema } }, required: true }
});

/** A todo of somebody else is answered as one that is not there: who asks learns nothing. */
const notThere = () =>
    new ProblemError({ status: 404, code: "todo_unknown", detail: "You have no todo with this id." });

export function addTodos(app: OpenAPIHono<Env>, { guard, store }: { guard: Guard; store: Store }): void {
    const own = { security: [{ DPoP: [] }], middleware: guard.signedIn };
    const staff = { security: [{ DPoP: [] }], middleware: guard.support };

    app.openapi(
        createRoute({
            ...own,
            method: "get",
            path: "/todos",
            summary: "Your todos",
            responses: { 200: json("The oldest first", z.array(Todo)) }
        }),
        c => c.json(store.todosOf(c.var.person.id), 200)
    );

    app.openapi(
        createRoute({
            ...own,
            method: "post",
            path: "/todos",
            summary: "Adds a todo",
            request: body(z.object({ title: Title })),
            responses: { 201: json("The new todo", Todo) }
        }),
        c => c.json(store.create(c.var.person, c.req.valid("json").title), 201)
    );

    app.openapi(
        createRoute({
            ...own,
            method: "patch",
            path: "/todos/{id}",
            summary: "Changes its title, or says whether it is done",
            request: { params, ...body(z.object({ title: Title.optional(), done: z.boolean().optional() })) },
            responses: { 200: json("The todo as it is now", Todo) }
        }),
        c => {
            const todo = store.update(c.var.person.id, c.req.valid("param").id, c.req.valid("json"));
            if (todo === undefined) {
                throw notThere();
            }
            return c.json(todo, 200);
        }
    );

    app.openapi(
        createRoute({
            ...own,
            method: "delete",
            path: "/todos/{id}",
            summary: "Deletes it",
            request: { params },
            responses: { 204: { description: "It is gone" } }
        }),
        c => {
            if (!store.remove(c.var.person.id, c.req.valid("param").id)) {
                throw notThere();
            }
            return c.body(null, 204);
        }
    );

    app.openapi(
        createRoute({
            ...staff,
            method: "get",
            path: "/support/todos",
            summary: "Everybody's todos, for the support staff",
            responses: { 200: json("By owner", z.array(TodoOfSomebody)) }
        }),
        c => c.json(store.everybodysTodos(), 200)
    );
}
