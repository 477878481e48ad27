// The SQLite database: todos, the last words of the chat, and tickets for its socket. Several instances may share the file.

import { randomUUID } from "node:crypto";
import Database from "better-sqlite3";
import type { Person } from "./guard/guard.js";

export interface Todo {
    readonly id: string;
    readonly title: string;
    readonly done: boolean;
    readonly createdAt: string;
}
export interface Word {
    readonly id: number;
    readonly author: string;
    readonly text: string;
    readonly at: string;
}

const WORDS_KEPT = 50;
const TICKETS_AT_ONCE = 10;

const TABLES = `
    CREATE TABLE IF NOT EXISTS todos (
        id TEXT PRIMARY KEY, owner TEXT NOT NULL, ownerName TEXT NOT NULL,
        title TEXT NOT NULL, done INTEGER NOT NULL DEFAULT 0, createdAt TEXT NOT NULL
    );
    CREATE INDEX IF NOT EXISTS todosByOwner ON todos (owner);
    CREATE TABLE IF NOT EXISTS words (
        id INTEGER PRIMARY KEY, author TEXT NOT NULL, text TEXT NOT NULL, at TEXT NOT NULL
    );
    CREATE TABLE IF NOT EXISTS tickets (id TEXT PRIMARY KEY, person TEXT NOT NULL, goodUntil INTEGER NOT NULL);
`;

export type Store = ReturnType<typeof openStore>;

export function openStore(file: string) {
    const db = new Database(file);
    db.pragma("journal_mode = WAL");
    db.pragma("busy_timeout = 5000");
    db.exec(TABLES);

    const columns = "id, title, done, createdAt";
    const ofOwner = db.prepare(`SELECT ${columns} FROM todos WHERE owner = ? ORDER BY rowid`);
    const ofEverybody = db.prepare(`SELECT ${columns}, ownerName FROM todos ORDER BY ownerName, rowid`);
    const insert = db.prepare(
        "INSERT INTO todos (id, owner, ownerName, title, createdAt) VALUES (?, ?, ?, ?, ?) RETURNING *"
    );
    // The owner is a part of each statement: nobody reaches a todo that is not theirs.
    const update = db.prepare(
        `UPDATE todos SET title = coalesce(?, title), done = coalesce(?, done) WHERE id = ? AND owner = ? RETURNING ${columns}`
    );
    const remove = db.prepare("DELETE FROM todos WHERE id = ? AND owner = ?");
    const say = db.prepare("INSERT INTO words (author, text, at) VALUES (?, ?, ?) RETURNING *");
    const forgetWords = db.prepare(`DELETE FROM words WHERE id <= ? - ${WORDS_KEPT}`);
    const lastWords = db.prepare("SELECT * FROM words ORDER BY id");
    const addTicket = db.prepare("INSERT INTO tickets VALUES (?, ?, ?)");
    const ticketsOf = db
        .prepare("SELECT count(*) FROM tickets WHERE json_extract(person, '$.id') = ?")
        .pluck();
    const takeTicket = db.prepare("DELETE FROM tickets WHERE id = ? RETURNING person, goodUntil");
    const dropTickets = db.prepare("DELETE FROM tickets WHERE goodUntil < ?");

    return {
        todosOf: (owner: string): Todo[] => ofOwner.all(owner).map(toTodo),
        everybodysTodos: () =>
            ofEverybody.all().map(row => ({ ...toTodo(row), owner: (row as Row).ownerName as string })),
        create: ({ id, name }: Pick<Person, "id" | "name">, title: string): Todo =>
            toTodo(insert.get(randomUUID(), id, name, title, new Date().toISOString())),
        update(
            owner: string,
            id: string,
            change: { title?: string | undefined; done?: boolean | undefined }
        ) {
            const done = change.done === undefined ? null : Number(change.done);
            const row = update.get(change.title ?? null, done, id, owner);
            return row === undefined ? undefined : toTodo(row);
        },
        remove: (owner: string, id: string): boolean => remove.run(id, owner).changes > 0,

        say(author: string, text: string): Word {
            const word = say.get(author, text, new Date().toISOString()) as Word;
            forgetWords.run(word.id);
            return word;
        },
        lastWords: () => lastWords.all() as Word[],

        /** A ticket opens one socket, once, within a few seconds, at any instance. `undefined`: the person has enough. */
        addTicket(person: Person, seconds: number): string | undefined {
            dropTickets.run(Date.now());
            if ((ticketsOf.get(person.id) as number) >= TICKETS_AT_ONCE) {
                return undefined;
            }
            const id = randomUUID();
            addTicket.run(id, JSON.stringify(person), Date.now() + seconds * 1000);
            return id;
        },
        takeTicket(id: string): Person | undefined {
            const row = takeTicket.get(id) as { person: string; goodUntil: number } | undefined;
            return row && row.goodUntil > Date.now() ? (JSON.parse(row.person) as Person) : undefined;
        },

        answers: (): boolean => db.open && db.prepare("SELECT 1").get() !== undefined,
        close: () => db.close()
    };
}

type Row = Record<string, unknown>;

function toTodo(row: unknown): Todo {
    const { id, title, done, createdAt } = row as Row;
    return { id: String(id), title: String(title), done: done === 1, createdAt: String(createdAt) };
}
