"""Media: speak every turn, find where it stands in time, and make a picture or clip for every few seconds of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil
from pathlib import Path
from typing import Any, cast

from django.utils.translation import gettext_lazy as _
from pydantic import Field

from videoflow.crash_points import crash_point
from videoflow.pipeline.arranging import arrange
from videoflow.pipeline.asset_facts import music_facts
from videoflow.pipeline.first_look import FIRST_LOOK, first_look_end, first_look_make
from videoflow.pipeline.keeping import KeptScene, cuts_shift, kept_load, kept_store, scenes_read
from videoflow.pipeline.length import LEAD_SECONDS, TAIL_SECONDS
from videoflow.pipeline.models import Asset, Project, Scene, Script, Speech, Turn, script_current
from videoflow.pipeline.scene_rows import PlannedScene, scene_draw, scene_keep, scene_picture, scenes_follow
from videoflow.pipeline.service_scenes import ServiceScenes, service_check, service_scenes
from videoflow.pipeline.spoken import spoken_key, words_key
from videoflow.pipeline.stages.base import Stage, StageContext, StageInput, StageNotReady, StageOutput, asset_add
from videoflow.pipeline.store import cache_dir, files_keep, room_check
from videoflow.pipeline.voices import STEPPED_IN, HostVoices, voices_check
from videoflow.providers import base
from videoflow.providers.base import Cue, Datum, Host, MusicBed, Picture, Shot, SpokenLine, SpokenTurn, SpokenWord
from videoflow.providers.registry import provider_get
from videoflow.render import peaks_read
from videoflow.sentences import Sentence

SPEECH_SHARE = 0.06  # of the stage's time: the script was measured by speaking it, so the recordings are mostly there
DRAWING_END_SHARE = 0.98
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
    voices_check(project, project.language)
    service_check(project)


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
        # On a whole frame: a line of another length then moves all that follows by whole frames, and it need not be drawn anew.
        start = ceil((clock + (turn.pause_seconds if placed else LEAD_SECONDS)) * project.FPS - 0.001) / project.FPS
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
    crash_point(STAGE.name, "begun")
    voices = HostVoices(context, project.language)
    lines = _speak(context, voices, turns)
    placed = _spoken_turns(project, turns, lines)
    files_keep([line.path for line in lines])
    with context.fenced():
        _voices_save(project, script, voices)
        _speech_save(context, turns, placed, lines)
    crash_point(STAGE.name, "speech_saved")
    total_seconds = placed[-1].end + TAIL_SECONDS
    look = _look(project, script)
    context.report(SPEECH_SHARE, "Planning the pictures, fitting the music", changed="speech")
    shots = _shots(project, script, placed, look, total_seconds)
    bed = _music(context, project, look, total_seconds)
    context.check()
    planned = _scenes_of(shots, placed, turns, kept_load(project))
    look_seconds = first_look_end(project, placed, [scene.end for scene in planned])
    clips = _draw(context, script, placed, planned, look, first_look=(look_seconds, bed.path) if look_seconds else None)
    context.check()
    files_keep([bed.path])

    def save() -> dict[str, Any]:
        asset_add(context, bed.path, **music_facts(bed))
        script.media_seconds = script.measured_seconds = total_seconds
        script.share_a = _share_a(turns, lines)
        script.save(update_fields=["media_seconds", "measured_seconds", "share_a"])
        kept_store(project, [])
        project.edit_steps.filter(part="scenes").delete()  # those scenes are not there any more
        return {"scenes": len(planned), "clips": clips, "turns": len(turns), "seconds": round(total_seconds, 2)}

    return StageOutput(Sentence("%(shots)s scenes and %(turns)s spoken turns", shots=len(planned), turns=len(turns)), save)


def _begin(context: StageContext, script: Script) -> None:
    """Take the media off the page, but what the creator chose; the files stay in the cache and are found again by content."""
    project = context.project
    with context.fenced():
        if not project.kept_scenes:  # else an attempt before this one has written them down and died
            before = Script.objects.filter(project=project, scenes__isnull=False).first()
            kept_store(project, scenes_read(before) if before else [])
        chosen = {asset_id for scene in kept_load(project) for asset_id in scene.asset_ids()}
        script.media_seconds = None
        script.save(update_fields=["media_seconds"])
        Scene.objects.filter(project=project).delete()
        made = Asset.objects.filter(
            project=project,
            kind__in=(Asset.Kind.SPEECH, Asset.Kind.IMAGE, Asset.Kind.CLIP, Asset.Kind.MUSIC, Asset.Kind.PREVIEW),
        )
        made.exclude(pk__in=chosen).exclude(origin=Asset.UPLOAD).delete()


def _speak(context: StageContext, voices: HostVoices, turns: Sequence[Turn]) -> list[SpokenLine]:
    return voices.speak(
        [(turn.speaker, turn.text) for turn in turns],
        report=lambda share, message: context.report(SPEECH_SHARE * share, message),
        on_line=lambda index, line: crash_point(STAGE.name, "line_spoken"),
    )


def _voices_save(project: Project, script: Script, voices: HostVoices) -> None:
    """Write down who speaks each host, and whether the embedded voices stepped in."""
    project.hosts = {speaker: {**host, "voice": voices.voices[speaker]} for speaker, host in project.hosts.items()}
    project.save(update_fields=["hosts"])
    warnings = [warning for warning in script.warnings if not warning.startswith(STEPPED_IN)]
    script.warnings = [*warnings, *([voices.stepped_in] if voices.stepped_in else [])]
    script.save(update_fields=["warnings"])


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
            peaks=peaks_read(line.path),
        )
        Speech.objects.create(turn=turn, asset=asset, start=place.start, spoken_key=spoken_key(context.project, turn))
        turn.measured_seconds = line.seconds
        turn.words = [[word.text, word.start, word.end] for word in line.words]
        turn.save(update_fields=["measured_seconds", "words"])
        crash_point(STAGE.name, "recording_stored")


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


def _scenes_of(
    shots: Sequence[Shot], placed: Sequence[SpokenTurn], turns: Sequence[Turn], kept: Sequence[KeptScene]
) -> list[PlannedScene]:
    """Arrange the shots as the creator had arranged those before, and give each scene what was chosen for it and its time."""
    arranged = arrange(shots, turns, kept, {turn.index: (turn.start, turn.end) for turn in placed})
    ends = cuts_shift([scene.end for scene in arranged], [scene.kept.end_shift if scene.kept else 0.0 for scene in arranged])
    return [
        PlannedScene(
            scene.shot,
            scene.kept,
            words_key([turns[position] for position in scene.turn_positions]),
            start,
            end,
            scene.covers,
            scene.turn_positions,
            scene.follows,
        )
        for scene, start, end in zip(arranged, [0.0, *ends[:-1]], ends, strict=True)
    ]


def _draw(
    context: StageContext,
    script: Script,
    placed: Sequence[SpokenTurn],
    planned: Sequence[PlannedScene],
    look: dict[str, Any],
    *,
    first_look: tuple[float, Path] | None,
) -> int:
    """Picture every shot that needs it; each one's row appears as soon as its file is whole. Return how many scenes are clips.

    ``first_look``, its seconds and its music, is made as soon as the scenes up to there are drawn.

    Raises:
        NoPicture: the project's service has no picture for some of the scenes; all others have theirs.
    """
    project = context.project
    with context.fenced():
        project.look = look
        project.save(update_fields=["look"])
        stays = [scene for scene in planned if scene.kept is not None and scene.kept.keeps_picture]
        kept = [scene_keep(context, script, scene) for scene in stays]
    following = [scene for scene in planned if scene not in stays and scene.follows is not None]
    drawn = [scene for scene in planned if scene not in stays and scene.follows is None]
    service = service_scenes(context, script, placed, [scene.shot for scene in drawn], kept)
    picturing = _Picturing(context, script, service, look, len(drawn))
    clips = sum(asset.kind == Asset.Kind.CLIP for asset in kept)
    if first_look is None:
        clips += picturing.scenes(drawn)
    else:
        seconds, music = first_look
        clips += picturing.scenes([scene for scene in drawn if scene.start < seconds])
        scenes_follow(context, script, [scene for scene in following if scene.start < seconds])
        if not service.unmade:
            picturing.report(Sentence("Putting the first %(seconds)s seconds together to watch", seconds=int(seconds)))
            if first_look_make(context, script, seconds=seconds, music=music):
                picturing.report(Sentence("The first %(seconds)s seconds can be watched", seconds=int(seconds)), FIRST_LOOK)
        clips += picturing.scenes([scene for scene in drawn if scene.start >= seconds])
        following = [scene for scene in following if scene.start >= seconds]
    scenes_follow(context, script, following)
    service.check()
    return clips


@dataclass
class _Picturing:
    """The pictures of one run of the stage: by whom they are made, and how many there are."""

    context: StageContext
    script: Script
    service: ServiceScenes
    look: dict[str, Any]
    wanted: int
    done: int = 0
    being_made: int = 0
    """By the service, at this moment."""

    def scenes(self, part: Sequence[PlannedScene]) -> int:
        """Picture some scenes, the service's own first; return how many are clips."""
        clips, here = self._served(part)
        project = self.context.project
        width_px, height_px = project.size_px

        def keep(index: int, picture: Picture) -> None:
            crash_point(STAGE.name, "picture_drawn")
            refused = self.service.refused.get(here[index].shot.index, ())
            files_keep([picture.path, *(other.file.path for other in refused)])
            with self.context.fenced():
                scene_draw(self.context, self.script, here[index], picture, self.service)
            self._count(Sentence("Picture"))

        made = cast(base.Pictures, provider_get("images", "embedded")).draw(
            [scene.shot for scene in here],
            cache_dir("pictures"),
            look=self.look,
            width_px=width_px,
            height_px=height_px,
            fps=project.FPS,
            report=lambda share, message: None,
            cancelled=self.context.cancelled,
            on_picture=keep,
        )
        return clips + sum(picture.kind == "clip" for picture in made)

    def _served(self, part: Sequence[PlannedScene]) -> tuple[int, list[PlannedScene]]:
        """Have the service picture what is its; return how many of these are clips, and the scenes to draw here."""
        clips = 0
        here = [scene for scene in part if not self.service.asks_for(scene.shot)]
        theirs = {scene.shot.index: scene for scene in part if self.service.asks_for(scene.shot)}

        def begun(shots: Sequence[Shot]) -> None:
            self.being_made = len(shots)
            self.report(self._counted(Sentence("%(service)s: picture", service=self.service.label)))

        for shot, chosen, under_way in self.service.pictured([scene.shot for scene in theirs.values()], begun=begun):
            self.context.check()
            self.being_made = len(under_way)
            scene = theirs[shot.index]
            if chosen is not None:
                files_keep([chosen.picture.file.path, *(other.file.path for other in chosen.others)])
                with self.context.fenced():
                    scene_picture(self.context, self.script, scene, chosen)
                clips += chosen.picture.file.kind == "clip"
                self._count(Sentence("%(service)s: picture", service=self.service.label))
            elif shot.index in self.service.notes:
                here.append(scene)
        return clips, sorted(here, key=lambda scene: scene.shot.index)

    def _count(self, what: Sentence) -> None:
        crash_point(STAGE.name, "scene_saved")
        self.done += 1
        self.report(self._counted(what), "scenes")

    def _counted(self, what: Sentence) -> Sentence:
        facts = {"what": what, "done": self.done, "all": self.wanted}
        if self.being_made:
            return Sentence("%(what)s %(done)s of %(all)s, %(count)s being made", **facts, count=self.being_made)
        return Sentence("%(what)s %(done)s of %(all)s", **facts)

    def report(self, message: Sentence, changed: str = "") -> None:
        share = SPEECH_SHARE + (DRAWING_END_SHARE - SPEECH_SHARE) * self.done / max(1, self.wanted)
        self.context.report(share, message, changed=changed)


def _share_a(turns: Sequence[Turn], lines: Sequence[SpokenLine]) -> float:
    """Return speaker A's share of the speaking time, 0 to 1."""
    spoken = [(turn.speaker, line.seconds) for turn, line in zip(turns, lines, strict=True)]
    return sum(seconds for speaker, seconds in spoken if speaker == "A") / max(0.001, sum(seconds for _, seconds in spoken))


def _music(context: StageContext, project: Project, look: dict[str, Any], seconds: float) -> MusicBed:
    options: MediaInput = context.input
    music = cast(base.Music, provider_get("music", "embedded"))
    mood = options.music_mood or str(project.music.get("mood") or look.get("mood") or "calm")
    return music.bed(mood=mood, seconds=seconds, seed=project.seed, out=context.work_dir / "music.wav")


STAGE = Stage(
    name="media_generation",
    label=_("Media"),
    order=30,
    queue="cpu",
    component="media_generator",
    input_schema=MediaInput,
    ready=ready,
    run=run,
)
