import { once } from "node:events";

/** Runs a test against the application on a free port. */
export async function listening(app, use) {
    const server = app.listen(0, "127.0.0.1");
    await once(server, "listening");
    try {
        await use(`http://127.0.0.1:${server.address().port}`);
    } finally {
        server.close();
    }
}
