"""Media: speak every turn, find where it stands in time, and make a picture or clip for every few seconds of it."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any, cast

from pydantic import Field

from videoflow.pipeline.length import LEAD_SECONDS, TAIL_SECONDS
from videoflow.pipeline.models import Asset, Project, Scene, Script, Speech, Turn, script_current
from videoflow.pipeline.stages.base import Stage, StageContext, StageInput, StageNotReady, StageOutput, asset_add
from videoflow.pipeline.store import cache_dir, room_check
from videoflow.providers import base
from videoflow.providers.base import Cue, Datum, Host, Line, MusicBed, Picture, Shot, SpokenLine, SpokenTurn, SpokenWord
from videoflow.providers.registry import provider_get

SPEECH_SHARE = 0.06  # of the stage's time: the script was measured by speaking it, so the recordings are mostly there
DRAWING_END_SHARE = 0.96
BYTES_PER_SECOND_OF_VIDEO = 1_600_000  # pictures, clips and speech of one second, generously


class MediaInput(StageInput):
    music_mood: str = Field(default="", max_length=40, description="Empty: chosen by the project's look.")


def _script(project: Project) -> Script:
    script = script_current(project)
    if script is None:
        raise StageNotReady("There is no script yet. Write or paste one first.")
    return script


def ready(project: Project, options: MediaInput) -> None:
    _script(project)


def hosts_read(project: Project) -> tuple[Host, Host]:
    """Return the project's two hosts."""
    a, b = project.hosts["A"], project.hosts["B"]
    return Host("A", a["name"], a["role"]), Host("B", b["name"], b["role"])


def cue_read(stored: dict[str, Any] | None) -> Cue | None:
    """Return a turn's cue as it was before it became JSON."""
    if stored is None:
        return None
    data = tuple(Datum(**datum) for datum in stored["data"])
    return Cue(stored["kind"], stored["heading"], stored["text"], tuple(stored["items"]), data, stored["attribution"])


def _spoken_turns(project: Project, turns: Sequence[Turn], lines: Sequence[SpokenLine]) -> list[SpokenTurn]:
    clock = 0.0
    placed: list[SpokenTurn] = []
    for turn, line in zip(turns, lines, strict=True):
        start = clock + (turn.pause_seconds if placed else LEAD_SECONDS)
        words = tuple(SpokenWord(word.text, start + word.start, start + word.end) for word in line.words)
        clock = start + line.seconds
        name = project.hosts[turn.speaker]["name"]
        placed.append(
            SpokenTurn(
                turn.position,
                cast(base.SpeakerId, turn.speaker),
                name,
                turn.text,
                turn.section,
                start,
                clock,
                words,
                cue_read(turn.cue),
            )
        )
    return placed


def run(context: StageContext) -> StageOutput:
    project = context.project
    script = _script(project)
    turns = list(script.turns.all())
    room_check(int(script.measured_seconds * BYTES_PER_SECOND_OF_VIDEO))
    _begin(context, script)
    lines = _speak(context, turns)
    placed = _spoken_turns(project, turns, lines)
    with context.fenced():
        _speech_save(context, turns, placed, lines)
    total_seconds = placed[-1].end + TAIL_SECONDS
    look = _look(project, script)
    context.report(SPEECH_SHARE, "Planning the pictures", changed="speech")
    shots = _shots(project, script, placed, look, total_seconds)
    pictures = _draw(context, script, shots, look)
    context.report(DRAWING_END_SHARE, "Fitting the music", changed="scenes")
    bed = _music(context, project, look, total_seconds)
    context.check()

    def save() -> dict[str, Any]:
        _music_save(context, bed)
        script.media_seconds = total_seconds
        script.save(update_fields=["media_seconds"])
        clips = sum(picture.kind == "clip" for picture in pictures)
        return {"scenes": len(shots), "clips": clips, "turns": len(turns), "seconds": round(total_seconds, 2)}

    return StageOutput(f"{len(shots)} scenes and {len(turns)} spoken turns", save)


def _begin(context: StageContext, script: Script) -> None:
    """Take the media of this script off the page; the files stay in the cache and are found again by content."""
    with context.fenced():
        script.media_seconds = None
        script.save(update_fields=["media_seconds"])
        Asset.objects.filter(
            project=context.project, kind__in=(Asset.Kind.SPEECH, Asset.Kind.IMAGE, Asset.Kind.CLIP, Asset.Kind.MUSIC)
        ).delete()


