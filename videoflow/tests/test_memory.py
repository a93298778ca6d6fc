from pathlib import Path

import pytest

from videoflow.memory import Memory, heavy_steps, memory_now

MACHINE = Memory(total=64_000_000_000, available=50_000_000_000)


def group(root: Path, path: str, **files: object) -> None:
    folder = root / "sys/fs/cgroup" / path
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (folder / name.replace("__", ".")).write_text(str(text))


def belongs(root: Path, lines: str) -> None:
    (root / "proc/self").mkdir(parents=True)
    (root / "proc/self/cgroup").write_text(lines)


class TestMemoryNow:
    def test_without_control_groups_the_machine_answers(self, tmp_path: Path) -> None:
        assert memory_now(tmp_path, machine=MACHINE) == MACHINE

    def test_of_the_groups_around_it_the_tightest_counts(self, tmp_path: Path) -> None:
        belongs(tmp_path, "0::/studio.slice/worker.service\n")
        group(tmp_path, "studio.slice", memory__max=4_000_000_000, memory__current=3_000_000_000)
        kept = "anon 1000\ninactive_file 500000000\n"
        group(tmp_path, "studio.slice/worker.service", memory__max="max", memory__current=2_000_000_000, memory__stat=kept)
        assert memory_now(tmp_path, machine=MACHINE) == Memory(4_000_000_000, 1_000_000_000)

    def test_what_the_kernel_would_give_up_is_free(self, tmp_path: Path) -> None:
        belongs(tmp_path, "0::/\n")  # as a container sees itself
        kept = "anon 1000\ninactive_file 500000000\n"
        group(tmp_path, "", memory__max=4_000_000_000, memory__current=3_000_000_000, memory__stat=kept)
        assert memory_now(tmp_path, machine=MACHINE).available == 1_500_000_000

    def test_the_first_version_of_control_groups(self, tmp_path: Path) -> None:
        belongs(tmp_path, "5:devices:/other\n4:cpu,memory:/docker/abc\n1:name=systemd:/x\n0::/\n")
        group(tmp_path, "memory", memory__limit_in_bytes=2_000_000_000, memory__usage_in_bytes=1_900_000_000)
        group(tmp_path, "memory/docker/abc", memory__limit_in_bytes=9_223_372_036_854_771_712)
        assert memory_now(tmp_path, machine=MACHINE) == Memory(2_000_000_000, 100_000_000)

    def test_this_machine_says_something(self) -> None:
        found = memory_now()
        assert 0 <= found.available <= found.total


class TestHeavySteps:
    @pytest.mark.parametrize(
        ("cores", "gigabytes", "number"), [(1, 2, 1), (2, 64, 1), (8, 64, 4), (16, 8, 4), (32, 2, 1), (4, 4.2, 2), (4, 4.1, 1)]
    )
    def test_the_scarcer_of_cores_and_memory_decides(self, cores: int, gigabytes: float, number: int) -> None:
        memory = Memory(total=int(gigabytes * 1e9), available=0)
        assert heavy_steps(cores=cores, memory=memory).number == number

    @pytest.mark.parametrize(
        ("cores", "gigabytes", "reason"),
        [
            (1, 1, "1.0 GB of memory are less than the 2.6 GB that a studio takes beside one; what is missing"),
            (4, 2, "2.0 GB of memory are less than the 2.6 GB"),
            (1, 4, "for 1 core and 4.0 GB of memory"),
            (4, 4, "4.0 GB of memory carry no more, 4 cores would carry 2"),
        ],
    )
    def test_small_machines_do_one_and_say_why(self, tmp_path: Path, cores: int, gigabytes: int, reason: str) -> None:
        """The same for a machine of so much memory and for a container that may use so much of a large one."""
        belongs(tmp_path, "0::/\n")
        group(tmp_path, "", memory__max=gigabytes * 1_000_000_000, memory__current=0)
        limited = memory_now(tmp_path, machine=MACHINE)
        for memory in (limited, Memory(gigabytes * 1_000_000_000, 0)):
            steps = heavy_steps(cores=cores, memory=memory)
            assert steps.number == 1
            assert steps.reason.startswith(reason)

    def test_says_what_decided(self) -> None:
        few = heavy_steps(cores=16, memory=Memory(8_000_000_000, 0))
        assert few.reason == "8.0 GB of memory carry no more, 16 cores would carry 8"
        asked = heavy_steps(cores=2, memory=Memory(8_000_000_000, 0), asked=5)
        assert (asked.number, asked.is_asked, asked.reason) == (5, True, "VIDEOFLOW_CPU_SLOTS says so")
