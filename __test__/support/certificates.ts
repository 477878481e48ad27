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
    return {
        ca: authority.cert,
        server: (...names) => serverSignedBy(authority, ...names),
        client: subject => signedBy(authority, subject, ["extendedKeyUsage = clientAuth"])
    };
}

/** A server's certificate, for this machine and for `names`, signed with this key, whoever its own certificate says it is. */
export function serverSignedBy(signer: Pair, ...names: string[]): Pair {
    const alternatives = ["DNS:localhost", "IP:127.0.0.1", "IP:::1", ...names.map(name => `DNS:${name}`)];
    return signedBy(signer, "server", [
        `subjectAltName = ${alternatives.join(", ")}`,
        "extendedKeyUsage = serverAuth"
    ]);
}

function signedBy(signer: Pair, subject: string, extensions: string[]): Pair {
    return openssl(folder => {
        configure(folder, ["basicConstraints = critical, CA:FALSE", ...extensions]);
        writeFileSync(join(folder, "ca.pem"), signer.cert);
        writeFileSync(join(folder, "ca.key"), signer.key);
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
}

/** A server's certificate that nobody else signed. */
export function selfSigned(names: readonly string[], basicConstraints = "critical, CA:TRUE"): Pair {
    return selfSignedWith(names, [`basicConstraints = ${basicConstraints}`]);
}

/** The same, with these extensions of its own. */
export function selfSignedWith(names: readonly string[], extensions: readonly string[]): Pair {
    return openssl(folder => {
        const alternatives = names.map(name => `DNS:${name}`).join(", ");
        configure(folder, [...extensions, `subjectAltName = ${alternatives}`]);
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
