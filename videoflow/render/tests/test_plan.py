from dataclasses import replace
from pathlib import Path

from videoflow.render import CaptionLine, Format, Scene, Timeline, timeline_captions
from videoflow.render.plan import plan_make
from videoflow.render.tests.material import SPEAKERS, spoken

FORM = Format(1280, 720, 30)


def scene(key: str, start: float, seconds: float, **changes) -> Scene:
    return Scene(key, Path(f"{key}.png"), "image", start, seconds, **{"motion": "push_in", **changes})


def planned(line: Timeline):
    hashes = {item.media: item.media.name for item in line.scenes} | {item.path: item.path.name for item in line.speech}
    return plan_make(line, timeline_captions(line), hashes)


LINE = Timeline(
    FORM,
    30.0,
    (
        scene("a", 0.0, 5.0),
        scene("b", 5.0, 20.0, transition="crossfade", transition_seconds=0.5),
        scene("c", 25.0, 5.0, transition="slide", transition_seconds=1.0),
    ),
    (),
    (spoken("One two three four five six", 1.0, 2.0), spoken("Seven eight nine", 26.0, 1.0, "B")),
    SPEAKERS,
)


class TestPlan:
    def test_ok(self):
        plan = planned(LINE)
        assert plan.frames == 900
        spans = [(segment.first_frame, segment.frames) for segment in plan.segments]
        assert spans[:3] == [(0, 30), (30, 105), (135, 15)]
        assert spans[-3:] == [(720, 30), (750, 30), (780, 120)]
        assert [first for first, _ in spans] == [sum(frames for _, frames in spans[:n]) for n in range(len(spans))]
        assert sum(frames for _, frames in spans) == 900
        assert max(frames for _, frames in spans) <= 8 * 30

    def test_the_motion_goes_on_from_segment_to_segment(self):
        layers = [segment.job["base"] for segment in planned(LINE).segments if segment.job["base"]["media"] == "b.png"]
        shown = {layer["shown"] for layer in layers}
        assert shown == {20 * 30 + 15}
        firsts = [layer["first"] for layer in layers]
        assert firsts == sorted(firsts)
        assert firsts[0] == 15

    def test_a_key_depends_on_content_alone(self):
        before = [segment.key for segment in planned(LINE).segments]
        moved = replace(LINE, scenes=tuple(replace(item, media=Path("elsewhere") / item.media) for item in LINE.scenes))
        assert [segment.key for segment in planned(moved).segments] == before

    def test_a_new_colour_remakes_only_where_the_speaker_is_seen(self):
        before = [segment.key for segment in planned(LINE).segments]
        recoloured = replace(LINE, speakers=(SPEAKERS[0], replace(SPEAKERS[1], colour="#00ff00")))
        after = [segment.key for segment in planned(recoloured).segments]
        assert [one != other for one, other in zip(before, after, strict=True)] == [False] * (len(before) - 1) + [True]

    def test_a_still_picture_is_the_same_wherever_it_is_cut(self):
        still = Timeline(FORM, 32.0, (scene("a", 0.0, 32.0, motion="still"),), (), (), ())
        assert len({segment.key for segment in planned(still).segments}) == 1

    def test_captions_change_in_the_frame_their_word_begins(self):
        segment = planned(LINE).segments[1]
        (state,) = segment.job["captions"]
        assert segment.first_frame + state["from"] == 30
        assert state["marks"] == [[10 * n, n] for n in range(6)]


def spoken_lines(count: int, changed: int | None = None, moved: float = 0.0) -> tuple[CaptionLine, ...]:
    """A line every 4 s; one of them may have other words, and those after it may come later."""
    return tuple(
        spoken(
            "Other words than before" if number == changed else "One two three four five",
            4.0 * number + 0.4 + (moved if changed is not None and number > changed else 0.0),
            3.0,
            "AB"[number % 2],
        )
        for number in range(count)
    )


class TestEdit:
    LONG = Timeline(FORM, 40.0, tuple(scene(str(n), 10.0 * n, 10.0) for n in range(4)), (), spoken_lines(10), SPEAKERS)

    def test_a_changed_line_remakes_its_own_time_only(self):
        before = planned(self.LONG).segments
        after = planned(replace(self.LONG, captions=spoken_lines(10, changed=4))).segments
        changed = [new for old, new in zip(before, after, strict=True) if old.key != new.key]
        assert sum(segment.frames for segment in changed) <= 4.0 * 30 + 60
        assert all(16 * 30 < segment.first_frame + segment.frames <= 20.4 * 30 for segment in changed)

    def test_what_moves_by_whole_frames_stays_the_same(self):
        scenes = (scene("a", 0.0, 20.0), scene("b", 20.0, 20.0))
        longer = (scene("a", 0.0, 20.5), scene("b", 20.5, 20.0))
        line = replace(self.LONG, scenes=scenes)
        moved = replace(self.LONG, scenes=longer, seconds=40.5, captions=spoken_lines(10, changed=4, moved=0.5))
        before = {segment.key for segment in planned(line).segments if segment.first_frame >= 600}
        after = {segment.key for segment in planned(moved).segments if segment.first_frame >= 615}
        assert before == after

    def test_no_piece_is_shorter_than_a_second(self):
        lengths = [segment.frames for segment in planned(self.LONG).segments]
        assert min(lengths) >= 30
        assert max(lengths) <= 8 * 30
