// Certificates for servers and clients of the tests, made by the openssl command.

import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

export interface Pair {
    /** PEM. */
    readonly cert: string;
    readonly key: string;
}

export interface Authority {
    /** Its own certificate, in PEM. */
    readonly ca: string;
    /** For this machine and for `names`. */
    server(...names: string[]): Pair;
    client(name: string): Pair;
}

export function newAuthority(name: string): Authority {
    const authority = openssl(folder => {
        configure(folder, ["basicConstraints = critical, CA:TRUE", "keyUsage = critical, keyCertSign"]);
        return make(folder, name, ["-x509", "-days", "2", "-extensions", "extensions", "-out", "cert.pem"]);
    });
    const issue = (subject: string, extensions: string[]): Pair =>
        openssl(folder => {
            configure(folder, ["basicConstraints = critical, CA:FALSE", ...extensions]);
            writeFileSync(join(folder, "ca.pem"), authority.cert);
            writeFileSync(join(folder, "ca.key"), authority.key);
            make(folder, subject, ["-out", "request.pem"]);
            const by = ["-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days", "1"];
            const from = ["-extfile", "openssl.cnf", "-extensions", "extensions"];
            execFileSync(
                "openssl",
                ["x509", "-req", "-in", "request.pem", "-out", "cert.pem", ...by, ...from],
                quietIn(folder)
            );
            return read(folder);
        });
    return {
        ca: authority.cert,
        server: (...names) => {
            const alternatives = [
                "DNS:localhost",
                "IP:127.0.0.1",
                "IP:::1",
                ...names.map(name => `DNS:${name}`)
            ];
            return issue("server", [
                `subjectAltName = ${alternatives.join(", ")}`,
                "extendedKeyUsage = serverAuth"
            ]);
        },
        client: subject => issue(subject, ["extendedKeyUsage = clientAuth"])
    };
}

/** A server's certificate that nobody else signed. */
export function selfSigned(names: readonly string[], basicConstraints = "critical, CA:TRUE"): Pair {
    return openssl(folder => {
        const alternatives = names.map(name => `DNS:${name}`).join(", ");
        configure(folder, [`basicConstraints = ${basicConstraints}`, `subjectAltName = ${alternatives}`]);
        const own = ["-x509", "-days", "2", "-extensions", "extensions", "-out", "cert.pem"];
        return make(folder, "A server of the tests", own);
    });
}

function openssl(action: (folder: string) => Pair): Pair {
    const folder = mkdtempSync(join(tmpdir(), "oidc-spa-native-certificates-"));
    try {
        return action(folder);
    } finally {
        rmSync(folder, { recursive: true });
    }
}

/** A configuration of its own, so that the machine's decides nothing. */
function configure(folder: string, extensions: readonly string[]): void {
    const lines = [
        "[req]",
        "distinguished_name = name",
        "prompt = no",
        "[name]",
        "[extensions]",
        ...extensions
    ];
    writeFileSync(join(folder, "openssl.cnf"), `${lines.join("\n")}\n`);
}

function make(folder: string, subject: string, rest: readonly string[]): Pair {
    const key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", "key.pem"];
    const options = ["req", "-new", "-config", "openssl.cnf", "-subj", `/CN=${subject}`, ...key, ...rest];
    execFileSync("openssl", options, quietIn(folder));
    return rest.includes("-x509") ? read(folder) : { cert: "", key: "" };
}

const quietIn = (folder: string) => ({ cwd: folder, stdio: "pipe" }) as const;

function read(folder: string): Pair {
    return {
        cert: readFileSync(join(folder, "cert.pem"), "utf8"),
        key: readFileSync(join(folder, "key.pem"), "utf8")
    };
}
