"""Pictures and clips of an outside service for the scenes of a video: each for what is said during it, none shown twice."""

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, cast

from django.utils import timezone

from videoflow.errors import Cancelled, VideoflowError
from videoflow.pipeline.asset_facts import ALT_LIMIT
from videoflow.pipeline.models import Asset, Project, Script
from videoflow.pipeline.picture_files import PictureFile, Wanted, pictures_bring
from videoflow.pipeline.picture_searches import searched
from videoflow.providers.base import CancelCheck, Cue, Shot, SpokenTurn
from videoflow.providers.crew import Room
from videoflow.providers.picturing.found import (
    Found,
    Made,
    NoPicture,
    PictureKind,
    PictureMaking,
    PictureSearch,
    PictureUnusable,
    Query,
    Wish,
    tried,
)
from videoflow.providers.picturing.likeness import is_same
from videoflow.providers.picturing.relevance import Relevance, relevance_of
from videoflow.providers.picturing.wishes import wish_make, words_often
from videoflow.providers.services import service_label
from videoflow.sentences import Sentence, sentences_joined

Motion = Literal["still", "push_in", "pull_out", "pan_left", "pan_right", "drift_up"]
PICTURED_LAYOUTS = frozenset({"statement", "kinetic", "poster", "spotlight", "stickers", "question", "quote", "hosts"})
"""What a service's picture may stand in for: words in large type. Charts, maps, lists and cards say what no picture does."""
RUNNERS_UP = 2
"""Kept beside the one that is shown, to choose from."""
TRIES_MOST = 8
"""Files of a kind loaded for one scene until one of them can be shown."""
_CLIP_QUERIES = 2
"""Where a clip is more welcome than a picture, it is asked for with the narrow queries only."""
_SHORT_SECONDS = 0.4
"""A clip that is shorter than its scene by more than this would be seen to begin again."""
_KINDS: dict[str, tuple[PictureKind, ...]] = {"photos": ("image",), "clips": ("clip",)}
_MOTIONS: tuple[Motion, ...] = ("push_in", "pan_right", "pull_out", "pan_left", "drift_up")
"""How pictures move that stand where a moving one was drawn."""
_TOLD_MOST = 2


def is_pictured(shot: Shot) -> bool:
    """Say whether a service's picture may be shown for a shot."""
    return shot.layout in PICTURED_LAYOUTS


@dataclass(frozen=True, slots=True)
class ServicePicture:
    """One picture with the facts of its row."""

    file: PictureFile
    facts: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Chosen:
    """What a scene shows, what else fits, and what stood in the way."""

    picture: ServicePicture
    others: tuple[ServicePicture, ...] = ()


@dataclass
class Shown:
    """What the video shows already: no picture comes twice, by where it is from or by what it looks like."""

    keys: set[str] = field(default_factory=set)
    prints: list[str] = field(default_factory=list)

    def note(self, key: str, fingerprint: str) -> None:
        self.keys.add(key)
        self.prints.append(fingerprint)

    def has_print(self, fingerprint: str) -> bool:
        return any(is_same(fingerprint, known) for known in self.prints)


def shown_of(assets: Iterable[Asset]) -> Shown:
    """Return what these files show; those without a fingerprint were drawn here or brought, and are like nothing else."""
    shown = Shown()
    for asset in assets:
        if asset.fingerprint:
            shown.note(asset.source_key, asset.fingerprint)
    return shown


