"""Speech of a Piper program on this machine. It is under the GPL: it runs as a program of its own and is never imported."""

import json
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any, ClassVar

from videoflow.children import group_kill, program_command
from videoflow.errors import BadInput, Cancelled
from videoflow.providers.base import ProviderError, Voice
from videoflow.providers.net import ServiceBroken, ServiceTimeout
from videoflow.providers.paid import Reply
from videoflow.providers.registry import provider
from videoflow.providers.speaking.languages import code_of
from videoflow.providers.speaking.service_speech import REPLY_LIMIT_BYTES, Heard, ServiceSpeech, Wanted
from videoflow.sentences import Sentence

_POLL_SECONDS = 0.05


@provider("speech", "piper")
class PiperSpeech(ServiceSpeech):
    """``piper --model VOICE.onnx --output_file OUT``, the words on its standard input.

    The operator names the program and the folder of voices; each voice is an ``.onnx`` with its ``.onnx.json`` beside it.
    """

    deadline_seconds: ClassVar[float] = 120.0

    def voices(self, language: str) -> tuple[Voice, ...]:
        voices: list[Voice] = []
        for path in sorted(self._folder().glob("*.onnx")):
            facts = _facts(path)
            code = str((facts.get("language") or {}).get("code") or "")
            if code and code_of(code) == code_of(language):
                quality = str((facts.get("audio") or {}).get("quality") or "unknown quality")
                name = str(facts.get("dataset") or path.stem).replace("_", " ").title()
                voices.append(Voice(path.stem, name, code.replace("_", "-"), f"Synthetic, Piper: {code}, {quality}."))
        return tuple(voices)

    def _folder(self) -> Path:
        folder = str(self.access.connection.options.get("voices") or "")
        if not folder or not Path(folder).is_dir():
            raise BadInput("Piper has no folder of voices. The operator names it in VIDEOFLOW_PIPER_VOICES.", code="NO_VOICE")
        return Path(folder)

    def request(self, wanted: Wanted) -> dict[str, Any]:
        model = self._folder() / f"{wanted.line.voice}.onnx"
        return {"text": wanted.said.text, "voice": wanted.line.voice, "model_bytes": model.stat().st_size}

    def ask(self, request: dict[str, Any]) -> Reply:
        command = str(self.access.connection.options.get("command") or "")
        if not command or not Path(command).is_file():
            raise ProviderError("There is no Piper program. The operator names it in VIDEOFLOW_PIPER_COMMAND.", code="NO_PROGRAM")
        with tempfile.TemporaryDirectory(prefix="videoflow-piper-") as room:
            out, words, said = Path(room) / "line.wav", Path(room) / "words", Path(room) / "said"
            words.write_text(request["text"] + "\n", encoding="utf-8")
            model = self._folder() / f"{request['voice']}.onnx"
            self._run([command, "--model", str(model), "--output_file", str(out)], words, said)
            if not out.is_file() or out.stat().st_size > REPLY_LIMIT_BYTES:
                raise self._broken(Sentence("left no sound"))
            return Reply(out.read_bytes(), "audio/wav")

    def _run(self, program: list[str], words: Path, said: Path) -> None:
        deadline = time.monotonic() + self.deadline_seconds
        with words.open("rb") as stdin, said.open("wb") as stderr:
            process = subprocess.Popen(
                program_command(program), stdin=stdin, stdout=subprocess.DEVNULL, stderr=stderr, start_new_session=True
            )
            try:
                while process.poll() is None:
                    if self.access.cancelled():
                        raise Cancelled("The work was cancelled.")
                    if time.monotonic() > deadline:
                        raise ServiceTimeout("Piper did not finish a line in time.", service=self.name, reason="deadline")
                    time.sleep(_POLL_SECONDS)
            finally:
                group_kill(process)
        if process.returncode:
            raise self._broken(Sentence("ended with an error (exit %(code)s)", code=process.returncode))

    def _broken(self, what: str) -> ServiceBroken:
        return ServiceBroken(
            Sentence("Piper %(what)s. Try the program by hand with the same voice.", what=what),
            service=self.name,
            reason="program",
            retryable=False,
        )

    def read(self, body: bytes) -> Heard:
        return Heard(body)


def _facts(path: Path) -> dict[str, Any]:
    """Return what stands beside a voice; nothing when it cannot be read, so that the voice is not offered."""
    try:
        facts = json.loads(path.with_suffix(".onnx.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return facts if isinstance(facts, dict) else {}
