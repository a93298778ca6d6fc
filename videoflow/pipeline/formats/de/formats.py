"""A figure in a template stays one that HTML and SVG can read (``value="0.5"``); the filters of ``studio`` write people's."""

DECIMAL_SEPARATOR = "."
