"""``makemessages`` that also finds what workers say: sentences, the lines of progress and results, and refusals."""

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.commands import makemessages

from videoflow.errors import VideoflowError

SAYING = ("Sentence", "StageOutput:1", "report:2")
"""What takes a sentence, as xgettext names it: which of its arguments that is."""

NOT_OF_PAGES = (".venv", "node_modules", "data", "tests", "scripts", "api", "health", "commands")


def refusals() -> set[str]:
    """Return the names of all classes of errors whose text is shown to people, read from the source."""
    parents: dict[str, set[str]] = {}
    for tree in sources():
        for node in ast.walk(tree):
            if isinstance(node, ast.ClassDef):
                parents[node.name] = {ast.unparse(base).rpartition(".")[2] for base in node.bases}
    found = {VideoflowError.__name__}
    while more := {name for name, bases in parents.items() if bases & found} - found:
        found |= more
    return found


def sources() -> Iterator[ast.Module]:
    """Yield the parsed modules of the project, those of tests left out."""
    for path in sorted((Path(settings.BASE_DIR) / "videoflow").rglob("*.py")):
        if "tests" not in path.parts:
            yield ast.parse(path.read_text())


class Command(makemessages.Command):
    """``manage.py makemessages -l de``: everything that pages say; programs and the terminal are spoken to in English."""

    xgettext_options = [*makemessages.Command.xgettext_options, *(f"--keyword={name}" for name in SAYING)]

    def handle(self, *args: object, **options: Any) -> None:
        self.xgettext_options = [*self.xgettext_options, *(f"--keyword={name}:1" for name in sorted(refusals()))]
        options["ignore_patterns"] = [*options["ignore_patterns"], *NOT_OF_PAGES]
        options["no_location"] = True
        super().handle(*args, **options)
