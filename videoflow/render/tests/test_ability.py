"""Who may make parts of a film that others make too."""

import pytest

from videoflow.render import ability
from videoflow.render.ability import can_make, part_needs
from videoflow.render.encoder_trial import Trial


class TestCanMake:
    def test_ok(self) -> None:
        assert can_make(part_needs("libx264"))

    def test_not_what_another_version_describes(self, monkeypatch: pytest.MonkeyPatch) -> None:
        needs = part_needs("libx264")
        monkeypatch.setattr(ability, "RENDER_VERSION", 999)
        assert not can_make(needs)

    def test_a_hardware_encoder_only_where_it_passed_its_trial(self, monkeypatch: pytest.MonkeyPatch) -> None:
        trials = (Trial("h264_nvenc", "It crashed in a trial."), Trial("h264_qsv", ""))
        monkeypatch.setattr(ability, "trials_now", lambda codec: trials)
        assert not can_make(part_needs("h264_nvenc"))
        assert can_make(part_needs("h264_qsv"))
