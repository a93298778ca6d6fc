"""A project whose media are complete, made from a timeline: composing it gives that film."""

from pathlib import Path
from typing import Any

from videoflow.pipeline.models import Asset, Project, Script, Speech, Turn
from videoflow.pipeline.models import Scene as SceneRow
from videoflow.pipeline.spoken import spoken_key
from videoflow.pipeline.store import file_store
from videoflow.pipeline.tests.factories import ProjectFactory, ScriptFactory
from videoflow.providers.embedded_pictures.look import look_derive
from videoflow.render.timeline import Timeline


def film_project(timeline: Timeline, **facts: Any) -> Project:
    """Keep a timeline's files and write its rows; ``facts`` are the project's other fields.

    It counts as German: the aligner, which takes longer than a small film, listens to English alone.
    """
    look = look_derive(topic=timeline.title, keywords=(), seed=7)
    hosts = {style.speaker: {"name": style.name, "voice": style.speaker} for style in timeline.speakers}
    project: Project = ProjectFactory.create(hosts=hosts, title=timeline.title, look=look, **{"language": "de", **facts})
    script: Script = ScriptFactory.create(project=project, title=timeline.title, media_seconds=timeline.seconds)
    assets: dict[Path, Asset] = {}

    def asset(path: Path, kind: str) -> Asset:
        if path not in assets:
            stored = file_store(path)
            assets[path] = Asset.objects.create(
                project=project,
                kind=kind,
                origin="embedded",
                name=path.name,
                path=stored.path,
                sha256=stored.sha256,
                size_bytes=stored.size_bytes,
            )
        return assets[path]

    for position, (clip, line) in enumerate(zip(timeline.speech, timeline.captions, strict=True)):
        turn = Turn.objects.create(
            script=script,
            position=position,
            speaker=clip.speaker,
            text=" ".join(word.text for word in line.words),
            measured_seconds=clip.seconds,
            words=[[word.text, word.start - clip.start, word.end - clip.start] for word in line.words],
        )
        Speech.objects.create(turn=turn, asset=asset(clip.path, "speech"), start=clip.start, spoken_key=spoken_key(project, turn))
    for position, scene in enumerate(timeline.scenes):
        SceneRow.objects.create(
            project=project,
            script=script,
            asset=asset(scene.media, scene.kind),
            position=position,
            start=scene.start,
            seconds=scene.seconds,
            layout="statement",
            motion=scene.motion,
            transition=scene.transition,
            focus_x=scene.focus[0],
            focus_y=scene.focus[1],
        )
    if timeline.music:
        asset(timeline.music.path, "music")
    return project