def wishes_of(
    project: Project,
    script: Script,
    turns: Sequence[SpokenTurn],
    shots: Sequence[Shot],
    options: Mapping[str, Any],
    *,
    wanted: Callable[[Shot], bool] = is_pictured,
) -> dict[int, Wish]:
    """Return the wish of every shot that is ``wanted`` from a service, by the shot's index."""
    by_position = {turn.index: turn for turn in turns}
    said = {shot.index: said_during(shot, turns) for shot in shots}
    often = words_often(list(said.values()))
    evidence = {entry["key"]: str(entry["text"]) for entry in script.evidence}
    sources = {turn.position: turn.sources for turn in script.turns.all()}
    wishes: dict[int, Wish] = {}
    for shot in shots:
        if not wanted(shot):
            continue
        under = [by_position[index] for index in shot.turn_indexes if index in by_position]
        proofs = [evidence[key] for turn in under for key in sources.get(turn.index, ()) if key in evidence]
        around = [*(turn.text for turn in under), *(words for turn in under for words in _cue_words(turn.cue)), *proofs]
        wishes[shot.index] = wish_make(
            said[shot.index],
            around=around,
            topic=[str(word) for word in script.keywords] or [script.topic],
            title=script.title,
            often=often,
            shape=cast(Any, project.aspect),
            size_px=project.size_px,
            seconds=shot.seconds,
            kinds=_kinds_of(shot, str(options.get("kinds") or "")),
            language=project.language.split("-")[0].lower(),
            style=str(options.get("style") or "")[:200],
        )
    return wishes


def said_during(shot: Shot, turns: Sequence[SpokenTurn]) -> str:
    """Return the words that are heard while a shot is on screen."""
    end = shot.start + shot.seconds
    words = [word.text for turn in turns for word in turn.words if shot.start <= word.start + 0.02 < end]
    whole = [turn.text for turn in turns if turn.index in shot.turn_indexes]
    return " ".join(words) or " ".join(whole)


def _cue_words(cue: Cue | None) -> tuple[str, ...]:
    return (cue.heading, cue.text, *cue.items) if cue else ()


def _kinds_of(shot: Shot, wanted: str) -> tuple[PictureKind, ...]:
    if wanted in _KINDS:
        return _KINDS[wanted]
    return ("clip", "image") if shot.kind == "clip" else ("image", "clip")


def motion_of(shot: Shot, kind: str) -> Motion:
    """Return how a service's picture moves: a clip by itself, a picture as the shot does, or in turn where that stood still."""
    if kind == "clip":
        return "still"
    return _MOTIONS[shot.index % len(_MOTIONS)] if shot.motion == "still" else shot.motion


class NothingFound(NoPicture):
    """A search came to nothing; ``refused`` are pictures whose licence stands against them."""

    def __init__(self, sentence: str, queries: Sequence[str], refused: tuple[ServicePicture, ...]) -> None:
        super().__init__(sentence, details={"queries": list(queries)})
        self.refused = refused


