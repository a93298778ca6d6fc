"""``makemessages`` that also finds what workers say: sentences, the lines of progress and results, and refusals."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.commands import makemessages
from django.core.management.utils import is_ignored_path

from videoflow.errors import VideoflowError

SAYING = ("Sentence", "StageOutput:1", "report:2")
"""What takes a sentence, as xgettext names it: which of its arguments that is."""
NOT_OF_PAGES = (
    *(".venv", "node_modules", "data", "tests", "scripts", "videoflow/api", "health", "commands"),
    *("moving.py", "storage_upkeep.py"),  # whose refusals are read in a terminal alone
)
_CLASS = re.compile(r"^class (\w+)\(([\w., ]+)\):", re.MULTILINE)


def refusals() -> set[str]:
    """Return the names of all classes of errors whose text is shown to people, read from the source."""
    parents = {name: {*re.findall(r"\w+", bases)} for text in sources() for name, bases in _CLASS.findall(text)}
    found = {VideoflowError.__name__}
    while more := {name for name, bases in parents.items() if bases & found} - found:
        found |= more
    return found


def sources() -> Iterator[str]:
    """Yield the texts of the modules that have a say on pages."""
    root = Path(settings.BASE_DIR)
    for path in sorted((root / "videoflow").rglob("*.py")):
        inside = path.relative_to(root)
        if not any(is_ignored_path(str(part), NOT_OF_PAGES) for part in (inside, *inside.parents)):
            yield path.read_text()


class Command(makemessages.Command):
    """``manage.py makemessages -l de``: everything that pages say; programs and the terminal are spoken to in English."""

    xgettext_options = [*makemessages.Command.xgettext_options, *(f"--keyword={name}" for name in SAYING)]

    def handle(self, *args: object, **options: Any) -> None:
        self.xgettext_options = [*self.xgettext_options, *(f"--keyword={name}:1" for name in sorted(refusals()))]
        options["ignore_patterns"] = [*options["ignore_patterns"], *NOT_OF_PAGES]
        options["no_location"] = True
        super().handle(*args, **options)
