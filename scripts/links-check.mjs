// Whether the links in the pages of the packed package lead somewhere. There is no address on the web by which a reader
// could resolve a relative link: what a packed page names must be in the package, and a heading that it names in the page.

import { readFileSync } from "node:fs";
import { join, posix } from "node:path";
import GithubSlugger from "github-slugger";
import { ROOT } from "./prepare.mjs";

/**
 * @param {readonly string[]} files - of the package
 * @returns {string[]} what is wrong
 */
export function deadLinks(files) {
    const pages = files.filter(file => file.endsWith(".md"));
    const links = pages.flatMap(file =>
        linksOf(textOf(file)).map(([target, heading]) => ({
            file,
            target: target === "" ? file : posix.join(posix.dirname(file), target),
            heading
        }))
    );
    if (links.length < 50) {
        return [`${links.length} links were found in the pages, expected 50 or more`];
    }
    const headings = new Map(pages.map(file => [file, headingsOf(textOf(file))]));
    return links.flatMap(({ file, target, heading }) => {
        if (!files.includes(target)) {
            return [`${file} links to ${target}, which is not in the package`];
        }
        return heading === undefined || headings.get(target)?.has(heading) === true
            ? []
            : [`${file} links to ${target}#${heading}, and there is no such heading`];
    });
}

/** A page without its code blocks, in which nothing is a link or a heading. */
function textOf(file) {
    return readFileSync(join(ROOT, file), "utf8").replaceAll(/^```.*?^```/gms, "");
}

/** Relative links and images, in Markdown and in HTML: the file, and the heading if one is named. */
function linksOf(text) {
    const inMarkdown = text.matchAll(/\]\((?![a-z]+:)([^)#\s]*)(?:#([^)\s]*))?\)/g);
    const inHtml = text.matchAll(/\b(?:src|srcset|href)="(?![a-z]+:)([^"#]*)(?:#([^"]*))?"/g);
    return [...inMarkdown, ...inHtml].map(([, target, heading]) => [target, heading]);
}

function headingsOf(text) {
    const slugger = new GithubSlugger();
    const titles = Array.from(text.matchAll(/^#{1,6} (.+)$/gm), ([, title]) => title);
    // A link in a heading counts by its words.
    return new Set(titles.map(title => slugger.slug(title.replaceAll(/\[([^\]]*)\]\([^)]*\)/g, "$1"))));
}
