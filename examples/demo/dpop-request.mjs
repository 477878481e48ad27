// Obtains a DPoP-bound access token and writes a request with its proof, as a configuration for `curl -K`.

import { clientCredentials, randomDPoPKeyPair } from "./client.mjs";
import { API } from "./issuer.mjs";
import { createProof } from "./proof.mjs";

const [issuerUri, clientSecret, url] = process.argv.slice(2);
if (!url) {
    console.error("usage: node examples/demo/dpop-request.mjs <issuer> <client secret> <url>");
    process.exit(2);
}

const dpopKeyPair = await randomDPoPKeyPair();
const request = { clientId: "service-es256", resource: API, dpopKeyPair };
const accessToken = await clientCredentials({ issuerUri, clientSecret }, request);
const proof = await createProof(dpopKeyPair, { method: "GET", url, accessToken });

console.log(`url = "${url}"`);
console.log(`header = "Authorization: DPoP ${accessToken}"`);
console.log(`header = "DPoP: ${proof}"`);
