import math
from dataclasses import replace
from pathlib import Path

import pytest
from django.conf import settings

from scripts.capacity_model import (
    DAY_SECONDS,
    Inputs,
    Limit,
    inputs_of,
    inputs_shown,
    plan,
    rate_at,
    sensitivity,
    share_below,
    slots_needed,
    wait_p95,
    wait_p95_reckoned,
    waits_simulated,
)

INPUTS = Inputs()
SERVICE = INPUTS.service


class TestDay:
    @pytest.mark.parametrize("peak_factor", [1.0, 1.7, 2.5, 6.0])
    def test_has_its_videos_and_its_peak(self, peak_factor: float) -> None:
        rates = [rate_at(minute * 60, 8640, peak_factor) for minute in range(1440)]
        assert sum(rates) * 60 == pytest.approx(8640, rel=1e-3)
        assert max(rates) == pytest.approx(0.1 * peak_factor, rel=1e-3)


class TestQueue:
    def test_one_slot_waits_as_theory_says(self) -> None:
        """Pollaczek and Khinchine: a slot that is busy half of the time, service times of known spread."""
        service = replace(SERVICE, seconds=2.0, peak_factor=1.0)
        waits = waits_simulated(DAY_SECONDS // 4, 1, service)
        expected = 0.5 * 2.0 * math.exp(service.spread**2) / (2 * (1 - 0.5))
        assert sum(waits) / len(waits) == pytest.approx(expected, rel=0.1)

    def test_chance_evens_out(self) -> None:
        slots = 70  # too few in the afternoon
        simulated = waits_simulated(20_000, slots, SERVICE)
        reckoned = wait_p95_reckoned(20_000, slots, SERVICE)
        assert simulated[int(0.95 * len(simulated))] == pytest.approx(reckoned, rel=0.15)

    def test_weights_count(self) -> None:
        assert share_below([(5.0, 1.0), (1.0, 94.0), (9.0, 5.0)], 0.95) == 5.0
        assert share_below([], 0.95) == 0.0

    @pytest.mark.parametrize("videos", [100, 3000, 1_000_000])
    def test_no_slot_too_many_and_none_too_few(self, videos: int) -> None:
        slots = slots_needed(videos, SERVICE)
        assert wait_p95(videos, slots, SERVICE) <= SERVICE.patience_seconds
        assert slots == 1 or wait_p95(videos, slots - 1, SERVICE) > SERVICE.patience_seconds


class TestPlan:
    def test_arithmetic(self) -> None:
        """By hand: 864,000 videos a day without a peak are ten a second."""
        inputs = replace(INPUTS, peak_factor=1.0, slot_seconds=100.0, events=40.0, heartbeat_seconds=10.0, requests=0.001)
        one = plan(864_000, inputs)
        assert one.slots == pytest.approx(1000, abs=10)
        assert one.writes_per_second == pytest.approx(10 * (40 + 10), rel=0.02)
        assert one.messages_per_second == pytest.approx(10 * (40 + inputs.wakeups), rel=0.02)
        assert one.storage_gb == pytest.approx(864_000 * inputs.days_kept * inputs.kept_mb / 1000)
        sent_mb = inputs.film_mb * (inputs.plays + inputs.published_share)
        assert one.storage_mbit_per_second == pytest.approx(10 * 8 * (inputs.worker_files_mb + sent_mb))
        assert one.dollars_per_month["storage"] == pytest.approx(one.storage_gb * inputs.gigabyte_month)

    def test_first_limit_is_the_one_that_is_used_most_and_can_be_changed(self) -> None:
        tight = plan(1000, replace(INPUTS, writes_per_second=0.001))
        assert tight.first_limit.name == "database writes"
        assert tight.first_limit.load == pytest.approx(tight.writes_per_second / 0.001)
        assert plan(1000, replace(INPUTS, uploads_per_project=0.001)).first_limit.name != "YouTube's quota"

    def test_shown(self) -> None:
        assert [Limit("", demand, 10.0, "").shown for demand in (1.0, 25.0)] == ["10.0%", "2.5 x"]

    def test_what_costs_more_counts_more(self) -> None:
        changes = {name: (money, load) for name, money, load in sensitivity(100, INPUTS)}
        assert changes["core_hour"][0] > 5
        assert changes["core_hour"][1] == 0
        assert changes["writes_per_second"][0] <= 0


class TestInputs:
    def test_stand_in_the_documentation(self) -> None:
        page = Path(settings.BASE_DIR, "docs", "capacity.md").read_text(encoding="utf-8")
        assert inputs_shown(INPUTS) in page

    def test_changed(self) -> None:
        assert inputs_of(["events=12.5"]) == replace(INPUTS, events=12.5)

    @pytest.mark.parametrize("change", ["nothing=1", "events=-1", "events=nan", "events=many", "events"])
    def test_refused(self, change: str) -> None:
        with pytest.raises(ValueError, match=r"input|number|float"):
            inputs_of([change])
