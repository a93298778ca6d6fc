"""What axe finds on a page, in the themes and at the widths that matter."""

from importlib import resources

from playwright.sync_api import Page

AXE = (resources.files("axe_playwright_python") / "axe.min.js").read_text()
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
LOOK = """([place, rules]) => {
  document.getAnimations().forEach((running) => running instanceof CSSTransition && running.finish()); // to their last colour
  return axe.run(place || document, { runOnly: rules, resultTypes: ["violations"] }).then(({ violations }) =>
    violations.flatMap(({ id, nodes }) => nodes.map((node) => `${id}: ${node.target} ${node.any[0]?.message ?? ""}`)));
}"""
VIEWS = (("light", 1440), ("dark", 390), ("light", 390), ("dark", 1440))
HEIGHT_PX = 900
BOTH = 2
"""The first two views have both themes and both widths: enough where every component is also on a page seen in all four."""


def violations(page: Page, name: str, *, views: int = BOTH, parts: str = "") -> list[str]:
    """Return what axe finds on a page as it stands; each finding with the page's name, theme and width.

    ``parts`` is a selector of what is looked at in every view but the first, which has the whole page.
    """
    page.evaluate(AXE)
    found: list[str] = []
    for number, (theme, width_px) in enumerate(VIEWS[:views]):
        page.evaluate("theme => document.documentElement.dataset.theme = theme", theme)
        page.set_viewport_size({"width": width_px, "height": HEIGHT_PX})
        findings = page.evaluate(LOOK, [parts if number else "", RULES])
        found += [f"{name}, {theme}, {width_px} px: {finding}" for finding in findings]
    page.set_viewport_size({"width": VIEWS[0][1], "height": HEIGHT_PX})
    return found
