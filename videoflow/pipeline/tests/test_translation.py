"""English and German pages; every sentence that stands in a template can be translated, and is."""

import ast
import re
from datetime import timedelta
from pathlib import Path

import polib  # type: ignore[import-untyped]
import pytest
from django.conf import settings
from django.template import engines
from django.template.base import Lexer, TokenType
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import override

from videoflow.pipeline.management.commands.makemessages import SAYING, refusals, sources
from videoflow.pipeline.templatetags import studio
from videoflow.pipeline.tests import factories
from videoflow.sentences import Sentence
from videoflow.tasks.services import task_enqueue

CATALOGUE = Path(settings.BASE_DIR) / "locale" / "de" / "LC_MESSAGES"
TEMPLATES = sorted((Path(settings.BASE_DIR) / "templates").rglob("*.html"))
_MARKUP = re.compile(r"<(?:script|style|code|kbd)\b.*?</(?:script|style|code|kbd)>|<!--.*?-->|<[^>]*>", re.DOTALL)
_SPOKEN = re.compile(r'\b(?:aria-label|title|placeholder|alt)="([^"]*)"')
_WORD = re.compile(r"[A-Za-z]{3,}")
_EXAMPLES = re.compile(r'placeholder="(?:Ana: Did|Saoirse|seer sha)[^"]*"')
"""Of what is typed: scripts and their words are English."""
_HOLE = re.compile(r"%\(\w+\)s")
SAME = {"videoflow", "Esc", "Ctrl", "Alt", "Enter", "UTC", "YouTube", "LUFS", "dBTP", "min", "px", "nbsp", "fps", "AAC"}
"""Names, keys and units, which are the same in every language."""


def spoken_by(source: str) -> list[str]:
    """Return the words of a template that no translation reaches."""
    kept: list[str] = []
    is_inside = False
    for token in Lexer(source).tokenize():
        if token.token_type == TokenType.BLOCK:
            word = token.contents.split()[0]
            begins = word == "blocktranslate" or token.contents == "block body"  # whose text is a class
            is_inside = (is_inside or begins) and word not in {"endblocktranslate", "endblock"}
            kept.append("\x00")
        elif token.token_type == TokenType.TEXT and not is_inside:
            kept.append(token.contents)
        else:
            kept.append("\x00")
    plain = _EXAMPLES.sub("", "".join(kept))
    texts = [*_SPOKEN.findall(plain), *_MARKUP.sub(" ", plain).split("\x00")]
    return [word for text in texts for word in _WORD.findall(text) if word not in SAME]


@pytest.mark.parametrize("template", [path for path in TEMPLATES if not path.stem.endswith("_en")], ids=lambda path: path.name)
def test_no_sentence_of_a_template_escapes_translation(template: Path) -> None:
    assert spoken_by(template.read_text()) == []


def test_the_check_sees_a_sentence_that_escapes() -> None:
    assert spoken_by('<p class="small">Hello {{ name }}</p>') == ["Hello"]
    assert spoken_by('<a title="Come in" href="/x">{% translate "Home" %}</a>') == ["Come"]
    assert spoken_by("{% blocktranslate %}Hello <b>you</b>{% endblocktranslate %}") == []


def test_the_catalogue_is_whole_and_compiled() -> None:
    written = polib.pofile(str(CATALOGUE / "django.po"))
    compiled = {entry.msgid_with_context: entry for entry in polib.mofile(str(CATALOGUE / "django.mo"))}
    assert [entry.msgid for entry in written.untranslated_entries()] == []
    assert written.fuzzy_entries() == []
    stale = [
        entry.msgid
        for entry in written
        if (entry.msgstr, entry.msgstr_plural)
        != (compiled[entry.msgid_with_context].msgstr, compiled[entry.msgid_with_context].msgstr_plural)
    ]
    assert stale == [], "compile it again: msgfmt -o django.mo django.po"


def test_translations_keep_the_figures_of_their_sentences() -> None:
    holes = re.compile(r"%\(\w+\)s|%s|%%|\{\w+\}")
    for entry in polib.pofile(str(CATALOGUE / "django.po")):
        for sentence in entry.msgstr_plural.values() if entry.msgid_plural else [entry.msgstr]:
            assert sorted(holes.findall(sentence)) == sorted(holes.findall(entry.msgid)), entry.msgid


def test_every_string_of_the_templates_is_in_the_catalogue() -> None:
    known = {entry.msgid for entry in polib.pofile(str(CATALOGUE / "django.po"))}
    said = re.compile(r"""{%\s*translate\s+(?:"([^"]*)"|'([^']*)')""")
    wanted = {(one or two).replace("%", "%%") for path in TEMPLATES for one, two in said.findall(path.read_text())}
    missing = {sentence for sentence in wanted if not {sentence, sentence.replace("%%", "%")} & known}
    assert missing == set()


