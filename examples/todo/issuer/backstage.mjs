// What the lessons of the panel need and no issuer in production has: new keys on demand, an outage, somebody else's todo.

/**
 * @param {object} options
 * @param {string} options.webOrigin - the only page that may ask
 * @param {() => void} options.rotate
 * @param {(sub: string) => string | undefined} options.todoOfAnother - the id of a todo that is not this person's
 */
export function createBackstage({ webOrigin, rotate, todoOfAnother }) {
    let downUntil = 0;

    const acts = {
        "POST /backstage/rotate": () => {
            rotate();
            return {};
        },
        "POST /backstage/outage": ({ searchParams }) => {
            downUntil = Date.now() + Math.min(Number(searchParams.get("seconds")) || 60, 60) * 1000;
            return { downUntil };
        },
        "DELETE /backstage/outage": () => {
            downUntil = 0;
            return {};
        },
        "GET /backstage/todo-of-another": ({ searchParams }) => ({
            id: todoOfAnother(searchParams.get("sub") ?? "")
        })
    };

    return {
        isDown: () => Date.now() < downUntil,
        /** Whether the request was one for backstage, and was answered. */
        answers(req, res, url) {
            if (!url.pathname.startsWith("/backstage/")) {
                return false;
            }
            res.setHeader("Access-Control-Allow-Origin", webOrigin);
            res.setHeader("Access-Control-Allow-Methods", "GET, POST, DELETE");
            const act = acts[`${req.method} ${url.pathname}`];
            if (req.method === "OPTIONS") {
                res.writeHead(204).end();
            } else if (act === undefined || req.headers.origin !== webOrigin) {
                res.writeHead(404).end();
            } else {
                res.writeHead(200, { "Content-Type": "application/json" }).end(JSON.stringify(act(url)));
            }
            return true;
        }
    };
}
