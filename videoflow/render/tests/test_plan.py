from dataclasses import replace
from pathlib import Path

from videoflow.render import Format, Scene, Timeline, timeline_captions
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
        assert spans[:2] == [(0, 135), (135, 15)]
        assert spans[-2:] == [(720, 30), (750, 150)]
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
        (state,) = planned(LINE).segments[0].job["captions"]
        assert state["from"] == 30
        assert state["marks"] == [[30 + 10 * n, n] for n in range(6)]
