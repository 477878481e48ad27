// Hosts as a developer or an issuer may write them, and as a URL has them: the addon knows Unicode by its own tables, the
// WebAssembly engine by those of its run time.

/** Each host, and how requests name it; `null` for what is no host. */
export const HOSTS: Readonly<Record<string, string | null>> = {
    "Auth.EXAMPLE": "auth.example",
    "auth_1.example": "auth_1.example",
    "a--b.-c-.example": "a--b.-c-.example",
    "auth..example": "auth..example",
    "auth.example.": "auth.example.",
    "xn-.example": "xn-.example",
    "b\u{fc}cher.example": "xn--bcher-kva.example",
    "B\u{dc}CHER.example": "xn--bcher-kva.example",
    "bu\u{308}cher.example": "xn--bcher-kva.example",
    "b%C3%BCcher.example": "xn--bcher-kva.example",
    "xn--bcher-kva.example": "xn--bcher-kva.example",
    "XN--BCHER-KVA.example": "xn--bcher-kva.example",
    "a.xn--BCHER-kva": "a.xn--bcher-kva",
    // Not every label of Punycode is one that an encoder makes.
    "xn--a.example": null,
    "xn--.example": null,
    "xn--zzzzzzzzzzz.example": null,
    "xn--\u{fc}.example": null,
    // Deviations: letters that once were mapped to others.
    "stra\u{df}e.example": "xn--strae-oqa.example",
    "xn--strae-oqa.example": "xn--strae-oqa.example",
    "\u{3c2}.example": "xn--3xa.example",
    "a\u{200d}b.example": null,
    "\u{915}\u{94d}\u{200d}\u{937}.example": "xn--11b2ezcw70k.example",
    // Mapped to ASCII, also to what a host cannot have.
    "\u{ff41}uth.example": "auth.example",
    "auth\u{3002}example": "auth.example",
    "auth\u{ad}.example": "auth.example",
    "\u{ad}": null,
    "\u{ff11}\u{ff12}\u{ff17}.1": "127.0.0.1",
    "\u{ff10}x7f.1": "127.0.0.1",
    "\u{ff12}56.256.1.1": null,
    "\u{ff4c}ocalhost": "localhost",
    "\u{2100}.example": null,
    "auth\u{ff0f}x.example": null,
    "auth\u{ff1a}x.example": null,
    "auth\u{ff05}.example": null,
    // From right to left.
    "\u{5d0}\u{5d1}.example": "xn--4dbc.example",
    "\u{5d0}a.example": null,
    "\u{5d0}1.example": "xn--1-zhc.example",
    // Marks, and what has no meaning.
    "\u{301}a.example": null,
    "\u{e000}.example": null,
    "\u{fdd0}.example": null,
    "\u{1f600}.example": "xn--e28h.example",
    "a%FF.example": null,
    "a%00.example": null
};

/** Hosts that are refused, but not by every run time: how an older one reads them. */
export const HOSTS_READ_BY_SOME: Readonly<Record<string, string>> = {
    "xn--bcher-.example": "xn--bcher-.example",
    "1\u{5d0}.example": "xn--1-0hc.example"
};

export const ALL_HOSTS: readonly string[] = [...Object.keys(HOSTS), ...Object.keys(HOSTS_READ_BY_SOME)];

/** The hosts that were read otherwise than they should be, with what was found. */
export const misreadHosts = (
    found: readonly (string | null | undefined)[]
): readonly (readonly [host: string, found: string | null | undefined])[] =>
    ALL_HOSTS.map((host, i) => [host, found[i]] as const).filter(
        ([host, name]) =>
            name !== (HOSTS[host] ?? null) && (name === undefined || name !== HOSTS_READ_BY_SOME[host])
    );