class ServicePictures:
    """One service at work for one video."""

    def __init__(self, provider: PictureSearch | PictureMaking, shown: Shown, *, cancelled: CancelCheck) -> None:
        self.provider = provider
        self.shown = shown
        self.cancelled = cancelled
        self.label = service_label(provider.name)
        self._runs: Counter[str] = Counter()

    @property
    def makes(self) -> bool:
        """Whether it makes pictures, which may cost money, rather than having them."""
        return hasattr(self.provider, "make")

    def picture(self, wish: Wish, *, run: int = 0) -> Chosen:
        """Return a picture that the video does not show yet; ``run`` above 0 asks a maker for another one of the same.

        Raises:
            NoPicture: the service has none; the sentence has what it was asked, and why what it had would not do.
            VideoflowError: the service cannot be used at all, or not now.
        """
        if self.makes:
            return self.made_show(wish, self.make(wish, run or self.run_next(wish)))
        return self._shows(self._found(wish))

    def _shows(self, chosen: Chosen) -> Chosen:
        self.shown.note(chosen.picture.facts["source_key"], chosen.picture.file.fingerprint)
        return chosen

    # Searched -------------------------------------------------------------------------------------------------------------

    def _found(self, wish: Wish) -> Chosen:
        problems: list[str] = []
        refused: list[ServicePicture] = []
        tries: Counter[PictureKind] = Counter()
        for kind, query in self._questions(wish):
            if self.cancelled():
                raise Cancelled("The work was cancelled.")
            if tries[kind] >= TRIES_MOST:
                continue
            ranked = self._ranked(query, kind, wish)
            free = [each for each in ranked if not each[0].licence.refused]
            if not refused:
                refused += self._refused([each for each in ranked if each[0].licence.refused][:1], wish)
            usable, looked = self._usable(free, wish, TRIES_MOST - tries[kind], problems)
            tries[kind] += looked
            if usable:
                main = usable[0]
                main.facts["note"] = _note(problems)
                return Chosen(main, (*usable[1:], *refused))
        raise self._nothing(wish, problems, refused)

    def _questions(self, wish: Wish) -> list[tuple[PictureKind, Query]]:
        """Return what is asked, in order: what is most welcome first, with the narrow queries; then all of them."""
        search = cast(PictureSearch, self.provider)
        kinds = [kind for kind in wish.kinds if kind in search.kinds] or [search.kinds[0]]
        narrow = [query for query in wish.queries if not query.is_broad]
        first = [(kinds[0], query) for query in (narrow[:_CLIP_QUERIES] if kinds[0] == "clip" else narrow)]
        last: PictureKind = "image" if "image" in kinds else kinds[0]
        return list(dict.fromkeys([*first, *((last, query) for query in wish.queries)]))

    def _ranked(self, query: Query, kind: PictureKind, wish: Wish) -> list[tuple[Found, Relevance]]:
        results = searched(cast(PictureSearch, self.provider), query.text, kind, wish)
        fresh = [found for found in results if found.key not in self.shown.keys]
        if kind == "clip":
            fresh = [found for found in fresh if found.seconds is None or found.seconds >= wish.seconds - _SHORT_SECONDS]
        rated = [(found, relevance_of(found, wish, query, len(results))) for found in fresh]
        return sorted(rated, key=lambda each: -each[1].score)

    def _usable(
        self, ranked: Sequence[tuple[Found, Relevance]], wish: Wish, tries: int, problems: list[str]
    ) -> tuple[list[ServicePicture], int]:
        """Return up to three pictures that can be shown, the best first, and how many files were looked at."""
        usable: list[ServicePicture] = []
        looked = 0
        while looked < min(len(ranked), tries) and not usable:
            batch = ranked[looked : looked + 1 + RUNNERS_UP]
            looked += len(batch)
            files = pictures_bring([self._wanted(found, wish) for found, _ in batch], cancelled=self.cancelled)
            for (found, relevance), file in zip(batch, files, strict=True):
                try:
                    picture = self._row(found, relevance, _file_of(file), usable)
                except VideoflowError as error:
                    if not usable:  # what was passed over for the one that is shown
                        named = _short(found.title or found.source_id)
                        problems.append(Sentence("“%(name)s”: %(problem)s", name=named, problem=error))
                else:
                    usable.append(picture)
        return usable, looked

    def _wanted(self, found: Found, wish: Wish) -> Wanted:
        search = cast(PictureSearch, self.provider)
        return Wanted(found.key, lambda out: search.load(found, out, cancelled=self.cancelled), wish.seconds)

    def _row(self, found: Found, relevance: Relevance, file: PictureFile, before: Sequence[ServicePicture]) -> ServicePicture:
        if self.shown.has_print(file.fingerprint) or any(is_same(file.fingerprint, each.file.fingerprint) for each in before):
            raise PictureUnusable("the video shows it already")
        return ServicePicture(file, {**_found_facts(found, self.label), **_relevance_facts(relevance, file)})

    def _refused(self, ranked: Sequence[tuple[Found, Relevance]], wish: Wish) -> list[ServicePicture]:
        """Return the best of those whose licence stands against them, to be chosen by a person who may."""
        files = pictures_bring([self._wanted(found, wish) for found, _ in ranked], cancelled=self.cancelled)
        return [
            ServicePicture(file, {**_found_facts(found, self.label), **_relevance_facts(relevance, file)})
            for (found, relevance), file in zip(ranked, files, strict=True)
            if isinstance(file, PictureFile)
        ]

    def _nothing(self, wish: Wish, problems: Sequence[str], refused: Sequence[ServicePicture]) -> "NothingFound":
        facts = {"label": self.label, "words": tried(wish.queries)}
        sentence = Sentence("%(label)s has nothing for %(words)s.", **facts)
        if problems:
            told = _told(problems)
            sentence = Sentence("%(label)s has nothing that can be shown for %(words)s (%(told)s).", **facts, told=told)
        if refused:
            why = refused[0].facts["licence_refused"]
            return NothingFound(
                sentences_joined(sentence, Sentence("What it has is not free to use: %(reason)s.", reason=why)),
                [query.text for query in wish.queries],
                tuple(refused),
            )
        return NothingFound(sentence, [query.text for query in wish.queries], tuple(refused))

    # Made -----------------------------------------------------------------------------------------------------------------

    @property
    def at_once(self) -> int:
        """How many pictures may be made at the same time."""
        return cast(PictureMaking, self.provider).access.connection.at_once

    @property
    def room(self) -> Room:
        """What a thread that makes pictures works in."""
        return cast(PictureMaking, self.provider).access.room

    def run_next(self, wish: Wish) -> int:
        """Count another picture for the same words, from 1; in the order of the scenes, whichever is made first."""
        self._runs[wish.prompt] += 1
        return self._runs[wish.prompt]

    def make(self, wish: Wish, run: int) -> Made:
        """Return what the service makes, which nobody has looked at yet; for several threads at once.

        Raises:
            VideoflowError: as ``picture``.
        """
        return cast(PictureMaking, self.provider).make(wish, run=run)

    def made_show(self, wish: Wish, made: Made) -> Chosen:
        """Return what was made as a picture of the video.

        Raises:
            NoPicture: it cannot be shown, or the video shows the same already.
        """
        key = hashlib.sha256(made.content).hexdigest()
        wanted = Wanted(f"{self.provider.name}:{key}", lambda out: _write(out, made), wish.seconds)
        [file] = pictures_bring([wanted], cancelled=self.cancelled)
        if not isinstance(file, PictureFile):
            raise NoPicture(
                Sentence("What %(label)s made cannot be shown: %(problem)s.", label=self.label, problem=str(file).rstrip("."))
            ) from file
        if self.shown.has_print(file.fingerprint):
            raise NoPicture(Sentence("%(label)s made a picture that the video shows already.", label=self.label))
        facts = {
            "origin": self.provider.name,
            "model": made.model[:120],
            "licence": made.licence,
            "credit": made.credit,
            "alt": f"Picture made for: {wish.said}"[:ALT_LIMIT],
            "source_key": "",
            "fetched_at": timezone.now(),
            "relevance_why": Sentence("Made for these words with %(model)s: %(words)s", model=made.model, words=wish.prompt),
            "fingerprint": file.fingerprint,
        }
        return self._shows(Chosen(ServicePicture(file, facts)))


