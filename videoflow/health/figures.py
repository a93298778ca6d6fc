"""One figure for Prometheus, and how it is written down."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

Sample = tuple[Mapping[str, str], float]


@dataclass(frozen=True, slots=True)
class Metric:
    """One gauge with its samples, each with its labels; without samples it could not be measured and is left out."""

    name: str
    about: str
    samples: Sequence[Sample]

    def lines(self) -> Iterator[str]:
        """Return its lines of the text format."""
        if self.samples:
            yield f"# HELP {self.name} {self.about}"
            yield f"# TYPE {self.name} gauge"
        for labels, value in self.samples:
            inside = ",".join(f'{key}="{_escaped(text)}"' for key, text in labels.items())
            yield f"{self.name}{{{inside}}} {_number(value)}" if inside else f"{self.name} {_number(value)}"


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def _number(value: float) -> str:
    return str(int(value)) if float(value).is_integer() else f"{value:.6g}"


def plain(name: str, about: str, value: float | None) -> Metric:
    """Return a gauge without labels."""
    return Metric(name, about, [] if value is None else [({}, value)])
