"""Which encoder codes a film: hardware where a trial proved it, the software's own otherwise, and in both cases why."""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import groupby
from pathlib import Path
from typing import Any

from videoflow.children import ChildFailed, child_serve
from videoflow.errors import VideoflowError
from videoflow.render.composition import Composition, compose
from videoflow.render.encoder_trial import Trial, hardware_trials
from videoflow.render.making import PartSharing, Report
from videoflow.render.timeline import Timeline, VideoCodec
from videoflow.sentences import Sentence

MODULE = "videoflow.render.encoder_choice"
AUTO, SOFTWARE = "auto", "software"
_FAULTS_OF_HARDWARE = frozenset({ChildFailed.code, "SEGMENTS_DIFFER", "QUALITY_CHECK_FAILED"})
"""How a composition ends whose encoder crashed, changed its mind amid the film, or made another picture."""

logger = logging.getLogger(__name__)
_failed: dict[str, str] = {}
"""Hardware encoders that passed their trial and failed in a film since this process began, and with what."""


@dataclass(frozen=True, slots=True)
class EncoderChoice:
    encoder: str
    """A hardware encoder for ``Format.encoder``, or empty for the software's own."""
    reason: str


def trials_now(codec: VideoCodec) -> tuple[Trial, ...]:
    """Return the trials of a codec's hardware encoders, less those that failed in a film since."""
    return tuple(
        Trial(trial.encoder, "It failed in a film, though it had passed its trial.") if trial.encoder in _failed else trial
        for trial in hardware_trials(codec)
    )


def encoder_choose(wish: str, codec: VideoCodec = "h264") -> EncoderChoice:
    """Return what codes a film on this host; ``wish`` is ``auto``, ``software`` or a family of hardware encoders, as ``nvenc``.

    Raises:
        VideoflowError: the hardware that was asked for by name cannot be used here.
    """
    if wish == SOFTWARE:
        return EncoderChoice("", "VIDEOFLOW_ENCODER says so")
    trials = [trial for trial in trials_now(codec) if wish in (AUTO, trial.encoder.partition("_")[2])]
    for trial in trials:
        if trial.usable:
            return EncoderChoice(trial.encoder, "it passed its trial on this host")
    said = _said(trials) or f"there is none of this kind for {codec}"
    if wish == AUTO:
        return EncoderChoice("", said)
    raise VideoflowError(
        Sentence(
            "The studio is told to code with hardware (%(name)s) that does not work on this host. Its operator can change that: "
            "VIDEOFLOW_ENCODER.",
            name=wish,
        ),
        code="ENCODER_NOT_USABLE",
        details={"trials": said},
    )


def _said(trials: Sequence[Trial]) -> str:
    """Return why encoders cannot be used, each reason once."""
    groups = groupby(sorted(trials, key=lambda trial: trial.reason), key=lambda trial: trial.reason)
    return "; ".join(f"{', '.join(trial.encoder for trial in group)}: {reason.rstrip('.')}" for reason, group in groups)


def compose_chosen(
    wish: str,
    timeline: Timeline,
    out: Path,
    work_dir: Path,
    *,
    report: Report,
    cancelled: Callable[[], bool],
    workers: int = 2,
    sharing: PartSharing | None = None,
) -> Composition:
    """Compose as ``compose`` does, with the encoder that ``wish`` comes to here: one for all segments of the film.

    Hardware that was not asked for by name and fails in the film gives way to the software: the composition says so.

    Raises:
        VideoflowError: as ``encoder_choose`` and ``compose`` do.
    """
    choice = encoder_choose(wish, timeline.format.codec)

    def made(encoder: str) -> Composition:
        film = replace(timeline, format=replace(timeline.format, encoder=encoder))
        return compose(film, out, work_dir, report=report, cancelled=cancelled, workers=workers, sharing=sharing)

    try:
        return replace(made(choice.encoder), encoder_reason=choice.reason)
    except VideoflowError as error:
        if not choice.encoder or wish != AUTO or error.code not in _FAULTS_OF_HARDWARE:
            raise
        _failed[choice.encoder] = error.code
        logger.warning("hardware encoder=%s failed code=%s: the film is coded by software", choice.encoder, error.code)
    reason = f"{choice.encoder} passed its trial and failed in this film: {_failed[choice.encoder]}"
    return replace(made(""), encoder_reason=reason)


def handle(job: Mapping[str, Any], progress: Callable[[float], None]) -> dict[str, Any]:
    """Say what a film would be coded by, to whoever must not load what codes it."""
    try:
        return {**asdict(encoder_choose(job["wish"])), "is_usable": True}
    except VideoflowError as error:
        return {"encoder": "", "reason": error.details["trials"], "is_usable": False}


if __name__ == "__main__":
    child_serve(handle)