def _write(out: Path, made: Made) -> None:
    out.write_bytes(made.content)


def _file_of(file: PictureFile | VideoflowError) -> PictureFile:
    if isinstance(file, VideoflowError):
        raise file
    return file


def _found_facts(found: Found, label: str) -> dict[str, Any]:
    what = "Clip" if found.kind == "clip" else "Photo" if found.service in ("pexels", "pixabay") else "Picture"
    named = f"“{found.name}”" if found.name and found.licence.needs_credit and found.name != found.author else what
    by = f" by {found.author}" if found.author else ""
    return {
        "origin": found.service,
        "licence": found.licence.name[:200],
        "licence_url": found.licence.url[:500],
        "licence_refused": found.licence.refused,
        "credit": f"{named}{by} on {label}"[:300],
        "author": found.author[:200],
        "source_key": found.key[:160],
        "page_url": found.page_url[:1000],
        "alt": (found.alt or found.name or found.title or f"{what}{by}")[:ALT_LIMIT],
        "fetched_at": timezone.now(),
    }


def _relevance_facts(relevance: Relevance, file: PictureFile) -> dict[str, Any]:
    return {"relevance": relevance.score, "relevance_why": relevance.why, "fingerprint": file.fingerprint}


def _note(problems: Sequence[str]) -> str:
    if not problems:
        return ""
    return Sentence("Passed over before it: %(told)s.", told=_told(problems))


def _told(problems: Sequence[str]) -> str:
    """Return the first problems, each once, and how many more there were."""
    once = list(dict.fromkeys(problems))
    more = len(problems) - min(len(once), _TOLD_MOST)
    told = once[:_TOLD_MOST]
    return sentences_joined(*told, *([Sentence("and %(count)s more", count=more)] if more else []), between="; ")


def _short(text: str) -> str:
    return text if len(text) <= 40 else f"{text[:39].rstrip()}…"
