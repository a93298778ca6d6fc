// What YouTube counts, as the server counts it: characters of a title, bytes of a description, tags by the comma rule.

const SPACES = /[\t-\r \u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]+/g;

/** A text with one sign for the end of a line. */
export const textNormal = (text) => text.replace(/\r\n?/g, "\n");

/** Characters, an emoji of one code point being one; ends of lines and spaces at the edges do not count. */
export const titleLength = (text) => [...text.replace(SPACES, " ").replace(/^ | $/g, "")].length;

export const descriptionBytes = (text) => new TextEncoder().encode(textNormal(text)).length;

/** The tags of a line as it is typed: between commas, without quotes and surplus spaces, each once. */
export function tagsRead(text) {
  const tags = new Map();
  for (const part of text.split(",")) {
    const tag = part.replaceAll('"', " ").replace(SPACES, " ").replace(/^ | $/g, "");
    if (tag && !tags.has(tag.toLowerCase())) tags.set(tag.toLowerCase(), tag);
  }
  return [...tags.values()];
}

/** A tag with a space is quoted; tags are joined by commas. */
export const tagsLength = (tags) => tags.reduce((sum, tag) => sum + [...tag].length + (tag.includes(" ") ? 2 : 0), 0) + Math.max(0, tags.length - 1);

/** Chapters that the description holds: lines that begin with a time. */
export function chaptersRead(text) {
  const found = textNormal(text).split("\n").map((line) => line.replace(/^[ \t]+|[ \t]+$/g, "").match(/^[([]?((?:\d{1,2}:)?\d{1,2}:\d{2})[)\]]?(?:[ \t.:|–—-]+(.*))?$/));
  return found.filter(Boolean).map((match) => ({ at: match[1].split(":").reduce((sum, part) => sum * 60 + Number(part), 0), title: (match[2] ?? "").trim() }));
}
