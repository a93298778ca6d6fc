"""Composition: put pictures, speech, captions and music together into one verified file."""

import hashlib
import json
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, is_dataclass, replace
from pathlib import Path
from typing import Any, Literal, cast

from django.conf import settings
from django.utils.translation import gettext_lazy as _
from pydantic import Field

from videoflow import render
from videoflow.crash_points import crash_point
from videoflow.pipeline.metadata import chapters_make, clock
from videoflow.pipeline.models import Asset, Project, Scene, Script, Turn, Video, script_current
from videoflow.pipeline.service_scenes import stand_ins_found
from videoflow.pipeline.spoken import turns_unspoken
from videoflow.pipeline.stages.base import Stage, StageContext, StageInput, StageNotReady, StageOutput, asset_add
from videoflow.pipeline.store import asset_path, cache_dir, files_keep, path_named, room_check
from videoflow.providers import base
from videoflow.providers.aligner import DriftReport, caption_drift
from videoflow.providers.registry import provider_get
from videoflow.providers.services import EMBEDDED, service_label
from videoflow.render.timeline import (
    CaptionLine,
    CaptionStyle,
    CaptionWord,
    Format,
    MusicTrack,
    Quality,
    SpeakerStyle,
    SpeechClip,
    Timeline,
    VideoCodec,
)
from videoflow.render.timeline import Scene as TimelineScene
from videoflow.sentences import Sentence

SPEAKER_COLOURS = {"A": "#ffd166", "B": "#6cc5ff"}
MUSIC_LEVEL_DB = -20.0  # beside the speech, while nobody speaks
DRIFT_LIMIT_MS = 120.0  # captions stand within this of the spoken word
DRIFT_SHARE = 0.95  # of the words; the rest is the listener's own error, where it takes music in a pause for a word
LOST_SHARE = 0.5  # captions that stand wrong for every other word are not published
BYTES_PER_SECOND = 2_500_000  # segments, audio and the finished file of one second at 1080p
PREVIEW_BYTES_PER_SECOND = 200_000


class CompositionInput(StageInput):
    caption_style: Literal["word", "sentence", "classic", "none"] | None = Field(
        default=None, description="Empty: the project's."
    )
    music_level_db: float | None = Field(default=None, ge=-60, le=0, description="Empty: the project's.")
    quality: Quality = Field(default="standard", description="Draft is quick and coarse; high takes about three times as long.")
    codec: VideoCodec = Field(default="h264", description="H.264 plays everywhere; HEVC and AV1 make smaller files.")
    preview: bool = Field(default=False, description="Make the whole small and quickly, to be watched; no video comes of it.")


def _ready_script(project: Project) -> Script:
    script = script_current(project)
    if script is None:
        raise StageNotReady("There is no script yet. Write or paste one first.")
    if script.media_seconds is None:
        raise StageNotReady("Speech and pictures are not complete yet. Make the media first.")
    changed = len(turns_unspoken(project, script))
    if changed:
        lines = Sentence("One line has") if changed == 1 else Sentence("%(count)s lines have", count=changed)
        raise StageNotReady(
            Sentence(
                "%(lines)s changed since the recording. Update the media first: only what changed is made anew.", lines=lines
            )
        )
    return script


def ready(project: Project, options: CompositionInput) -> None:
    _ready_script(project)


def options_keep(project: Project, options: CompositionInput) -> None:
    """Make what was asked for this composition the project's own choice, so that the page shows what the video has."""
    if options.caption_style is not None:
        project.caption = project.caption | {"name": options.caption_style}
    if options.music_level_db is not None:
        project.music = project.music | {"level_db": options.music_level_db}
    project.save(update_fields=["caption", "music"])


