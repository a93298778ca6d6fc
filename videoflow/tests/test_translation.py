import pytest
from django.utils.translation import override

from videoflow.pipeline.tests.factories import project_finished
from videoflow.sentences import Sentence
from videoflow.sessions.models import CreatorSession
from videoflow.tasks.models import Task
from videoflow.tasks.tests.factories import session_make, task_make
from videoflow.translation import SentenceField, translated


@pytest.fixture
def session() -> CreatorSession:
    return session_make()


class TestTranslated:
    def test_ok(self) -> None:
        sentence = Sentence("Spoke %(done)s of %(lines)s lines", done=3, lines=40)
        with override("de"):
            assert translated(sentence) == "3 von 40 Zeilen gesprochen"
        with override("en"):
            assert translated(sentence) == sentence

    def test_sentences_within_are_translated_too(self) -> None:
        reason = Sentence("%(label)s is writing", label="Claude")
        with override("de"):
            assert translated(Sentence("Trying again in %(seconds)s s: %(reason)s", seconds=5, reason=reason)) == (
                "Neuer Versuch in 5 s: Claude schreibt"
            )

    def test_text_that_no_catalogue_has_stays(self) -> None:
        with override("de"):
            assert [translated(text) for text in ("", "Gone fishing", "Starting")] == ["", "Gone fishing", "Beginnt"]

    @pytest.mark.parametrize(
        ("written", "german"),
        [
            ("1,234.5", "1.234,5"), ("12,000", "12.000"), ("0.85", "0,85"), ("-14.0", "-14,0"), ("3.5 %", "3,5 %"),
            ("$0.25", "$0.25"),
            ("3:12", "3:12"), ("127.0.0.1", "127.0.0.1"), ("2026-11-23", "2026-11-23"), ("take 2.5 of it", "take 2.5 of it"),
            ("1.2.3", "1.2.3"), ("2024", "2024"),
        ],
    )  # fmt: skip
    def test_figures_are_written_as_the_language_has_them(self, written: str, german: str) -> None:
        sentence = Sentence("Copying %(file_name)s", file_name=written)
        with override("de"):
            assert translated(sentence) == f"Kopiert {german}"
        with override("en"):
            assert translated(sentence) == f"Copying {written}"


@pytest.mark.django_db
class TestFields:
    def test_a_row_keeps_the_english_text_and_its_wording(self, session) -> None:
        task = task_make(session)
        Task.objects.filter(pk=task.pk).update(message=Sentence("%(label)s is writing", label="Claude"))
        read = Task.objects.get(pk=task.pk).message
        assert isinstance(read, Sentence)
        assert (read, read.values) == ("Claude is writing", {"label": "Claude"})
        assert Task.objects.filter(pk=task.pk, message__startswith="Claude is").exists()

    def test_what_was_written_before_is_read_as_it_is(self, session) -> None:
        task = task_make(session, message="An old line")
        assert Task.objects.values_list("message", flat=True).get(pk=task.pk) == "An old line"

    def test_a_text_without_end_is_cut(self, session) -> None:
        task = task_make(session, message=Sentence("%(name)s is empty.", name="n" * 600))
        assert Task.objects.get(pk=task.pk).message == "n" * 500

    def test_texts_in_json_are_kept_however_deep(self, session) -> None:
        video = project_finished(session).videos.get()
        video.quality = {"findings": [{"start": 1.5, "message": Sentence("%(name)s is empty.", name="a.png"), "end": None}]}
        video.save(update_fields=["quality"])
        video.refresh_from_db()
        assert video.quality == {"findings": [{"start": 1.5, "message": "a.png is empty.", "end": None}]}
        assert isinstance(video.quality["findings"][0]["message"], Sentence)

    def test_an_empty_column_stays_empty(self) -> None:
        assert SentenceField().from_db_value(None) is None
