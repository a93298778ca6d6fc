"""Find out which hardware encoders of this machine work, by encoding with each and decoding the result.

That an encoder is compiled in says nothing: most builds have several, on machines without any such hardware. Each trial runs in
a process of its own, because a broken driver may crash or hang it.
"""

import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import av

from videoflow.children import child_serve, children_map
from videoflow.errors import Cancelled, VideoflowError
from videoflow.render.encoder_card import FPS, SIDE, NotTheCard, card_joined, card_likeness
from videoflow.render.presets import HARDWARE_ENCODERS, encoder_settings
from videoflow.render.timeline import Format, VideoCodec

MODULE = "videoflow.render.encoder_trial"
_MOST_LOST_DB = 8.0
"""How much less like the card than the software encoder's a picture may be. That one reaches 48 to 52 dB. At hardware's bit rate
x264 without B-frames and most of its search loses 3; a shift by one sample loses 30, colours that are wrong by three levels 9."""
_LIMIT_SECONDS = 90.0
"""Processes of the studio are idle ones: on a busy machine a trial of two seconds may take half a minute."""
_DEVICES: Mapping[str, tuple[str, ...]] = {
    "nvenc": ("nvidia[0-9]*", "dxg"),
    "qsv": ("dri/renderD*",),
    "amf": ("dri/renderD*", "dxg"),
    "vaapi": ("dri/renderD*",),
}
"""Under which names Linux has the hardware; where none is there, nobody waits for a trial."""
_DEVICE_FOLDER = Path("/dev")


@dataclass(frozen=True, slots=True)
class Trial:
    """What became of a trial encode; ``reason`` says why an encoder cannot be used, and is empty when it can."""

    encoder: str
    reason: str

    @property
    def usable(self) -> bool:
        return not self.reason


def encoder_try(settings: Mapping[str, Any], usual: Mapping[str, Any]) -> Trial:
    """Encode a card in two segments as a film is encoded, join, decode and compare; ``usual`` are the settings of software."""
    encoder = str(settings["encoder"])
    with tempfile.TemporaryDirectory(prefix="videoflow-trial-") as folder:
        try:
            film = card_joined(Path(folder), settings)
            likeness = card_likeness(film)
        except av.codec.codec.UnknownCodecError:
            return Trial(encoder, "It is not part of this installation's encoding library.")
        except VideoflowError:
            return Trial(encoder, "Segments that it makes cannot be joined.")
        except NotTheCard as error:
            return Trial(encoder, str(error))
        except (av.error.FFmpegError, OSError, ValueError):
            return Trial(encoder, "It does not open on this machine: no device or driver for it answers.")
        if likeness < card_likeness(card_joined(Path(folder), usual)) - _MOST_LOST_DB:
            return Trial(encoder, "What it encoded does not look like what was given to it.")
    return Trial(encoder, "")


@lru_cache(maxsize=len(HARDWARE_ENCODERS))
def hardware_trials(codec: VideoCodec = "h264") -> tuple[Trial, ...]:
    """Try every hardware encoder of a codec, in the order of preference; the answer is kept for the life of the process."""
    return tuple(_without_device(encoder) or _tried_apart(encoder, codec) for encoder in HARDWARE_ENCODERS[codec])


def _without_device(encoder: str) -> Trial | None:
    """Return the answer for an encoder that needs no trial, for there is nothing that it could run on."""
    family = encoder.rpartition("_")[2]
    if (family == "videotoolbox" and sys.platform != "darwin") or (
        sys.platform == "linux" and family in _DEVICES and not any(any(_DEVICE_FOLDER.glob(name)) for name in _DEVICES[family])
    ):
        return Trial(encoder, "This machine has no such device.")
    return None


def _tried_apart(encoder: str, codec: VideoCodec) -> Trial:
    deadline = time.monotonic() + _LIMIT_SECONDS
    form = Format(SIDE, SIDE, FPS, codec=codec)
    job = {
        "settings": encoder_settings(Format(SIDE, SIDE, FPS, codec=codec, encoder=encoder)),
        "usual": encoder_settings(form),
    }
    try:
        answer = children_map(MODULE, [job], workers=1, cancelled=lambda: time.monotonic() > deadline)[0]
    except Cancelled:
        return Trial(encoder, f"It did not finish a trial within {_LIMIT_SECONDS:.0f} s.")
    except VideoflowError:
        return Trial(encoder, "It crashed in a trial.")
    return Trial(encoder, str(answer["reason"]))


def handle(job: Mapping[str, Any], progress: Callable[[float], None]) -> dict[str, Any]:
    """Do one trial."""
    return {"reason": encoder_try(job["settings"], job["usual"]).reason}


if __name__ == "__main__":
    child_serve(handle)