def timeline_of(
    project: Project, script: Script, *, turns: Sequence[Turn] | None = None, scenes: Sequence[Scene] | None = None
) -> Timeline:
    """Return the timeline of a script whose media are complete, as the project has it now; four queries at most.

    Whoever has the turns with their recordings, or the scenes with their assets, gives them.
    """
    if turns is None:
        turns = list(script.turns.select_related("speech__asset"))
    if scenes is None:
        scenes = list(script.scenes.select_related("asset"))
    width_px, height_px = project.size_px
    return Timeline(
        format=Format(width_px, height_px, project.FPS),
        seconds=script.media_seconds or 0.0,
        scenes=tuple(scene_of(scene) for scene in scenes),
        speech=tuple(speech_of(turn) for turn in turns),
        captions=tuple(caption_of(turn) for turn in turns),
        speakers=speakers_of(project),
        caption_style=caption_style_of(project),
        music=_music(project),
        title=script.title,
        comment=_comment(turns, scenes),
    )


def _comment(turns: Sequence[Turn], scenes: Sequence[Scene]) -> str:
    """Return what the file says about where it is from."""
    origins = {turn.speech.asset.origin for turn in turns} | {scene.asset.origin for scene in scenes}
    services = sorted(service_label(origin) for origin in origins - {EMBEDDED, Asset.UPLOAD})
    if not services:
        return "Made with videoflow. Script, voices, pictures and music: embedded providers (synthetic)."
    return f"Made with videoflow and {', '.join(services)}. Voices are synthetic."


def caption_style_of(project: Project) -> CaptionStyle:
    """Return how the project's captions look; what was not chosen is the compositor's own."""
    return CaptionStyle(**{name: value for name, value in project.caption.items() if name != "colours"})


def speakers_of(project: Project) -> tuple[SpeakerStyle, ...]:
    """Return the speakers with the colours that the creator chose, else those of the project's look."""
    colours = project.look.get("speaker_colours", SPEAKER_COLOURS) | project.caption.get("colours", {})
    return tuple(SpeakerStyle(key, host["name"], colours[key]) for key, host in sorted(project.hosts.items()))


def timeline_files(timeline: Timeline) -> list[Path]:
    """Return the files that a timeline is made of."""
    paths = [scene.media for scene in timeline.scenes] + [clip.path for clip in timeline.speech]
    return paths + ([timeline.music.path] if timeline.music else [])


def timeline_key(timeline: Timeline) -> str:
    """Return a hash of everything that shapes the video; media count by their content, which names their files."""
    facts = json.dumps(timeline, default=_plain, sort_keys=True)
    return hashlib.sha256(facts.encode()).hexdigest()


def _plain(value: Any) -> Any:
    """Return a part of the timeline as JSON has it; ``asdict`` would copy each of a thousand words first."""
    if is_dataclass(value):
        return {field: getattr(value, field) for field in value.__dataclass_fields__}
    if isinstance(value, Path):
        return path_named(value)
    return getattr(value, "name", str(value))


def _music(project: Project) -> MusicTrack | None:
    """Return the chosen music, else what the stage made; None where it was switched off."""
    beds = project.assets.filter(kind=Asset.Kind.MUSIC)
    chosen = project.music.get("asset_id")
    bed = (beds.filter(pk=chosen).first() if chosen else None) or beds.exclude(origin=Asset.UPLOAD).first()
    if bed is None or not project.music.get("is_on", True):
        return None
    return MusicTrack(asset_path(bed), float(project.music.get("level_db", MUSIC_LEVEL_DB)))


def scene_of(scene: Scene) -> TimelineScene:
    """Return a scene as the compositor takes it."""
    return TimelineScene(
        key=f"scene-{scene.position + 1}",
        media=asset_path(scene.asset),
        kind="clip" if scene.asset.kind == Asset.Kind.CLIP else "image",
        start=scene.start,
        seconds=scene.seconds,
        motion=cast(Any, scene.motion),
        focus=(scene.focus_x, scene.focus_y),
        transition=cast(Any, scene.transition),
        clip_start=scene.trim_start if scene.asset.kind == Asset.Kind.CLIP else 0.0,
    )


def speech_of(turn: Turn) -> SpeechClip:
    """Return a spoken turn's sound as the compositor takes it."""
    return SpeechClip(asset_path(turn.speech.asset), turn.speech.start, turn.measured_seconds, turn.speaker)


