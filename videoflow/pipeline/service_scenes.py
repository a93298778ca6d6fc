"""The scenes that a project's picture service is to picture, several at once, and what becomes of those it cannot."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, TypeVar

from videoflow.errors import BadInput, Cancelled, DiskFull, VideoflowError
from videoflow.pipeline.connections import Choice, choice_of, connection_for, owner_of, provider_for
from videoflow.pipeline.ledger import CallUnknown
from videoflow.pipeline.models import Asset, Project, Scene, Script
from videoflow.pipeline.service_pictures import Chosen, NothingFound, ServicePicture, ServicePictures, shown_of, wishes_of
from videoflow.pipeline.stages.base import StageContext, asset_add
from videoflow.providers.base import Shot, SpokenTurn
from videoflow.providers.crew import abreast
from videoflow.providers.paid import CallRefused
from videoflow.providers.picturing.found import Made, NoPicture, Wish
from videoflow.providers.services import EMBEDDED, service_label
from videoflow.render import Finding
from videoflow.sentences import Sentence, sentences_joined

NO_PICTURE = NoPicture.code
DRAWN_INSTEAD = "Drawn here instead"
Got = TypeVar("Got")
_TOLD_MOST = 4
_NEVER_STEPPED_IN_FOR = (Cancelled, DiskFull, CallUnknown, BadInput)
"""What a person decides or mends, a budget that is used up among it: a drawing in its place would hide it."""
_SCENE_FAULTS = (NoPicture, CallRefused)
"""What concerns one scene alone: the next one is asked for all the same. All else stops the work."""


@dataclass
class ServiceScenes:
    """Pictures of a service for the scenes of one run of the stage."""

    choice: Choice
    wishes: dict[int, Wish]
    pictures: ServicePictures | None
    unmade: dict[int, str] = field(default_factory=dict)
    """Sentences by the number of the scene, from 1."""
    notes: dict[int, str] = field(default_factory=dict)
    """What is said beside a picture that was drawn here instead, by the shot's index."""
    refused: dict[int, tuple[ServicePicture, ...]] = field(default_factory=dict)
    """Pictures for a shot whose licence stands against them."""
    given_up: str = ""
    """Why the service is not asked any more."""

    def asks_for(self, shot: Shot) -> bool:
        """Say whether the service pictures this shot."""
        return self.pictures is not None and shot.index in self.wishes

    @property
    def label(self) -> str:
        return service_label(self.choice.service)

    def pictured(
        self, shots: Sequence[Shot], *, begun: Callable[[Sequence[Shot]], None] = lambda shots: None
    ) -> Iterator[tuple[Shot, Chosen | None, Sequence[Shot]]]:
        """Yield each shot with its picture as soon as that is there, and the shots whose pictures are being made meanwhile.

        None is the picture where the service has none: then it is drawn here if the project says so, else left out. Pictures
        are made several at once; they are searched for one after the other, for none may be shown twice. ``begun`` hears of the
        first ones.

        Raises:
            VideoflowError: the service cannot be used, and nothing may step in for it.
        """
        pictures = self.pictures
        if pictures is None or not shots:
            return
        if not pictures.makes:
            for shot in shots:
                yield shot, self._asked(shot, lambda shot: pictures.picture(self.wishes[shot.index])), ()
            return
        runs = {shot.index: pictures.run_next(self.wishes[shot.index]) for shot in shots}

        def make(shot: Shot) -> tuple[Shot, Made | None]:
            return shot, self._asked(shot, lambda shot: pictures.make(self.wishes[shot.index], runs[shot.index]))

        for (shot, made), under_way in abreast(
            shots, make, most=pictures.at_once, cancelled=pictures.cancelled, room=pictures.room, begun=begun
        ):
            chosen = None if made is None else self._tried(shot, partial(self._show, made))
            yield shot, chosen, under_way

    def _show(self, made: Made, shot: Shot) -> Chosen:
        assert self.pictures is not None
        return self.pictures.made_show(self.wishes[shot.index], made)

    def _asked(self, shot: Shot, get: Callable[[Shot], Got]) -> Got | None:
        """Return what the service has for a shot, as long as nobody has given it up; for several threads at once."""
        if self.given_up:
            self._instead(shot, self.given_up)
            return None
        return self._tried(shot, get)

    def _tried(self, shot: Shot, get: Callable[[Shot], Got]) -> Got | None:
        """Return what ``get`` gets for a shot; None where it comes to nothing and that may be passed over."""
        try:
            return get(shot)
        except _NEVER_STEPPED_IN_FOR:
            raise
        except _SCENE_FAULTS as error:
            if isinstance(error, NothingFound):
                self.refused[shot.index] = error.refused
            if error.retryable and not self.choice.fallback:
                raise
            self._instead(shot, str(error))
        except VideoflowError as error:
            if not self.choice.fallback:
                raise
            self.given_up = str(error)
            self._instead(shot, str(error))
        return None

    def _instead(self, shot: Shot, sentence: str) -> None:
        if self.choice.fallback:
            self.notes[shot.index] = Sentence("Drawn here instead: %(reason)s", reason=sentence)
        else:
            self.unmade[shot.index + 1] = sentence

    def check(self) -> None:
        """Refuse a video with scenes that have no picture.

        Raises:
            NoPicture: some have none; what was made is kept for the next attempt.
        """
        if not self.unmade:
            return
        told = [
            Sentence("Scene %(number)s: %(reason)s", number=number, reason=sentence)
            for number, sentence in sorted(self.unmade.items())[:_TOLD_MOST]
        ]
        more = Sentence(" And %(count)s more.", count=len(self.unmade) - _TOLD_MOST) if len(self.unmade) > _TOLD_MOST else ""
        count = (
            Sentence("%(count)s of %(all)s scenes have no picture", count=len(self.unmade), all=len(self.wishes))
            if len(self.wishes) > 1
            else Sentence("A scene has no picture")
        )
        raise NoPicture(
            Sentence(
                "%(count)s. %(told)s%(more)s Change these lines, choose another service, or let these scenes be drawn here.",
                count=count,
                told=sentences_joined(*told),
                more=more,
            ),
            details={"scenes": sorted(self.unmade), "service": self.choice.service},
        )


