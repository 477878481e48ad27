// What a program gets where no addon can be loaded: `"an error"` that says why. This is the one switch of the checks of
// installed packages. When the package has the WebAssembly engine it becomes `"WebAssembly"`: such a program then gets
// its answers, and `health().engine` says from where.

/** @type {"an error" | "WebAssembly"} */
export const WITHOUT_ADDON = "an error";
