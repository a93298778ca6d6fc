"""The real subprocess path, with a program of Piper's command line that hums."""

import json
import os
import stat
import sys
from pathlib import Path

import pytest

from videoflow.children import program_command
from videoflow.errors import BadInput, Cancelled
from videoflow.providers.base import Line, ProviderError
from videoflow.providers.net import ServiceBroken, ServiceTimeout
from videoflow.providers.registry import Access
from videoflow.providers.speaking import PiperSpeech

PROGRAM = """#!{python}
import argparse, sys, time
parser = argparse.ArgumentParser()
parser.add_argument("--model", required=True)
parser.add_argument("--output_file", required=True)
asked = parser.parse_args()
text = sys.stdin.read()
assert text.endswith("\\n") and text.count("\\n") == 1
if "explode" in text:
    sys.exit(3)
if "sleep" in text:
    open(asked.model + ".pid", "w").write(str(__import__("os").getpid()))
    time.sleep(60)
if "nothing" in text:
    sys.exit(0)
sys.path.insert(0, {root!r})
from videoflow.providers.speaking.tests.fake_voices import speechlike, wav_bytes
open(asked.output_file, "wb").write(wav_bytes(speechlike(text, asked.model)))
"""
LINE = Line("Nobody? That is hard to believe, honestly.", "en_US-amy-medium")


@pytest.fixture
def piper(make, tmp_path) -> PiperSpeech:
    voices = tmp_path / "voices"
    voices.mkdir()
    for name, code in (("en_US-amy-medium", "en_US"), ("en_GB-alan-low", "en_GB"), ("de_DE-thorsten-high", "de_DE")):
        (voices / f"{name}.onnx").write_bytes(b"model")
        facts = {"language": {"code": code}, "audio": {"quality": name.split("-")[2]}, "dataset": name.split("-")[1]}
        (voices / f"{name}.onnx.json").write_text(json.dumps(facts))
    (voices / "broken.onnx").write_bytes(b"model")
    program = tmp_path / "piper"
    program.write_text(PROGRAM.format(python=sys.executable, root=str(Path(__file__).parents[4])))
    program.chmod(program.stat().st_mode | stat.S_IEXEC)
    return make("piper", command=str(program), voices=str(voices))


def speak(provider, lines, folder):
    return provider.speak(lines, folder, report=lambda share, message: None, cancelled=lambda: False)


def test_ok(piper, till, tmp_path):
    (result,) = speak(piper, [LINE], tmp_path / "out")
    assert result.seconds > 1
    assert (result.provider, result.model, result.voice) == ("piper", "Piper", LINE.voice)
    assert not till.calls, "a program of one's own costs nothing"
    assert [voice.name for voice in piper.voices("en")] == ["Alan", "Amy"]
    assert piper.voices("fr") == ()


@pytest.mark.parametrize(("word", "complaint"), [("explode", r"exit 3"), ("nothing", "no sound")])
def test_a_program_that_fails_is_an_error(piper, tmp_path, word, complaint):
    with pytest.raises(ServiceBroken, match=complaint):
        speak(piper, [Line(f"Please {word} at once.", LINE.voice)], tmp_path / "out")


def test_a_program_that_hangs_is_killed(piper, tmp_path, monkeypatch):
    monkeypatch.setattr(PiperSpeech, "deadline_seconds", 0.8)
    with pytest.raises(ServiceTimeout):
        speak(piper, [Line("Please sleep for long.", LINE.voice)], tmp_path / "out")
    for note in (tmp_path / "voices").glob("*.pid"):
        with pytest.raises(ProcessLookupError):
            os.kill(int(note.read_text()), 0)


def test_a_cancel_kills_it(piper, tmp_path):
    access = piper.access
    asked = iter([False, False, False])
    piper.access = Access(access.connection, access.client, access.pay, lambda: next(asked, True), access.remember)
    with pytest.raises(Cancelled):
        speak(piper, [Line("Please sleep for long.", LINE.voice)], tmp_path / "out")


def test_what_the_operator_has_not_set_is_said(make, tmp_path, piper):
    with pytest.raises(BadInput, match="VIDEOFLOW_PIPER_VOICES"):
        make("piper").voices("en")
    voices = piper.access.connection.options["voices"]
    with pytest.raises(ProviderError, match="VIDEOFLOW_PIPER_COMMAND"):
        speak(make("piper", voices=voices), [LINE], tmp_path / "out")


def test_the_program_becomes_the_child():
    assert program_command(["/bin/echo", "a b"])[-2:] == ["/bin/echo", "a b"]