def service_check(project: Project) -> None:
    """Refuse a choice of service that cannot be used, before anything is begun.

    Raises:
        BadInput: a key or a model is missing; the sentence says what to do.
    """
    choice = choice_of(project, "images")
    if choice.service != EMBEDDED:
        connection_for(
            owner=owner_of(project), service=choice.service, capability="images", model=choice.model, options=choice.options
        )


def service_scenes(
    context: StageContext, script: Script, turns: Sequence[SpokenTurn], shots: Sequence[Shot], kept: Iterable[Asset]
) -> ServiceScenes:
    """Return the service at work for these shots; ``kept`` are the pictures that the video shows anyhow.

    Raises:
        BadInput: the project's choice cannot be used; the sentence says what is missing.
    """
    choice = choice_of(context.project, "images")
    if choice.service == EMBEDDED:
        return ServiceScenes(choice, {}, None)
    provider = provider_for(context, "images")
    pictures = ServicePictures(provider, shown_of(kept), cancelled=context.cancelled)
    return ServiceScenes(choice, wishes_of(context.project, script, turns, shots, choice.options), pictures)


def stand_ins_found(script: Script) -> list[Finding]:
    """Return what the quality report says of scenes that show a drawing instead of the service's picture; one query."""
    shown = script.scenes.filter(asset__note__startswith=f"{DRAWN_INSTEAD}:").order_by("position")
    places = list(shown.values_list("position", "start"))
    if not places:
        return []
    numbers = ", ".join(str(position + 1) for position, _ in places)
    message = (
        Sentence(
            "Scene %(numbers)s shows a drawing: the chosen service had no picture. The media panel says why at each.",
            numbers=numbers,
        )
        if len(places) == 1
        else Sentence(
            "Scenes %(numbers)s show drawings: the chosen service had no picture. The media panel says why at each.",
            numbers=numbers,
        )
    )
    return [Finding("stand_in", "warn", places[0][1], None, message)]


def picture_add(context: StageContext, picture: ServicePicture, name: str) -> Asset:
    """Keep a service's picture and write its row; call it inside a fenced transaction."""
    file = picture.file
    facts: dict[str, Any] = {"width_px": file.width_px, "height_px": file.height_px, "seconds": file.seconds}
    return asset_add(context, file.path, kind=file.kind, name=f"{name}{file.path.suffix}", **facts, **picture.facts)


def candidates_add(context: StageContext, scene: Scene, pictures: Sequence[ServicePicture]) -> None:
    """Lay pictures beside the one that a scene shows, each once; call it inside a fenced transaction."""
    have = set(scene.candidates.values_list("source_key", flat=True))
    for number, picture in enumerate(pictures, start=2):
        if picture.facts["source_key"] not in have:
            scene.candidates.add(picture_add(context, picture, f"scene-{scene.position + 1:03}-{number}"))
