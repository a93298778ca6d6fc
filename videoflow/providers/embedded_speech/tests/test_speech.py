import json
import wave
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from videoflow.errors import BadInput, Cancelled
from videoflow.providers.base import Line
from videoflow.providers.embedded_speech import EmbeddedSpeech
from videoflow.providers.loudness import loudness_lufs

_HEART = Line("Last week 1,514,646 people watched it 😂, and nobody knew why.", "heart")
_KUMO = Line("Nobody? That is hard to believe, honestly.", "kumo")


def speak(lines, folder, **keywords):
    return EmbeddedSpeech(workers=1).speak(lines, folder, report=lambda share, message: None, cancelled=lambda: False, **keywords)


def samples_of(path):
    with wave.open(str(path)) as audio:
        assert (audio.getnchannels(), audio.getsampwidth(), audio.getframerate()) == (1, 2, 24_000)
        return np.frombuffer(audio.readframes(audio.getnframes()), "<i2").astype(np.float32) / 32768


def pitch_hz(samples):
    """Median pitch of the voiced 40 ms frames, by autocorrelation."""
    found = []
    for start in range(0, len(samples) - 960, 480):
        frame = samples[start : start + 960]
        if np.sqrt((frame**2).mean()) < 0.03:
            continue
        spectrum = np.fft.rfft(frame - frame.mean(), 2048)
        similarity = np.fft.irfft(np.abs(spectrum) ** 2)
        lag = 60 + int(similarity[60:400].argmax())
        if similarity[lag] > 0.5 * similarity[0]:
            found.append(24_000 / lag)
    return float(np.median(found))


@pytest.fixture(scope="module")
def spoken(tmp_path_factory):
    folder = tmp_path_factory.mktemp("speech")
    heard = []
    lines = [_HEART, _KUMO, _HEART]
    results = speak(lines, folder, on_line=lambda index, line: heard.append(index))
    return folder, results, heard


def test_ok(spoken):
    _, results, heard = spoken
    assert sorted(heard) == [0, 1, 2]
    assert results[0] == results[2]
    for line, result in zip((_HEART, _KUMO), results, strict=False):
        samples = samples_of(result.path)
        assert result.seconds == pytest.approx(len(samples) / 24_000)
        assert result.timing == "engine"
        assert result.voice == line.voice
        assert np.abs(samples).max() < 0.9
        assert abs(samples.mean()) < 1e-3
        assert loudness_lufs(samples, 24_000) == pytest.approx(-20, abs=1.0)


def test_words_are_the_shown_tokens_in_order_inside_the_file(spoken):
    _, results, _ = spoken
    for line, result in zip((_HEART, _KUMO), results, strict=False):
        assert [word.text for word in result.words] == line.text.split()
        edges = [edge for word in result.words for edge in (word.start, word.end)]
        assert edges == sorted(edges)
        assert edges[0] >= 0
        assert edges[-1] <= result.seconds
    number = next(word for word in results[0].words if word.text == "1,514,646")
    assert number.end - number.start > 2.0


def test_silence_at_the_ends_is_short(spoken):
    _, results, _ = spoken
    for result in results:
        loud = np.flatnonzero(np.abs(samples_of(result.path)) > 0.01)
        assert loud[0] / 24_000 <= 0.06
        assert result.seconds - loud[-1] / 24_000 <= 0.06


def test_the_voices_are_clearly_different(spoken):
    _, results, _ = spoken
    assert pitch_hz(samples_of(results[0].path)) > 1.5 * pitch_hz(samples_of(results[1].path))


def test_equal_lines_are_equal_files_and_a_damaged_one_is_made_again(tmp_path, spoken):
    _, results, _ = spoken
    (again,) = speak([_HEART], tmp_path)
    assert again.path.read_bytes() == results[0].path.read_bytes()
    original = again.path.read_bytes()
    again.path.write_bytes(original[:5000])
    assert speak([_HEART], tmp_path)[0].path.read_bytes() == original


def test_a_finished_line_is_not_made_again(spoken, monkeypatch):
    folder, results, _ = spoken

    def no_worker(*arguments, **keywords):
        assert not arguments[1], "a line that stands was given to a worker"
        return []

    monkeypatch.setattr("videoflow.providers.embedded_speech.speech.children_map", no_worker)
    assert speak([_HEART, _KUMO], folder) == results[:2]


def test_facts_beside_the_file_say_what_was_spoken(spoken):
    _, results, _ = spoken
    facts = json.loads(results[0].path.with_suffix(".json").read_text(encoding="utf-8"))
    assert "one million five hundred fourteen thousand" in facts["said"]


def test_lowered_voice_is_lower(tmp_path, spoken):
    _, results, _ = spoken
    (low,) = speak([replace(_HEART, voice="heart-low")], tmp_path)
    assert pitch_hz(samples_of(low.path)) < 0.9 * pitch_hz(samples_of(results[0].path))


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        (Line("😂🔥", "heart"), "Line 2.*nothing that can be said"),
        (Line("", "heart"), "Line 2 has nothing"),
        (Line("Hello there.", "emma"), 'no embedded voice "emma"'),
        (Line("word " * 900, "heart"), "longer than"),
    ],
)
def test_refuses_before_anything_is_made(tmp_path, line, complaint):
    with pytest.raises(BadInput, match=complaint):
        speak([_HEART, line], tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_cancel_leaves_nothing_sealed(tmp_path):
    with pytest.raises(Cancelled):
        EmbeddedSpeech().speak([_KUMO], tmp_path, report=lambda share, message: None, cancelled=lambda: True)
    assert list(tmp_path.glob("*.json")) == []


def test_voices_of_a_language():
    speech = EmbeddedSpeech()
    assert [voice.key for voice in speech.voices("en-GB")] == ["heart", "kumo", "heart-low"]
    assert all("ynthetic" in voice.description for voice in speech.voices("en"))
    assert speech.voices("de") == ()


def test_nothing_is_written_outside_the_folder(tmp_path, monkeypatch):
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    speak([_KUMO], tmp_path / "speech")
    assert list(home.iterdir()) == []
    assert {Path(name).suffix for name in (tmp_path / "speech").iterdir()} == {".wav", ".json"}


def test_a_very_short_sentence_is_followed_by_a_pause(tmp_path):
    (line,) = speak([Line("Hold on. One day? Which channel are we talking about?", "heart")], tmp_path)
    times = {word.text: word for word in line.words}
    assert times["One"].start - times["on."].end >= 0.2
    assert times["Which"].start - times["day?"].end >= 0.2
