// What no machine without Docker can run is read instead: compose.yaml, the Dockerfile and nginx's template fit together.

import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { parse } from "yaml";
import { HERE } from "../run/build.mjs";

const ROOT = join(HERE, "../..");
const read = name => readFileSync(join(HERE, name), "utf8");
const { services, volumes } = parse(read("compose.yaml"), { merge: true });
const dockerfile = read("Dockerfile");
const stages = [...dockerfile.matchAll(/^FROM \S+ AS (\S+)$/gm)].map(([, stage]) => stage);

describe("compose.yaml", () => {
    test("each image is a stage of the Dockerfile", () => {
        const built = Object.values(services).filter(({ build }) => build !== undefined);
        assert.equal(built.length, 3);
        for (const { build } of built) {
            assert.ok(stages.includes(build.target), build.target);
            assert.equal(join(HERE, build.context, build.dockerfile), join(HERE, "Dockerfile"));
        }
    });

    test("each variable of the API is one that it reads, and it gets all that it needs", async () => {
        const { readConfig } = await import("../api/dist/config.js");
        const source = read("api/src/config.ts");
        const { environment } = services["api-1"];
        for (const name of Object.keys(environment)) {
            assert.match(source, new RegExp(`^ {4}${name}:`, "m"));
        }
        // With the defaults, and something for what has none.
        const filled = text =>
            text
                .replace(/\$\{(\w+):-([^}]*)\}/g, "$2")
                .replace(/\$\{\w+:\?[^}]*\}/g, `https://${"a".repeat(32)}.example`);
        const values = Object.fromEntries(
            Object.entries(environment).map(([name, text]) => [name, filled(text)])
        );
        const config = readConfig(values);
        assert.equal(config.API_URL, "http://localhost:8080/api");
        assert.equal(config.REDIS_URL, "redis://redis:6379");
        assert.deepEqual(services["api-1"], services["api-2"]);
    });

    test("nginx's template gets each name that it has", () => {
        const names = [...read("deploy/nginx.conf.template").matchAll(/\$\{([A-Z]\w+)\}/g)].map(
            ([, name]) => name
        );
        const given = Object.keys(services.web.environment);
        assert.deepEqual([...new Set(names)].filter(name => name !== "NAMES").sort(), given.sort());
    });

    test("services and volumes that are named are there", () => {
        for (const { depends_on = {}, volumes: mounted = [] } of Object.values(services)) {
            for (const [name, { condition }] of Object.entries(depends_on)) {
                assert.equal(condition, "service_healthy");
                assert.ok(services[name] !== undefined, name);
            }
            for (const mount of mounted) {
                assert.ok(mount.split(":")[0] in volumes, mount);
            }
        }
    });
});

describe("the Dockerfile", () => {
    test("copies what is there", () => {
        const copied = [...dockerfile.matchAll(/^COPY (?!--from)(.+) \S+$/gm)].flatMap(([, paths]) =>
            paths.split(" ")
        );
        assert.ok(copied.length >= 6);
        for (const path of copied.filter(path => path !== "target/packages/*.tgz")) {
            assert.ok(existsSync(join(ROOT, path)), path);
        }
        const ofStages = [...dockerfile.matchAll(/^COPY --from=(\S+) /gm)].map(([, stage]) => stage);
        assert.ok(ofStages.every(stage => stages.includes(stage)));
    });

    test("starts the file that the API is compiled to, not as root", () => {
        const [, command] = /^CMD (.+)$/m.exec(dockerfile);
        assert.ok(existsSync(join(HERE, JSON.parse(command)[1])));
        assert.match(dockerfile, /^USER node$/m);
    });
});
