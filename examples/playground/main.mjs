// `npm run playground`: a page that judges a pasted request, in the browser.

import { once } from "node:events";
import { startPlayground } from "./serve.mjs";

const { url, server } = await startPlayground(Number(process.env.PORT ?? 3000));
console.log(`\nOpen ${url}\n`);
await once(server, "close");