def caption_of(turn: Turn) -> CaptionLine:
    """Return a spoken turn as the compositor captions it."""
    start = turn.speech.start
    words = tuple(CaptionWord(text, start + word_start, start + word_end) for text, word_start, word_end in turn.words)
    return CaptionLine(turn.speaker, words)


def run(context: StageContext) -> StageOutput:
    project = context.project
    options: CompositionInput = context.input
    script = _ready_script(project)
    with context.fenced():
        options_keep(project, options)
    timeline = timeline_of(project, script)
    if options.preview:
        return _preview(context, timeline)
    room_check(int(timeline.seconds * BYTES_PER_SECOND))
    context.fetch(timeline_files(timeline))
    work = segments_dir()
    began = time.monotonic()
    made = render.compose_chosen(
        settings.VIDEOFLOW_ENCODER,
        replace(timeline, format=replace(timeline.format, quality=options.quality, codec=options.codec)),
        context.work_dir / "video.mp4",
        work,
        report=lambda share, message: context.report(0.9 * share, message),
        cancelled=context.cancelled,
        workers=settings.VIDEOFLOW_COMPOSE_PROCESSES,
        sharing=context.sharing,
    )
    composed_seconds = time.monotonic() - began
    context.report(0.91, "Listening for the captions' timing")
    is_english = project.language.lower().split("-")[0] == "en"  # the aligner knows no other language
    drift = caption_drift(made.path, [line.words for line in timeline.captions] if is_english else [])
    crash_point(STAGE.name, "listened")
    context.check()
    side = _beside(context, script, timeline)
    quality = _quality(made, drift, script)
    files_keep([made.path, side.thumbnail, side.srt, side.vtt])

    def save() -> dict[str, Any]:
        video = _video_add(context, script, made, side, timeline, quality)
        return {
            "video_id": video.pk,
            "result_url": f"/media/{video.file_id}/video.mp4",
            "size_bytes": made.size_bytes,
            "duration_seconds": round(made.seconds, 3),
            "verdict": quality["verdict"],
            "parts_made": made.segments_made,
            "parts_reused": made.segments_reused,
            "composed_seconds": round(composed_seconds, 1),
        }

    return StageOutput(
        Sentence(
            "Video of %(length)s, %(megabytes)s MB", length=clock(int(made.seconds)), megabytes=f"{made.size_bytes / 1e6:.0f}"
        ),
        save,
    )


def _preview(context: StageContext, timeline: Timeline) -> StageOutput:
    """Make the whole small; it takes the place of the preview before it."""
    project = context.project
    room_check(int(timeline.seconds * PREVIEW_BYTES_PER_SECOND))
    context.fetch(timeline_files(timeline))
    made = render.preview_whole(
        timeline, context.work_dir / "preview.mp4", segments_dir(), report=context.report, cancelled=context.cancelled
    )
    context.check()
    files_keep([made.path])

    def save() -> dict[str, Any]:
        project.assets.filter(kind=Asset.Kind.PREVIEW).delete()
        film = film_add(context, made, kind=Asset.Kind.PREVIEW, name="preview.mp4", alt=timeline.title)
        return {
            "preview_id": str(film.pk),
            "result_url": f"/media/{film.pk}/preview.mp4",
            "size_bytes": film.size_bytes,
            "duration_seconds": round(made.seconds, 3),
            "timeline_key": timeline_key(timeline),
        }

    return StageOutput(
        Sentence("Preview of %(length)s", length=clock(int(made.seconds))),
        save,
    )


def film_add(context: StageContext, made: render.Composition | render.Preview, *, kind: Asset.Kind, name: str, alt: str) -> Asset:
    """Add what the compositor made to the project's library."""
    return asset_add(
        context,
        made.path,
        kind=kind,
        origin="embedded",
        model="compositor",
        name=name,
        width_px=made.width_px,
        height_px=made.height_px,
        seconds=made.seconds,
        alt=alt[:500],
    )


