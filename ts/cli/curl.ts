/**
 * A curl command as people paste it: what would be sent, without sending it.
 *
 * In: the text of one command. Out: method, URL, and the fields that hold credentials. Never: a shell, a file, a variable's
 * value, more than so many words.
 */

import { UsageError } from "./usage.js";

/** A request, as far as credentials go. */
export interface PastedRequest {
    readonly method: string | undefined;
    readonly url: string | undefined;
    readonly authorization: readonly string[];
    readonly dpop: readonly string[];
}

const MAX_WORDS = 1000;

/** Short options of curl that take a value, attached or as the next word. */
const SHORT_WITH_VALUE = "AbcCdDeEFhHKmoPQrtTuUwxXyYz";

/** The long ones, of curl 8. What is not among them is taken for one without. */
const LONG_WITH_VALUE: ReadonlySet<string> = new Set(
    (
        "abstract-unix-socket alt-svc aws-sigv4 cacert capath cert cert-type ciphers config connect-timeout connect-to " +
        "continue-at cookie cookie-jar create-file-mode crlfile curves data data-ascii data-binary data-raw " +
        "data-urlencode delegation dns-interface dns-ipv4-addr dns-ipv6-addr dns-servers doh-url dump-header ech egd-file " +
        "engine etag-compare etag-save expand-data expand-header expand-url expect100-timeout form form-string " +
        "ftp-account ftp-alternative-to-user ftp-method ftp-port ftp-ssl-ccc-mode happy-eyeballs-timeout-ms " +
        "haproxy-clientip header hostpubmd5 hostpubsha256 hsts interface ip-tos ipfs-gateway json keepalive-cnt " +
        "keepalive-time key key-type krb libcurl limit-rate local-port login-options mail-auth mail-from mail-rcpt " +
        "max-filesize max-redirs max-time netrc-file noproxy oauth2-bearer output output-dir parallel-max " +
        "parallel-max-host pass pinnedpubkey preproxy proto proto-default proto-redir proxy proxy-cacert proxy-capath " +
        "proxy-cert proxy-cert-type proxy-ciphers proxy-crlfile proxy-header proxy-key proxy-key-type proxy-pass " +
        "proxy-pinnedpubkey proxy-service-name proxy-tls13-ciphers proxy-tlsauthtype proxy-tlspassword proxy-tlsuser " +
        "proxy-user proxy1.0 pubkey quote random-file range rate referer request request-target resolve retry retry-delay " +
        "retry-max-time sasl-authzid service-name sigalgs socks4 socks4a socks5 socks5-gssapi-service socks5-hostname " +
        "speed-limit speed-time stderr telnet-option tftp-blksize time-cond tls-max tls13-ciphers tlsauthtype tlspassword " +
        "tlsuser trace trace-ascii trace-config unix-socket upload-file url url-query user user-agent variable " +
        "vlan-priority write-out"
    ).split(" ")
);

/** Whether a text is a curl command. */
export const isCurl = (text: string): boolean => /^\s*(?:\$\s+)?curl(?:\.exe)?\s/.test(text);

/** What a curl command would send. */
export function readCurl(text: string): PastedRequest {
    const words = wordsOf(text.replace(/^\s*\$\s+/, ""));
    const said = new Said();
    for (let i = 1; i < words.length; i++) {
        const word = words[i] as string;
        if (word.startsWith("--") && word.length > 2) {
            const [name = "", attached] = word.slice(2).split(/=(.*)/s, 2);
            const takesOne = LONG_WITH_VALUE.has(name);
            said.option(name, takesOne ? (attached ?? words[++i] ?? "") : "");
        } else if (word.startsWith("-") && word.length > 1) {
            const at = [...word].findIndex((letter, i) => i > 0 && SHORT_WITH_VALUE.includes(letter));
            for (const letter of word.slice(1, at === -1 ? undefined : at)) {
                said.option(letter, "");
            }
            if (at !== -1) {
                said.option(
                    word[at] as string,
                    word.length > at + 1 ? word.slice(at + 1) : (words[++i] ?? "")
                );
            }
        } else {
            said.address(word);
        }
    }
    return said.request();
}

/** What the options of a curl command say. */
class Said {
    #method: string | undefined;
    #implied: string | undefined;
    #isGet = false;
    #url: string | undefined;
    readonly #fields = { authorization: [] as string[], dpop: [] as string[] };

    option(name: string, value: string): void {
        switch (name) {
            case "H":
            case "header":
                this.#header(value);
                break;
            case "X":
            case "request":
                this.#method = value;
                break;
            case "url":
                this.address(value);
                break;
            case "oauth2-bearer":
                this.#fields.authorization.push(`Bearer ${value}`);
                break;
            case "u":
            case "user":
                this.#fields.authorization.push(`Basic ${Buffer.from(value).toString("base64")}`);
                break;
            case "G":
            case "get":
                this.#isGet = true;
                break;
            case "I":
            case "head":
                this.#implied = "HEAD";
                break;
            case "T":
            case "upload-file":
                this.#implied = "PUT";
                break;
            default:
                if (/^(?:d|F|json|form|form-string|data(?:-.*)?)$/.test(name)) {
                    this.#implied ??= "POST";
                }
        }
    }

