"""Read the sound of any media file as 48 kHz floats, chunk by chunk."""

from collections.abc import Iterator
from pathlib import Path

import av
import numpy as np

from videoflow.render.loudness import RATE, Signal
from videoflow.render.probe import media_open

CHUNK = 10 * RATE


class Reader:
    """Samples of a file's first sound track, in order, mixed to one or two channels; none when the file has no sound."""

    def __init__(self, path: Path, channels: int) -> None:
        self._container = media_open(path)
        layout = "mono" if channels == 1 else "stereo"
        self._resampler = av.AudioResampler(format="fltp", layout=layout, rate=RATE)
        self._frames = self._decoded()
        self._rest = np.zeros((channels, 0), np.float32)

    def _decoded(self) -> Iterator[Signal]:
        with self._container as container:
            if not container.streams.audio:
                return
            for frame in container.decode(container.streams.audio[0]):
                frame.pts = None
                for piece in self._resampler.resample(frame):
                    yield piece.to_ndarray().astype(np.float32, copy=False)
            for piece in self._resampler.resample(None):
                yield piece.to_ndarray().astype(np.float32, copy=False)

    def read(self, samples: int) -> Signal:
        """Return up to ``samples``; fewer only at the end of the file."""
        pieces, have = [self._rest], self._rest.shape[1]
        while have < samples and (piece := next(self._frames, None)) is not None:
            pieces.append(piece)
            have += piece.shape[1]
        joined = np.concatenate(pieces, axis=1)
        self._rest = joined[:, samples:]
        return joined[:, :samples]

    def chunks(self) -> Iterator[Signal]:
        """Yield what is left in chunks of ten seconds."""
        while (chunk := self.read(CHUNK)).shape[1]:
            yield chunk

    def close(self) -> None:
        self._frames.close()  # type: ignore[attr-defined]
        self._container.close()
