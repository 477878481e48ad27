// `npm run demo -- --serve`: the curl lines to try.

import { clientCredentials } from "./client.mjs";
import { API, SCOPE } from "./issuer.mjs";

export async function printCurlLines(issuer, itemsUrl) {
    const clientId = "service-rs256";
    // A token of a loopback issuer that ends with this process: shown, so that it can be pasted.
    const accessToken = await clientCredentials(issuer, { clientId, resource: API });

    console.log(`
The authorization server is ${issuer.issuerUri}, the API is ${itemsUrl}. Ctrl-C ends both.

Accepted, for 5 minutes:

    curl -i -H 'Authorization: Bearer ${accessToken}' ${itemsUrl}

A fresh token:

    curl -s -u ${clientId}:${issuer.clientSecret} ${issuer.issuerUri}/token \\
        -d grant_type=client_credentials -d scope=${SCOPE} -d resource=${API}

Refused, since there are no credentials:

    curl -i ${itemsUrl}

DPoP: the first line gets a bound token and writes the request with its proof. The second sends it and is accepted;
sent again, it is refused as a replay.

    node examples/demo/dpop-request.mjs ${issuer.issuerUri} ${issuer.clientSecret} ${itemsUrl} > /tmp/dpop-request
    curl -i -K /tmp/dpop-request
`);
}
