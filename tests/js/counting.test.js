// The page and the server count alike: both read the same table.

import { describe, expect, it } from "vitest";

import { chaptersRead, descriptionBytes, tagsLength, tagsRead, titleLength } from "../../static/js/counting.js";
import table from "../../videoflow/pipeline/tests/counting.json";

describe("counting", () => {
  it.each(table)("$text", ({ text, title, bytes, tags }) => {
    expect([titleLength(text), descriptionBytes(text), tagsLength(tagsRead(text))]).toEqual([title, bytes, tags]);
  });

  it("finds the lines that begin with a time", () => {
    expect(chaptersRead("Hello\n0:00 Opening\n(1:05) – Middle\n1:00:00 End\n12:5 no\nat 3:10 no")).toEqual([
      { at: 0, title: "Opening" },
      { at: 65, title: "Middle" },
      { at: 3600, title: "End" },
    ]);
  });
});
