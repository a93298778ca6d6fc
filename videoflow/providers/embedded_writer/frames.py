"""The frame of a turn (what is left when names and figures are taken out) and the ledger that lets no frame come twice."""

import re
from collections import Counter
from collections.abc import Iterable, Sequence

_QUOTED = re.compile(r"“[^”]*”|\"[^\"]*\"")
_FIGURE = re.compile(r"[$€£]?\d[\d.,:]*(?:st|nd|rd|th|s)?(?:\s?%|\s?(?:million|billion|thousand|percent)\b)?")
_COUNT = re.compile(
    r"\b(?:zero|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|twice|first|second|third|fourth|fifth|sixth|seventh|eighth|ninth|"
    r"tenth|million|billion|thousand|hundred|percent|monday|tuesday|wednesday|thursday|friday|saturday|sunday|january|february|march|april|"
    r"may|june|july|august|september|october|november|december)\b"
)
_CAPITALISED = re.compile(r"(?<![.!?…:]\s)(?<!^)(?<!“)\b(?!I\b|I')[A-ZÀ-Þ][\w'’&.-]*")
_SPARE = re.compile(r"[^\w\s#]")


def frame_of(text: str, names: Iterable[str] = ()) -> str:
    """Reduce a turn to its frame: quoted titles, names, capitalised words and figures out, lower case, single spaces."""
    text = _QUOTED.sub(" # ", text.replace("’", "'"))
    for name in sorted({name for name in names if name.strip()}, key=len, reverse=True):
        text = re.sub(rf"(?<!\w){re.escape(name)}(?:'s?)?(?!\w)", " # ", text, flags=re.IGNORECASE)
    text = _CAPITALISED.sub(" # ", text)
    text = _FIGURE.sub(" # ", text)
    text = _COUNT.sub(" # ", text.lower())
    text = _SPARE.sub(" ", text.replace("'", ""))
    return re.sub(r"#(?:\s+(?:(?:and|by|of|from)\s+)?#)+", "#", re.sub(r"\s+", " ", text)).strip()


def opening_of(text: str) -> tuple[str, ...]:
    """The first three words, without punctuation."""
    return tuple(re.sub(r"[^\w\s']", " ", text.lower()).split()[:3])


def _pairs(frame: str) -> frozenset[tuple[str, str]]:
    words = frame.split()
    return frozenset(zip(words, words[1:], strict=False))


def skeletons_match(left: str, right: str) -> bool:
    """Tell whether two frames are the same sentence with a word or two changed."""
    pairs_left, pairs_right = _pairs(left), _pairs(right)
    if min(len(pairs_left), len(pairs_right)) < 4:
        return left == right
    return len(pairs_left & pairs_right) / len(pairs_left | pairs_right) >= 0.55


class Ledger:
    """What has been said in this video so far; ``accepts`` refuses a frame, skeleton or opening that was heard."""

    def __init__(self, names: Sequence[str]) -> None:
        self._names = tuple(names)
        self._frames: list[str] = []
        self._openings: Counter[tuple[str, ...]] = Counter()

    def accepts(self, texts: Sequence[str]) -> bool:
        """Tell whether these turns may follow; nothing is written down."""
        frames = list(self._frames)
        openings = Counter(self._openings)
        for text in texts:
            frame, opening = frame_of(text, self._names), opening_of(text)
            if not 4 <= len(text.split()) <= 35 or openings[opening] >= 2:
                return False
            if any(skeletons_match(frame, other) for other in frames):
                return False
            frames.append(frame)
            openings[opening] += 1
        return True

    def add(self, texts: Iterable[str]) -> None:
        """Write down turns that were taken."""
        for text in texts:
            self._frames.append(frame_of(text, self._names))
            self._openings[opening_of(text)] += 1
