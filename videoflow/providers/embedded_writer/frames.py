"""The frame of a turn (what is left when names and figures are taken out) and the ledger that lets no frame come twice."""

import itertools
import re
from collections import Counter
from collections.abc import Iterable, Sequence

_QUOTED = re.compile(r"“[^”]*”|\"[^\"]*\"")
_FIGURE = re.compile(r"[$€£]?\d[\d.,:]*(?:st|nd|rd|th|s)?(?:\s?%|\s?(?:million|billion|thousand|percent)\b)?")
_COUNT = re.compile(
    r"\b(?:zero|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|twice|first|second|third|fourth|fifth|"
    r"sixth|seventh|eighth|ninth|"
    r"tenth|million|billion|thousand|hundred|percent|monday|tuesday|wednesday|thursday|friday|saturday|sunday|january|"
    r"february|march|april|"
    r"may|june|july|august|september|october|november|december)\b"
)
_CAPITALISED = re.compile(r"(?<![.!?…:]\s)(?<!^)(?<!“)\b(?!I\b|I')[A-ZÀ-Þ][\w'’&.-]*")
_SPARE = re.compile(r"[^\w\s#]")
_RUNS = re.compile(r"#(?:\s+(?:(?:and|by|of|from)\s+)?#)+")
_MATCH = 0.55
"""Share of common word pairs from which two frames are the same sentence with a word or two changed."""

Pairs = frozenset[tuple[str, str]]


def names_pattern(names: Iterable[str]) -> re.Pattern[str] | None:
    """One pattern for all names, the longest first; None when there are none."""
    known = sorted({re.escape(name.replace("’", "'")) for name in names if name.strip()}, key=len, reverse=True)
    return re.compile(rf"(?<!\w)(?:{'|'.join(known)})(?:'s?)?(?!\w)", re.IGNORECASE) if known else None


def frame_of(text: str, names: Iterable[str] | re.Pattern[str] | None = ()) -> str:
    """Reduce a turn to its frame: quoted titles, names, capitalised words and figures out, lower case, single spaces."""
    pattern = names if isinstance(names, re.Pattern) or names is None else names_pattern(names)
    text = _QUOTED.sub(" # ", text.replace("’", "'"))
    if pattern is not None:
        text = pattern.sub(" # ", text)
    text = _CAPITALISED.sub(" # ", text)
    text = _COUNT.sub(" # ", _FIGURE.sub(" # ", text).lower())
    text = _SPARE.sub(" ", text.replace("'", ""))
    return _RUNS.sub("#", re.sub(r"\s+", " ", text)).strip()


def opening_of(text: str) -> tuple[str, ...]:
    """The first three words, without punctuation."""
    return tuple(re.sub(r"[^\w\s']", " ", text.lower()).split()[:3])


def _pairs(frame: str) -> Pairs:
    return frozenset(itertools.pairwise(frame.split()))


def skeletons_match(left: str, right: str) -> bool:
    """Tell whether two frames are the same sentence with a word or two changed."""
    return left == right or _pairs_match(_pairs(left), _pairs(right))


def _pairs_match(left: Pairs, right: Pairs) -> bool:
    if min(len(left), len(right)) < 4:
        return False
    common = len(left & right)
    return common / (len(left) + len(right) - common) >= _MATCH


class Ledger:
    """What has been said in this video so far; ``accepts`` refuses a frame, skeleton or opening that was heard."""

    def __init__(self, names: Sequence[str]) -> None:
        self._names = names_pattern(names)
        self._frames: dict[str, Pairs] = {}
        self._openings: Counter[tuple[str, ...]] = Counter()

    def accepts(self, texts: Sequence[str]) -> bool:
        """Tell whether these turns may follow; nothing is written down."""
        fresh: dict[str, Pairs] = {}
        openings: Counter[tuple[str, ...]] = Counter()
        for text in texts:
            opening = opening_of(text)
            openings[opening] += 1
            if not 4 <= len(text.split()) <= 35 or self._openings[opening] + openings[opening] > 2:
                return False
            frame = frame_of(text, self._names)
            pairs = _pairs(frame)
            if frame in self._frames or frame in fresh:
                return False
            if any(_pairs_match(pairs, other) for other in itertools.chain(self._frames.values(), fresh.values())):
                return False
            fresh[frame] = pairs
        return True

    def add(self, texts: Iterable[str]) -> None:
        """Write down turns that were taken."""
        for text in texts:
            frame = frame_of(text, self._names)
            self._frames[frame] = _pairs(frame)
            self._openings[opening_of(text)] += 1