    address(word: string): void {
        this.#url ??= /^[a-z][a-z\d+.-]*:\/\//i.test(word) ? word : `http://${word}`;
    }

    request(): PastedRequest {
        const implied = this.#isGet ? "GET" : (this.#implied ?? "GET");
        return { method: this.#method ?? implied, url: this.#url, ...this.#fields };
    }

    #header(field: string): void {
        const [name = "", value] = field.split(/:(.*)/s, 2);
        const known = name.trim().toLowerCase();
        if ((known === "authorization" || known === "dpop") && value !== undefined && value.trim() !== "") {
            this.#fields[known].push(value.trim());
        }
    }
}

/** The words of the first command of a text, as a POSIX shell takes it apart. */
export function wordsOf(text: string): string[] {
    const words: string[] = [];
    let word: string | null = null;
    let rest = text;
    while (rest !== "") {
        const [piece, kind, length] = nextPiece(rest);
        rest = rest.slice(length);
        if (kind === "text") {
            word = (word ?? "") + piece;
        }
        if (kind === "text" || kind === "nothing") {
            continue;
        }
        if (word !== null) {
            words.push(word);
            word = null;
        }
        if (kind === "end") {
            break;
        }
        if (words.length > MAX_WORDS) {
            throw new UsageError(`the command has more than ${MAX_WORDS} words`);
        }
    }
    return word === null ? words : [...words, word];
}

type Piece = readonly [text: string, kind: "text" | "nothing" | "gap" | "end", length: number];

const VARIABLE = /^\$[\w{(]|^`/;

/** What stands at the beginning of a text, and how much of it that is. */
function nextPiece(text: string): Piece {
    const [first = "", second = ""] = text;
    if (first === "\\") {
        const skipped = /^\\\r?\n/.exec(text);
        return skipped !== null ? ["", "nothing", skipped[0].length] : [second, "text", 1 + second.length];
    }
    if (first === "'") {
        return enclosed(text, /^'([^']*)'/, inside => inside);
    }
    if (first === "$" && second === "'") {
        return enclosed(text, /^\$'((?:[^'\\]|\\.)*)'/s, unescaped);
    }
    if (first === '"') {
        return enclosed(text, /^"((?:[^"\\]|\\.)*)"/s, withoutBackslashes);
    }
    if (first === "^" && /^\^["\r\n]/.test(text)) {
        throw new UsageError("the command is for cmd.exe: copy it for bash (Copy as cURL (bash))");
    }
    if (VARIABLE.test(text)) {
        throw unknownVariable();
    }
    const gap = /^[ \t]+/.exec(text);
    if (gap !== null) {
        return ["", "gap", gap[0].length];
    }
    if (/^[\n\r;|&<>]/.test(first)) {
        return ["", "end", 1];
    }
    const plain = /^[^\\'"$`\s;|&<>^]+/.exec(text)?.[0] ?? first;
    return [plain, "text", plain.length];
}

function enclosed(text: string, pattern: RegExp, read: (inside: string) => string): Piece {
    const found = pattern.exec(text);
    if (found === null) {
        throw new UsageError("a quotation mark of the command is not closed: paste all of it");
    }
    return [read(found[1] ?? ""), "text", found[0].length];
}

const unknownVariable = (): UsageError =>
    new UsageError(
        "the command holds a variable of the shell, whose value is not known here: write the value in its place"
    );

/** What double quotes leave: a backslash counts before `$`, a grave accent, `"`, itself and a line's end. */
function withoutBackslashes(inside: string): string {
    if (/(?:^|[^\\])(?:\\\\)*(?:\$[\w{(]|`)/.test(inside)) {
        throw unknownVariable();
    }
    return inside.replace(/\\(\r?\n|[$`"\\])/g, (_, escaped: string) => (/\n/.test(escaped) ? "" : escaped));
}

const NAMED: Readonly<Record<string, string>> = {
    n: "\n",
    t: "\t",
    r: "\r",
    "'": "'",
    '"': '"',
    "\\": "\\",
    "!": "!"
};

/** What `$'…'` leaves, as browsers write it. */
function unescaped(inside: string): string {
    return inside.replace(
        /\\(?:u([\da-f]{4})|x([\da-f]{1,2})|(.))/gis,
        (whole, unit: string | undefined, byte: string | undefined, letter: string | undefined) =>
            letter === undefined
                ? String.fromCharCode(Number.parseInt(unit ?? byte ?? "0", 16))
                : (NAMED[letter] ?? whole)
    );
}