def _speak(context: StageContext, turns: Sequence[Turn]) -> list[SpokenLine]:
    speech = cast(base.Speech, provider_get("speech", "embedded"))
    voices = {speaker: context.project.hosts[speaker]["voice"] for speaker in ("A", "B")}
    return speech.speak(
        [Line(turn.text, voices[turn.speaker]) for turn in turns],
        cache_dir("speech"),
        report=lambda share, message: context.report(SPEECH_SHARE * share, message),
        cancelled=context.cancelled,
    )


def _speech_save(context: StageContext, turns: Sequence[Turn], placed: Sequence[SpokenTurn], lines: Sequence[SpokenLine]) -> None:
    for turn, place, line in zip(turns, placed, lines, strict=True):
        asset = asset_add(
            context,
            line.path,
            kind=Asset.Kind.SPEECH,
            origin=line.provider,
            model=f"{line.model} · {line.voice}",
            name=f"turn-{turn.position + 1:03}{line.path.suffix}",
            seconds=line.seconds,
            alt=turn.text[:500],
        )
        Speech.objects.create(turn=turn, asset=asset, start=place.start)


def _look(project: Project, script: Script) -> dict[str, Any]:
    pictures = cast(base.Pictures, provider_get("images", "embedded"))
    return dict(pictures.look(topic=script.topic or project.title, keywords=script.keywords, seed=project.seed))


def _shots(
    project: Project, script: Script, placed: Sequence[SpokenTurn], look: dict[str, Any], total_seconds: float
) -> list[Shot]:
    pictures = cast(base.Pictures, provider_get("images", "embedded"))
    return pictures.storyboard(
        placed,
        title=script.title,
        look=look,
        aspect=project.aspect,
        total_seconds=total_seconds,
        hosts=hosts_read(project),
        seed=project.seed,
    )


def _draw(context: StageContext, script: Script, shots: Sequence[Shot], look: dict[str, Any]) -> list[Picture]:
    """Draw every shot; each one's row appears as soon as its file is whole."""
    project = context.project
    with context.fenced():
        project.look = look
        project.save(update_fields=["look"])
    done = 0

    def keep(index: int, picture: Picture) -> None:
        nonlocal done
        with context.fenced():
            _scene_save(context, script, shots[index], picture)
        done += 1
        share = SPEECH_SHARE + (DRAWING_END_SHARE - SPEECH_SHARE) * done / len(shots)
        context.report(share, f"Picture {done} of {len(shots)}", changed="scenes")

    width_px, height_px = project.size_px
    pictures = cast(base.Pictures, provider_get("images", "embedded"))
    return pictures.draw(
        shots,
        cache_dir("pictures"),
        look=look,
        width_px=width_px,
        height_px=height_px,
        fps=project.FPS,
        report=lambda share, message: None,
        cancelled=context.cancelled,
        on_picture=keep,
    )


def _scene_save(context: StageContext, script: Script, shot: Shot, picture: Picture) -> None:
    asset = asset_add(
        context,
        picture.path,
        kind=picture.kind,
        origin=picture.provider,
        model=picture.model,
        licence=picture.licence,
        credit=picture.credit,
        name=f"scene-{shot.index + 1:03}{picture.path.suffix}",
        width_px=picture.width_px,
        height_px=picture.height_px,
        seconds=picture.seconds,
        alt=picture.alt[:500],
    )
    Scene.objects.create(
        project=context.project,
        script=script,
        asset=asset,
        position=shot.index,
        turn_positions=list(shot.turn_indexes),
        start=shot.start,
        seconds=shot.seconds,
        layout=shot.layout,
        spec=asdict(shot)["spec"],
        motion=shot.motion,
        transition=shot.transition,
        focus_x=shot.focus[0],
        focus_y=shot.focus[1],
    )


def _music(context: StageContext, project: Project, look: dict[str, Any], seconds: float) -> MusicBed:
    options: MediaInput = context.input
    music = cast(base.Music, provider_get("music", "embedded"))
    mood = options.music_mood or str(look.get("mood") or "calm")
    return music.bed(mood=mood, seconds=seconds, seed=project.seed, out=context.work_dir / "music.wav")


def _music_save(context: StageContext, bed: MusicBed) -> None:
    asset_add(
        context,
        bed.path,
        kind=Asset.Kind.MUSIC,
        origin=bed.provider,
        model=bed.model,
        licence=bed.licence,
        credit=bed.credit,
        name=f"{bed.title}.wav"[:200],
        seconds=bed.seconds,
        alt=f"Music bed, {bed.mood}",
    )


STAGE = Stage(
    name="media_generation",
    label="Media",
    order=30,
    queue="cpu",
    component="media_generator",
    input_schema=MediaInput,
    ready=ready,
    run=run,
)
