import pytest

from videoflow.pipeline.metadata import _sources, chapters_make, tags_length, tags_make
from videoflow.pipeline.models import Asset, Project, Script, Speech, Turn
from videoflow.sessions.services import session_create

pytestmark = pytest.mark.django_db


def script_make(sections: list[tuple[str, float]], **fields: object) -> Script:
    """A script of one turn per (section, start)."""
    project = Project.objects.create(session=session_create())
    script = Script.objects.create(
        project=project, version=1, input_type="topic", title="T", measured_seconds=60, share_a=0.5, **fields
    )
    for position, (section, start) in enumerate(sections):
        turn = Turn.objects.create(
            script=script, position=position, speaker="A", text=f"Turn {position}", section=section, measured_seconds=3
        )
        asset = Asset.objects.create(
            project=project, kind="speech", origin="embedded", name="x", path=f"x{position}", sha256="0", size_bytes=1
        )
        Speech.objects.create(turn=turn, asset=asset, start=start)
    return script


class TestChapters:
    def test_ok(self):
        script = script_make([("Hook", 0.6), ("Hook", 8), ("Music", 20.7), ("Gaming", 45.2), ("Outro", 75)])
        assert [(item.start, item.title) for item in chapters_make(script, seconds=90)] == [
            (0.0, "Hook"), (20.0, "Music"), (45.0, "Gaming"), (75.0, "Outro"),
        ]  # fmt: skip

    def test_every_chapter_has_ten_seconds(self):
        script = script_make([("Hook", 0.6), ("A", 5), ("B", 12), ("C", 30), ("D", 45), ("E", 57)])
        starts = [item.start for item in chapters_make(script, seconds=60)]
        assert starts[0] == 0
        assert all(after - before >= 10 for before, after in zip([*starts], [*starts[1:], 60], strict=True))

    def test_a_script_without_sections_gets_three(self):
        script = script_make([("", n * 5.0) for n in range(12)])
        assert len(chapters_make(script, seconds=60)) == 3

    def test_a_very_short_video_has_none(self):
        assert chapters_make(script_make([("A", 0.6)]), seconds=25) == []


class TestTags:
    def test_counts_as_youtube_does(self):
        assert tags_length(["Foo-Baz"]) == 7
        assert tags_length(["Foo Baz"]) == 9
        assert tags_length(["a", "b"]) == 3

    def test_stays_within_the_limit_and_says_nothing_twice(self):
        script = script_make([], keywords=["NBA", "nba", *(f"keyword number {n}" for n in range(60))])
        tags = tags_make(script)
        assert tags[0] == "NBA"
        assert "nba" not in tags
        assert tags_length(tags) <= 500


class TestSources:
    def test_each_address_stands_once_under_the_videos_name(self):
        url = "https://www.youtube.com/watch?v=x"
        evidence = [
            {"key": "a", "kind": "theme", "text": "All", "source_label": "List", "url": ""},
            {"key": "b", "kind": "video", "text": "“WAP” had 1 view, then 2.", "source_label": "List", "url": url},
            {"key": "c", "kind": "video", "text": "“WAP” by Cardi B: 93,935,173 views.", "source_label": "List", "url": url},
            {"key": "d", "kind": "video", "text": "“WAP” had 2 views, then 3.", "source_label": "List", "url": url},
        ]
        assert _sources(script_make([], evidence=evidence)) == ["– List", f"– “WAP” by Cardi B {url}"]
