import subprocess
import wave
from dataclasses import dataclass, replace

import imageio_ffmpeg
import numpy as np
import pytest

from videoflow.errors import BadInput
from videoflow.providers.aligner import SAMPLE_RATE_HZ, align_words, caption_drift
from videoflow.providers.base import Line
from videoflow.providers.embedded_music import EmbeddedMusic
from videoflow.providers.embedded_speech import EmbeddedSpeech

_TEXTS = (
    "Hold on, which channel are we talking about? I thought the whole chart was music.",
    "It stood at 2.3M views on Friday, and the Zorblaxian trailer had 45% of them.",
)


@dataclass(frozen=True)
class Word:
    text: str
    start: float
    end: float


@pytest.fixture(scope="module")
def spoken(tmp_path_factory):
    folder = tmp_path_factory.mktemp("speech")
    lines = [Line(text, "heart") for text in _TEXTS]
    return EmbeddedSpeech(workers=1).speak(lines, folder, report=lambda share, message: None, cancelled=lambda: False)


def samples_of(path):
    ffmpeg = imageio_ffmpeg.get_ffmpeg_exe()
    command = [ffmpeg, "-v", "error", "-i", str(path), "-ac", "1", "-ar", str(SAMPLE_RATE_HZ), "-f", "f32le", "-"]
    return np.frombuffer(subprocess.run(command, capture_output=True, check=True, timeout=240).stdout, np.float32)


def test_agrees_with_the_engine_that_spoke(spoken):
    distances = []
    for line in spoken:
        heard = align_words(samples_of(line.path), [word.text for word in line.words])
        distances += [abs(word.start - times[0]) for word, times in zip(line.words, heard, strict=True) if times]
    assert len(distances) > 25
    assert np.percentile(distances, 95) < 0.12


def test_follows_the_sound_and_not_the_words_given_times(spoken):
    samples = samples_of(spoken[0].path)
    words = [word.text for word in spoken[0].words]
    moved = align_words(np.concatenate([np.zeros(SAMPLE_RATE_HZ // 2, np.float32), samples]), words)
    for early, late in zip(align_words(samples, words), moved, strict=True):
        assert early
        assert late
        assert late[0] - early[0] == pytest.approx(0.5, abs=0.06)


def test_an_unknown_word_does_not_poison_its_neighbours(spoken):
    line = spoken[1]
    heard = align_words(samples_of(line.path), [word.text for word in line.words])
    unknown = [word.text for word in line.words].index("Zorblaxian")
    neighbour = heard[unknown + 1]
    assert heard[unknown] is None
    assert neighbour
    assert neighbour[0] == pytest.approx(line.words[unknown + 1].start, abs=0.12)


def test_words_that_are_not_there_are_not_found():
    assert align_words(np.zeros(SAMPLE_RATE_HZ, np.float32), []) == []
    assert align_words(np.zeros(SAMPLE_RATE_HZ // 10, np.float32), ["hello", "there", "everybody"]) == [None, None, None]


@pytest.fixture(scope="module")
def video(spoken, tmp_path_factory):
    """A finished film of both lines with ducked music, and its captions."""
    folder = tmp_path_factory.mktemp("film")
    starts = (0.7, 0.7 + spoken[0].seconds + 0.3)
    seconds = starts[1] + spoken[1].seconds + 0.8
    speech = np.zeros(int(seconds * 24_000), np.int16)
    for line, start in zip(spoken, starts, strict=True):
        with wave.open(str(line.path)) as audio:
            samples = np.frombuffer(audio.readframes(audio.getnframes()), "<i2")
        speech[int(start * 24_000) : int(start * 24_000) + len(samples)] = samples
    voice = folder / "voice.wav"
    with wave.open(str(voice), "wb") as audio:
        audio.setnchannels(1)
        audio.setsampwidth(2)
        audio.setframerate(24_000)
        audio.writeframes(speech.tobytes())
    bed = EmbeddedMusic().bed(mood="upbeat", seconds=seconds, seed=1, out=folder / "bed.wav")
    film = folder / "film.mp4"
    mix = "[2:a]volume=-14dB[m];[1:a][m]amix=inputs=2:normalize=0,aresample=48000[a]"
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-f", "lavfi", "-i", f"color=c=navy:s=160x90:r=10:d={seconds}"]
    command += ["-i", str(voice), "-i", str(bed.path), "-filter_complex", mix, "-map", "0:v", "-map", "[a]"]
    command += ["-c:v", "libx264", "-preset", "ultrafast", "-threads", "1", "-c:a", "aac", "-b:a", "160k", str(film)]
    subprocess.run(command, check=True, timeout=240)
    captions = [
        [Word(word.text, word.start + start, word.end + start) for word in line.words]
        for line, start in zip(spoken, starts, strict=True)
    ]
    return film, captions


class TestCaptionDrift:
    def test_ok(self, video):
        report = caption_drift(*video)
        assert report.p95_ms <= 120
        assert report.checked >= 25
        assert report.unchecked == 1
        assert report.share_within_limit > 0.95

    def test_captions_that_lag_are_caught(self, video):
        film, captions = video
        late = [[replace(word, start=word.start + 0.25, end=word.end + 0.25) for word in line] for line in captions]
        report = caption_drift(film, late)
        assert report.p95_ms > 200
        assert report.bias_ms == pytest.approx(250, abs=70)
        assert report.share_within_limit < 0.2
        assert report.worst[0].text

    def test_a_file_that_is_no_video_is_refused(self, tmp_path):
        broken = tmp_path / "broken.mp4"
        broken.write_bytes(b"not a film")
        with pytest.raises(BadInput, match="cannot be read"):
            caption_drift(broken, [[Word("hello", 0.0, 1.0)]])