def sentences_said() -> tuple[set[str], list[str]]:
    """Return the wordings that the modules of pages hand to people, and what is handed to them that no catalogue can hold."""
    takes = {name.partition(":")[0]: int(name.partition(":")[2] or 1) - 1 for name in SAYING} | dict.fromkeys(refusals(), 0)
    found: set[str] = set()
    lost: list[str] = []
    for node in (node for text in sources() for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Call)):
        name = getattr(node.func, "id", "") or getattr(node.func, "attr", "")
        if name not in takes or len(node.args) <= takes[name]:
            continue
        said = node.args[takes[name]]
        if isinstance(said, ast.JoinedStr):
            lost.append(ast.unparse(said))
        elif isinstance(said, ast.Constant) and isinstance(said.value, str):
            found.add(said.value)
    return {said for said in found if _WORD.search(_HOLE.sub("", said))}, lost


def test_everything_that_workers_say_is_in_the_catalogue() -> None:
    said, lost = sentences_said()
    assert lost == [], "a Sentence keeps what it is made of"
    assert len(said) > 500
    assert said - {entry.msgid for entry in polib.pofile(str(CATALOGUE / "django.po"))} == set(), "run makemessages and translate"


class TestFigures:
    @pytest.mark.parametrize(
        ("language", "compact", "size", "days"),
        [("en", "1.24M", "58.2 MB", "3 days ago"), ("de", "1,24 Mio.", "58,2 MB", "vor 3 Tagen")],
    )
    def test_are_written_as_the_language_has_them(self, language: str, compact: str, size: str, days: str, monkeypatch) -> None:
        now = timezone.now()
        with override(language):
            assert studio.compact(1_240_000) == compact
            assert studio.bytesize(58_200_000) == size
            assert studio.ago(now - timedelta(days=3, minutes=1)) == days

    def test_labels_stay_large_in_a_german_sentence(self) -> None:
        with override("en"):
            assert studio.inside("Script") == "script"
        with override("de"):
            assert studio.inside("Skript") == "Skript"

    def test_figures_in_attributes_stay_readable_by_machines(self) -> None:
        with override("de"):
            drawn = engines["django"].from_string('<progress value="{{ share }}">').render({"share": 0.5})
        assert drawn == '<progress value="0.5">'


@pytest.mark.django_db
class TestPages:
    def test_the_browsers_language_is_taken(self, client) -> None:
        page = str(client.get("/", headers={"Accept-Language": "de-AT, en;q=0.5"}).content, "utf-8")
        assert '<html lang="de"' in page and "Worum soll es im Video gehen?" in page
        assert '<html lang="en"' in str(client.get("/", headers={"Accept-Language": "fr"}).content, "utf-8")

    @pytest.mark.parametrize(
        "name", ["pipeline:start", "pipeline:project_list", "pipeline:settings", "tasks:task_list", "sessions:sign_in"]
    )
    def test_every_page_is_drawn_in_german(self, client, name: str) -> None:
        factories.project_finished(factories.session_of(client))
        response = client.get(reverse(name), headers={"Accept-Language": "de"})
        assert response.status_code == 200 and response.headers["Content-Language"] == "de"

    def test_a_failure_is_told_in_german(self, client) -> None:
        project = factories.ProjectFactory.create(session=factories.session_of(client))
        cause = Sentence(
            "%(name)s is cut off: it says %(seconds)s s and ends after %(last)s s.", name="a.mp4", seconds="9.5", last=4
        )
        task = factories.task_failed(project, "trending_analysis", cause, code="BAD_INPUT")
        told = "a.mp4 ist abgeschnitten: Es nennt 9,5 s und endet nach 4 s."
        addresses = [
            reverse("pipeline:project_detail", args=[project.pk]), reverse("pipeline:panel", args=[project.pk, task.task_type]),
            reverse("tasks:task_list"),
        ]  # fmt: skip
        for address in addresses:
            assert told in str(client.get(address, headers={"Accept-Language": "de"}).content, "utf-8"), address
            english = str(client.get(address).content, "utf-8")
            assert cause in english and told not in english, address

    def test_the_log_and_the_polled_events_are_in_german(self, client) -> None:
        project = factories.ProjectFactory.create(session=factories.session_of(client))
        task = task_enqueue(
            session=project.session, project_id=project.pk, task_type="script_generation", queue="cpu", input_data={}
        )
        german = {"Accept-Language": "de"}
        log = str(client.get(reverse("pipeline:log", args=[project.pk]), headers=german).content, "utf-8")
        assert "Wartet: Wartet auf einen freien Arbeiter" in log
        address = f"{reverse('tasks:events', args=[project.session_id])}?after=0"
        polled = client.get(address, headers=german).json()
        assert [row["message"] for row in polled["events"]] == ["Wartet auf einen freien Arbeiter"]
        assert [row["message"] for row in client.get(address).json()["hello"]["tasks"]] == [task.message]

    def test_a_refusal_is_told_in_german(self, client) -> None:
        task = factories.task_failed(
            factories.ProjectFactory.create(session=factories.session_of(client)), "script_generation", "", retry_count=3
        )
        response = client.post(reverse("tasks:task_retry", args=[task.pk]), headers={"Accept-Language": "de"}, follow=True)
        assert "Diese Aufgabe wurde schon dreimal wiederholt." in str(response.content, "utf-8")

    def test_the_workflow_page_is_drawn_in_german(self, client) -> None:
        project = factories.project_finished(factories.session_of(client))
        page = str(
            client.get(reverse("pipeline:project_detail", args=[project.pk]), headers={"Accept-Language": "de"}).content, "utf-8"
        )
        assert "Skript" in page and "Komposition" in page