def segments_dir() -> Path:
    """Return the folder that keeps encoded segments, so that a later composition makes only what changed."""
    return cache_dir("render")


@dataclass(frozen=True, slots=True)
class _Beside:
    thumbnail: Path
    srt: Path
    vtt: Path


def _beside(context: StageContext, script: Script, timeline: Timeline) -> _Beside:
    """Write what goes beside the video: thumbnail and captions."""
    project, folder = context.project, context.work_dir
    pictures = cast(base.Pictures, provider_get("images", "embedded"))
    thumbnail = pictures.thumbnail(
        title=script.title, look=project.look, keywords=script.keywords, seed=project.seed, out=folder / "thumbnail.jpg"
    )
    srt, vtt = folder / "captions.srt", folder / "captions.vtt"
    captions = render.timeline_subtitles(timeline)
    srt.write_text(render.captions_srt(captions), encoding="utf-8")
    names = {speaker.speaker: speaker.name for speaker in timeline.speakers}
    vtt.write_text(render.captions_vtt(captions, names, timeline.speakers), encoding="utf-8")
    return _Beside(thumbnail, srt, vtt)


def _video_add(
    context: StageContext, script: Script, made: render.Composition, side: _Beside, timeline: Timeline, quality: dict[str, Any]
) -> Video:
    """Write the finished video with the files that go with it."""
    film = film_add(context, made, kind=Asset.Kind.VIDEO, name="video.mp4", alt=script.title)
    crash_point(STAGE.name, "video_stored")
    return Video.objects.create(
        project=context.project,
        script=script,
        task=context.task,
        file=film,
        thumbnail=asset_add(
            context,
            side.thumbnail,
            kind=Asset.Kind.THUMBNAIL,
            origin="embedded",
            model="drawing",
            name="thumbnail.jpg",
            width_px=1280,
            height_px=720,
            alt=f"Thumbnail: {script.title}"[:500],
        ),
        srt=asset_add(context, side.srt, kind=Asset.Kind.CAPTIONS, origin="embedded", name="captions.srt"),
        vtt=asset_add(context, side.vtt, kind=Asset.Kind.CAPTIONS, origin="embedded", name="captions.vtt"),
        seconds=made.seconds,
        timeline_key=timeline_key(timeline),
        quality=quality,
        chapters=[[item.start, item.title] for item in chapters_make(script, seconds=made.seconds)],
    )


def _quality(made: render.Composition, drift: DriftReport, script: Script) -> dict[str, Any]:
    """Return the report for the page and the file: the compositor's checks, the captions' timing, the speakers' shares."""
    findings = [*made.report.findings, *stand_ins_found(script)]
    if drift.checked and (drift.p95_ms > DRIFT_LIMIT_MS or drift.share_within_limit < DRIFT_SHARE):
        share = f"{drift.share_within_limit * 100:.0f}"
        message = Sentence("Only %(share)s%% of the caption words stand within 120 ms of the voice.", share=share)
        severity: Literal["warn", "block"] = "block" if drift.share_within_limit < LOST_SHARE else "warn"
        findings.append(render.Finding("caption_drift", severity, None, None, message))
    figures = {
        **made.report.figures,
        "loudness_lufs": made.loudness_lufs,
        "true_peak_db": made.true_peak_db,
        "video_codec": made.video_codec,
        "encoder": made.encoder,
        "encoder_reason": made.encoder_reason,
        "seconds": made.seconds,
        "share_a": script.share_a,
        "caption_drift": {key: value for key, value in asdict(drift).items() if isinstance(value, int | float)},
    }
    return {
        "verdict": render.verdict_of(findings),
        "findings": [asdict(finding) for finding in findings],
        "figures": figures,
    }


STAGE = Stage(
    name="video_composition",
    label=_("Composition"),
    order=40,
    queue="cpu",
    component="video_composer",
    input_schema=CompositionInput,
    ready=ready,
    run=run,
)
