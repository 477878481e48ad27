// What `npm run pack:check -- functions` tries: the handler of docs/deploying.md in what AWS CDK and serverless-esbuild would
// upload. It is no part of the other checks, since installing both takes a minute.

import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { ROOT } from "./prepare.mjs";

/** A function as AWS Lambda calls it: what its bundle says of a good token, a changed one and none. */
const CALLER = `const { handler } = require(require("node:path").resolve(process.argv[2]));
const call = authorization => handler({
    headers: { authorization },
    rawPath: "/me",
    requestContext: { domainName: "api.example.com", http: { method: "GET" } }
});
const { TOKEN, TAMPERED_TOKEN } = process.env;
Promise.all([\`Bearer \${TOKEN}\`, \`Bearer \${TAMPERED_TOKEN}\`, undefined].map(call)).then(answers => {
    const statuses = answers.map(({ statusCode }) => statusCode).join(" ");
    if (statuses !== "200 401 401") throw new Error(\`expected 200 401 401, got \${statuses}\`);
});`;

const cdk = format => `const { App, Stack } = require("aws-cdk-lib");
const { NodejsFunction, OutputFormat } = require("aws-cdk-lib/aws-lambda-nodejs");
const { Runtime } = require("aws-cdk-lib/aws-lambda");
const app = new App({ outdir: "cdk-${format}" });
new NodejsFunction(new Stack(app, "Api"), "Me", {
    entry: "handler.ts",
    runtime: Runtime.NODEJS_22_X,
    bundling: { nodeModules: ["oidc-spa-native"], format: OutputFormat.${format} }
});
app.synth();`;

const SERVERLESS = `service: api
frameworkVersion: "3"
provider: { name: aws, runtime: nodejs20.x, region: eu-west-1 }
plugins: [serverless-esbuild]
package: { individually: true }
custom: { esbuild: { bundle: true, external: ["oidc-spa-native"] } }
functions: { me: { handler: handler.handler } }
`;

/** The block of the page, whose issuer and audience are the check's. */
function handlerOfThePage() {
    const page = readFileSync(join(ROOT, "docs/deploying.md"), "utf8");
    const [, block] = /^```ts\n((?:(?!^```).)*export async function handler.*?)^```$/ms.exec(page) ?? [];
    return block
        .replace('"https://auth.example.com"', 'process.env.ISSUER_URI ?? ""')
        .replace('"https://api.example.com"', 'process.env.AUDIENCE ?? ""');
}

/** @param {import("./bundle-check.mjs").Checks} checks */
export async function useInFunctions({ freshProject, check, use }) {
    const tools = ["aws-cdk-lib@2", "constructs@10", "serverless@3", "serverless-esbuild@1", "esbuild"];
    const project = await freshProject("functions", { type: "commonjs", version: "1.0.0" }, tools);
    const files = {
        "handler.ts": handlerOfThePage(),
        "call.cjs": CALLER,
        "cdk-CJS.cjs": cdk("CJS"),
        "cdk-ESM.cjs": cdk("ESM"),
        "serverless.yml": SERVERLESS
    };
    for (const [file, text] of Object.entries(files)) {
        writeFileSync(join(project, file), text);
    }
    for (const format of ["CJS", "ESM"]) {
        const title = `Bundling with NodejsFunction of AWS CDK, ${format}`;
        if (await check(title, join(project, `cdk-${format}.cjs`), [], {}, project)) {
            const out = join(project, `cdk-${format}`);
            const asset = join(
                out,
                readdirSync(out).find(name => name.startsWith("asset."))
            );
            const index = readdirSync(asset).find(name => /^index\.m?js$/.test(name));
            await use(`the asset of AWS CDK, ${format}`, project, "call.cjs", [join(asset, index)]);
        }
    }
    const serverless = join(project, "node_modules/serverless/bin/serverless.js");
    const env = { SLS_TELEMETRY_DISABLED: "1", AWS_ACCESS_KEY_ID: "none", AWS_SECRET_ACCESS_KEY: "none" };
    if (await check("Packaging with serverless-esbuild", serverless, ["package"], env, project)) {
        execFileSync("unzip", ["-q", ".serverless/me.zip", "-d", "unpacked"], { cwd: project });
        const unpacked = join(project, "unpacked/handler.js");
        await use("the archive of serverless-esbuild", project, "call.cjs", [unpacked]);
    }
}
