"""Which encoder codes a film. The tests need no hardware: x264 takes its place, told what hardware is told (a bit rate)."""

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from videoflow.children import children_map
from videoflow.errors import Cancelled, VideoflowError
from videoflow.render import (
    Composition,
    Format,
    compose_chosen,
    encoder_card,
    encoder_choice,
    encoder_trial,
    hardware_trials,
    probe,
)
from videoflow.render.encoder_card import FPS, SIDE, NotTheCard, card_joined, card_likeness, card_write
from videoflow.render.encoder_choice import EncoderChoice, encoder_choose
from videoflow.render.encoder_trial import Trial, encoder_try
from videoflow.render.presets import HARDWARE_ENCODERS, encoder_settings
from videoflow.render.tests.material import timeline

FORM = Format(SIDE, SIDE, FPS)


@pytest.fixture(autouse=True)
def _as_at_the_start(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setattr(encoder_choice, "_failed", {})
    hardware_trials.cache_clear()
    yield
    hardware_trials.cache_clear()


@pytest.fixture
def stand_in(monkeypatch: pytest.MonkeyPatch) -> str:
    """Have x264 be this machine's only hardware encoder for H.264."""
    monkeypatch.setitem(HARDWARE_ENCODERS, "h264", ("libx264",))
    monkeypatch.setattr(encoder_trial, "_LIMIT_SECONDS", 240.0)
    return "libx264"


def settings_of(**changes: Any) -> dict[str, Any]:
    return {**encoder_settings(FORM), **changes}


def composed(folder: Path, wish: str) -> Composition:
    line = timeline(folder / "in", Format(320, 180, 30, quality="draft"))
    out = folder / "o.mp4"
    return compose_chosen(wish, line, out, folder / "work", report=lambda *_: None, cancelled=lambda: False)


class TestTrial:
    def test_hardware_that_works(self, tmp_path: Path) -> None:
        told = settings_of(options={"preset": "ultrafast", "bf": "0"}, bit_rate=round(SIDE * SIDE * FPS * 0.1))
        assert encoder_try(told, settings_of()) == Trial("libx264", "")

    @pytest.mark.parametrize(
        ("changes", "reason"),
        [
            ({"encoder": "h264_nothing"}, "not part of this installation"),
            ({"options": {"preset": "no-such-preset"}}, "does not open"),
            ({"options": {}, "bit_rate": 60_000}, "does not look like"),
            ({"profile": "High 4:4:4 Predictive", "pixel_format": "yuv444p"}, "another size or kind"),
        ],
    )
    def test_hardware_that_does_not(self, changes: Mapping[str, Any], reason: str) -> None:
        trial = encoder_try(settings_of(**changes), settings_of())
        assert not trial.usable
        assert reason in trial.reason

    def test_segments_that_differ(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def write(path: Path, told: Mapping[str, Any], first: int, frames: int) -> None:
            card_write(path, {**told, "options": {"refs": "1" if first else "4"}}, first, frames)

        monkeypatch.setattr("videoflow.render.encoder_card.card_write", write)
        assert "cannot be joined" in encoder_try(settings_of(), settings_of()).reason

    def test_another_picture_is_far_from_the_card(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        film = card_joined(tmp_path, settings_of())
        whole = card_likeness(film)
        assert whole > 45
        painted = encoder_card._painted
        for change in (
            lambda y, u, v: (y, v, u),
            lambda y, u, v: (y, u + 3, v),
            lambda y, u, v: (np.roll(y, 1, axis=1), u, v),
        ):
            monkeypatch.setattr("videoflow.render.encoder_card._painted", lambda frame, change=change: change(*painted(frame)))
            assert card_likeness(film) < whole - encoder_trial._MOST_LOST_DB

    def test_lost_frames_are_told(self, tmp_path: Path) -> None:
        card_write(tmp_path / "short.mp4", settings_of(), 0, 5)
        with pytest.raises(NotTheCard, match="5 of 17"):
            card_likeness(tmp_path / "short.mp4")

    def test_a_crash_or_a_hang_is_an_answer(self, stand_in: str, monkeypatch: pytest.MonkeyPatch) -> None:
        for error, reason in ((VideoflowError("It is gone."), "crashed"), (Cancelled("It hangs."), "did not finish")):

            def run(*_: Any, error: VideoflowError = error, **__: Any) -> Any:
                raise error

            monkeypatch.setattr(encoder_trial, "children_map", run)
            hardware_trials.cache_clear()
            assert reason in hardware_trials("h264")[0].reason

    def test_nothing_is_tried_without_a_device(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        def run(*_: Any, **__: Any) -> Any:
            raise AssertionError("a process was started")

        monkeypatch.setattr(encoder_trial, "children_map", run)
        monkeypatch.setattr(encoder_trial, "_DEVICE_FOLDER", tmp_path)
        monkeypatch.setattr(sys, "platform", "linux")
        trials = hardware_trials("h264")
        assert [trial.encoder for trial in trials] == list(HARDWARE_ENCODERS["h264"])
        assert {trial.reason for trial in trials} == {"This machine has no such device."}

    def test_a_device_is_tried_in_a_process_of_its_own(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setitem(HARDWARE_ENCODERS, "h264", ("h264_vaapi",))
        monkeypatch.setattr(encoder_trial, "_DEVICE_FOLDER", tmp_path)
        monkeypatch.setattr(sys, "platform", "linux")
        (tmp_path / "dri").mkdir()
        (tmp_path / "dri" / "renderD128").touch()
        (trial,) = hardware_trials("h264")
        assert not trial.usable
        assert "no such device" not in trial.reason


class TestChoice:
    def test_software_asks_no_hardware(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(encoder_choice, "hardware_trials", lambda codec: pytest.fail("tried"))
        assert encoder_choose("software").encoder == ""

    def test_the_first_that_works(self, monkeypatch: pytest.MonkeyPatch) -> None:
        trials = (Trial("h264_nvenc", "It crashed in a trial."), Trial("h264_qsv", ""), Trial("h264_amf", ""))
        monkeypatch.setattr(encoder_choice, "hardware_trials", lambda codec: trials)
        assert encoder_choose("auto") == EncoderChoice("h264_qsv", "it passed its trial on this host")
        assert encoder_choose("amf").encoder == "h264_amf"
        with pytest.raises(VideoflowError, match="nvenc") as refused:
            encoder_choose("nvenc")
        assert refused.value.details["trials"] == "h264_nvenc: It crashed in a trial"

    def test_none_that_works(self, monkeypatch: pytest.MonkeyPatch) -> None:
        reasons = {"h264_nvenc": "No.", "h264_qsv": "Never.", "h264_amf": "No."}
        monkeypatch.setattr(encoder_choice, "hardware_trials", lambda codec: [Trial(*each) for each in reasons.items()])
        assert encoder_choose("auto") == EncoderChoice("", "h264_qsv: Never; h264_nvenc, h264_amf: No")

    def test_it_can_be_asked_of_a_process(self) -> None:
        answer, refused = children_map(
            encoder_choice.MODULE, [{"wish": "software"}, {"wish": "none"}], workers=1, cancelled=lambda: False
        )
        assert answer == {"encoder": "", "reason": "VIDEOFLOW_ENCODER says so", "is_usable": True}
        assert not refused["is_usable"]


class TestFilm:
    def test_hardware_codes_all_of_it(self, stand_in: str, tmp_path: Path) -> None:
        made = composed(tmp_path, "auto")
        assert (made.encoder, made.encoder_reason) == (stand_in, "it passed its trial on this host")
        assert made.report.verdict == "ok", made.report.findings
        assert probe(made.path).frames == made.frames == 120
        again = composed(tmp_path, "auto")
        assert (again.segments_made, again.sha256) == (0, made.sha256)
        assert composed(tmp_path, "software").segments_made == made.segments_made

    def test_hardware_that_fails_in_the_film_gives_way(
        self, stand_in: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        monkeypatch.setitem(HARDWARE_ENCODERS, "h264", ("h264_gone",))
        monkeypatch.setattr(encoder_choice, "hardware_trials", lambda codec: (Trial("h264_gone", ""),))
        made = composed(tmp_path, "auto")
        assert made.encoder == "libx264"
        assert made.encoder_reason == "h264_gone passed its trial and failed in this film: WORKER_PROCESS_FAILED"
        assert made.report.verdict == "ok", made.report.findings
        assert "h264_gone failed" in caplog.text
        assert encoder_choose("auto").encoder == ""

    def test_hardware_asked_for_by_name_does_not(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setitem(HARDWARE_ENCODERS, "h264", ("h264_gone",))
        monkeypatch.setattr(encoder_choice, "hardware_trials", lambda codec: (Trial("h264_gone", ""),))
        with pytest.raises(VideoflowError) as failed:
            composed(tmp_path, "gone")
        assert failed.value.code == "WORKER_PROCESS_FAILED"
        assert not (tmp_path / "o.mp4").exists()
