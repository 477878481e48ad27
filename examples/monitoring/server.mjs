// An API that Prometheus scrapes: `/items` for good tokens, `/metrics` for the monitor.
// `OIDC_ISSUER_URI=… OIDC_AUDIENCE=… node examples/monitoring/server.mjs`

import { createServer } from "node:http";
import { createValidator } from "oidc-spa-native";
import { protect } from "oidc-spa-native/node-http";
import { METRICS_CONTENT_TYPE, metricsText } from "oidc-spa-native/prometheus";

const validator = createValidator({
    issuerUri: process.env.OIDC_ISSUER_URI,
    expectedAudience: process.env.OIDC_AUDIENCE,
    shadow: { dpop: "required" }
});

const items = protect(validator, {}, (_req, res, { claims }) => {
    res.writeHead(200, { "Content-Type": "application/json" }).end(JSON.stringify({ owner: claims.sub }));
});

const server = createServer((req, res) => {
    if (req.url === "/items") {
        items(req, res);
    } else if (req.url === "/metrics") {
        // In production this is a port of its own, which only the monitor reaches.
        res.writeHead(200, { "Content-Type": METRICS_CONTENT_TYPE }).end(metricsText(validator));
    } else {
        res.writeHead(404).end();
    }
});

server.listen(Number(process.env.PORT ?? 3000), "127.0.0.1", () => {
    console.log(`Listening on http://127.0.0.1:${server.address().port}`);
});
