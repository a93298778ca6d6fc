"""README.md and docs/: each command, option, setting and file that they name exists, and each scenario's test, too."""

import ast
import os
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import get_commands, load_command_class

ROOT = Path(settings.BASE_DIR)
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
CODE = re.compile(r"```[a-z]*\n(.*?)```|`([^`\n]+)`", re.DOTALL)
PYTEST_OPTIONS = {"-m", "-k", "-q", "-x"}
OWN_OPTIONS = {"scripts/studio": "studio"}
"""Scripts that hand their options to a command."""


def lines_of_code(page: Path) -> Iterator[str]:
    """Return the lines of a page's code, those of one line within the text included; a line that is continued is one."""
    for block, span in CODE.findall(page.read_text(encoding="utf-8")):
        yield from (block or span).replace("\\\n", " ").splitlines()


def words_of(line: str) -> list[str]:
    """Return the words of a command as a shell has them; what is optional in a synopsis counts as given."""
    plain = line.partition(" #")[0].replace("[", " ").replace("]", " ").replace("\\|", " ").replace("|", " ")
    try:
        return shlex.split(plain)
    except ValueError:  # an apostrophe in a sentence that is no command
        return []


def commands(program: str) -> list[tuple[str, str, list[str]]]:
    """Return (page, name, options) of every ``manage.py NAME`` or ``scripts/NAME`` that stands in a page's code."""
    found = []
    for page in PAGES:
        for line in lines_of_code(page):
            words = words_of(line)
            for index, word in enumerate(words):
                is_script = program == "scripts/" and re.fullmatch(r"(.*[ /=])?scripts/[\w.]+", word)
                if is_script:
                    rest = words[index + 1 :]
                    name = word[word.index("scripts/") :]
                elif program == "manage.py" and word.endswith("manage.py") and index + 1 < len(words):
                    name, rest = words[index + 1], words[index + 2 :]
                else:
                    continue
                options = [one.partition("=")[0] for one in rest if re.fullmatch(r"--?[a-z][\w-]*(=.*)?", one)]
                found.append((page.name, name, options))
    return found


def options_of(command: str) -> set[str]:
    app = get_commands()[command]
    loaded = load_command_class(app, command) if isinstance(app, str) else app
    return set(loaded.create_parser("manage.py", command)._option_string_actions)


MANAGED = commands("manage.py")
SCRIPTS = commands("scripts/")


def test_there_is_something_to_look_at() -> None:
    assert {"make_video", "doctor", "prune"} <= {name for _, name, _ in MANAGED}
    assert {"scripts/studio", "scripts/test"} <= {name for _, name, _ in SCRIPTS}
    assert any("--notes" in options for _, _, options in MANAGED)


@pytest.mark.parametrize(("page", "name", "options"), MANAGED)
def test_commands(page: str, name: str, options: list[str]) -> None:
    assert name in get_commands(), f"{page}: there is no command {name}"
    assert set(options) <= options_of(name), f"{page}: manage.py {name}"


@pytest.mark.parametrize(("page", "name", "options"), SCRIPTS)
def test_scripts(page: str, name: str, options: list[str]) -> None:
    path = ROOT / name
    assert path.is_file(), f"{page}: there is no {name}"
    if name == "scripts/test":
        assert set(options) <= PYTEST_OPTIONS, page
    elif name in OWN_OPTIONS:
        assert set(options) <= options_of(OWN_OPTIONS[name]), page
    else:
        text = path.read_text(encoding="utf-8")
        assert [option for option in options if f'"{option}"' not in text] == [], f"{page}: {name}"


@pytest.mark.parametrize("path", sorted((ROOT / "scripts").glob("*_test.py")), ids=lambda path: path.name)
def test_what_a_reader_starts_can_be_started(path: Path) -> None:
    assert os.access(path, os.X_OK)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_settings(page: Path) -> None:
    """Every variable that a page names has its line in .env.example."""
    known = set(re.findall(r"^#?([A-Z0-9_]+)=", (ROOT / ".env.example").read_text(encoding="utf-8"), re.MULTILINE))
    named = set(re.findall(r"(?<![A-Z_<])(VIDEOFLOW_[A-Z0-9_]*[A-Z0-9])(?![A-Z0-9_<…])", page.read_text(encoding="utf-8")))
    assert {name for name in named if name.removesuffix("_FILE") not in known and name not in known} == set()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links(page: Path) -> None:
    """Every file that a page links to or names as a page of ours is there."""
    text = page.read_text(encoding="utf-8")
    links = [link for link in re.findall(r"\]\(([^)#]+)", text) if "://" not in link]
    links += re.findall(r"(?:src|srcset)=\"([^\"]+)\"", text)
    named = re.findall(r"`(docs/[\w./-]+)`", text)
    assert [link for link in links if not (page.parent / link).exists()] == []
    assert [name for name in named if not (ROOT / name).exists()] == []


def test_scenarios_have_their_tests() -> None:
    """The table of docs/scenarios.md names tests that exist."""
    named = re.findall(r"`([\w/]+\.py)::(\w+)(?:::(\w+))?`", (ROOT / "docs" / "scenarios.md").read_text(encoding="utf-8"))
    assert len(named) > 15
    for path, *names in named:
        tree: ast.AST = ast.parse((ROOT / path).read_text(encoding="utf-8"))
        for name in filter(None, names):
            kinds = (ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
            inside = [node for node in ast.iter_child_nodes(tree) if isinstance(node, kinds) and node.name == name]
            assert inside, f"{path}: there is no {name}"
            tree = inside[0]
