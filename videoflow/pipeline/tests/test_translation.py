"""English and German pages; every sentence that stands in a template can be translated, and is."""

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

from videoflow.pipeline.templatetags import studio
from videoflow.pipeline.tests import factories

CATALOGUE = Path(settings.BASE_DIR) / "locale" / "de" / "LC_MESSAGES"
TEMPLATES = sorted((Path(settings.BASE_DIR) / "templates").rglob("*.html"))
_MARKUP = re.compile(r"<(?:script|style|code|kbd)\b.*?</(?:script|style|code|kbd)>|<!--.*?-->|<[^>]*>", re.DOTALL)
_SPOKEN = re.compile(r'\b(?:aria-label|title|placeholder|alt)="([^"]*)"')
_WORD = re.compile(r"[A-Za-z]{3,}")
_EXAMPLES = re.compile(r'placeholder="(?:Ana: Did|Saoirse|seer sha)[^"]*"')
"""Of what is typed: scripts and their words are English."""
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


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda path: path.name)
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

    def test_the_workflow_page_is_drawn_in_german(self, client) -> None:
        project = factories.project_finished(factories.session_of(client))
        page = str(
            client.get(reverse("pipeline:project_detail", args=[project.pk]), headers={"Accept-Language": "de"}).content, "utf-8"
        )
        assert "Skript" in page and "Komposition" in page
