"""Find out which hardware encoders of this machine work, by encoding with each and decoding the result.

That an encoder is compiled in says nothing: most builds have several, on machines without any such hardware. Each trial runs in
a process of its own, because a broken driver may crash or hang it.
"""

import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import av
import numpy as np

from videoflow.children import child_serve, children_map
from videoflow.errors import Cancelled, VideoflowError
from videoflow.render.encoder import SegmentWriter
from videoflow.render.planes import planes_of_frame
from videoflow.render.presets import HARDWARE_ENCODERS, encoder_settings
from videoflow.render.timeline import Format, VideoCodec

MODULE = "videoflow.render.encoder_trial"
_FORM = (640, 360, 30)
_FRAMES = 12
_LARGEST_MISS = 12.0
"""Mean difference of luma between what went in and what came out, of 255."""
_LIMIT_SECONDS = 20.0


@dataclass(frozen=True, slots=True)
class Trial:
    """What became of a trial encode; ``reason`` says why an encoder cannot be used, and is empty when it can."""

    encoder: str
    reason: str

    @property
    def usable(self) -> bool:
        return not self.reason


def encoder_try(encoder: str, codec: VideoCodec) -> Trial:
    """Encode and decode a moving ramp with the settings that a video would be encoded with."""
    width, height, fps = _FORM
    settings = encoder_settings(Format(width, height, fps, codec=codec, encoder=encoder))
    with tempfile.TemporaryDirectory(prefix="videoflow-trial-") as folder:
        return _encoded_and_seen(Path(folder) / "trial.mp4", settings)


def _encoded_and_seen(path: Path, settings: Mapping[str, Any]) -> Trial:
    width, height, fps = _FORM
    encoder = str(settings["encoder"])
    ramp = np.linspace(32, 200, width)[None, :] + np.zeros((height, 1))
    try:
        with SegmentWriter(path, width, height, fps, settings) as writer:
            planes = planes_of_frame(writer.frame)
            planes.u[:], planes.v[:] = 128, 128
            for number in range(_FRAMES):
                planes.y[:] = ramp + 2 * number
                writer.write()
            writer.finish()
    except av.codec.codec.UnknownCodecError:
        return Trial(encoder, "It is not part of this installation's encoding library.")
    except (av.error.FFmpegError, OSError, ValueError):
        return Trial(encoder, "It does not open on this machine: no device or driver for it answers.")
    with av.open(path) as container:
        seen = [frame.to_ndarray(format="gray").astype(float) for frame in container.decode(video=0)]
    if len(seen) != _FRAMES:
        return Trial(encoder, f"It made {len(seen)} of {_FRAMES} frames.")
    missed = max(abs(float(frame.mean()) - float((ramp + 2 * n).mean() - 16) * 255 / 219) for n, frame in enumerate(seen))
    return Trial(encoder, "" if missed <= _LARGEST_MISS else "What it encoded does not look like what was given to it.")


@lru_cache(maxsize=len(HARDWARE_ENCODERS))
def hardware_trials(codec: VideoCodec = "h264") -> tuple[Trial, ...]:
    """Try every hardware encoder of a codec, in the order of preference; the answer is kept for the life of the process.

    The first that is ``usable`` may go into ``Format.encoder``. Nothing chooses it unasked.
    """
    return tuple(_tried_apart(encoder, codec) for encoder in HARDWARE_ENCODERS[codec])


def _tried_apart(encoder: str, codec: VideoCodec) -> Trial:
    deadline = time.monotonic() + _LIMIT_SECONDS
    job = {"encoder": encoder, "codec": codec}
    try:
        answer = children_map(MODULE, [job], workers=1, cancelled=lambda: time.monotonic() > deadline)[0]
    except Cancelled:
        return Trial(encoder, f"It did not finish a trial within {_LIMIT_SECONDS:.0f} s.")
    except VideoflowError:
        return Trial(encoder, "It crashed in a trial.")
    return Trial(encoder, str(answer["reason"]))


def handle(job: Mapping[str, Any], progress: Callable[[float], None]) -> dict[str, Any]:
    """Do one trial."""
    return {"reason": encoder_try(job["encoder"], job["codec"]).reason}


if __name__ == "__main__":
    child_serve(handle)
