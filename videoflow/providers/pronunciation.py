"""Where the words of a pronunciation book stand in a text, and what is said there instead."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class BookMatch:
    """One place: the tokens from ``start`` on, each with the words said for it (none where an earlier one says them)."""

    start: int
    words: tuple[tuple[str, ...], ...]


def book_matches(
    cores: Sequence[str], book: Sequence[tuple[str, str]], *, core_of: Callable[[str], str], say: Callable[[str], str]
) -> list[BookMatch]:
    """Return the places where an entry's written form stands, the longest entries first, none of them overlapping.

    ``cores``: the tokens without their marks, in small letters, as ``core_of`` makes them; ``say`` turns a spoken word into the
    form that the voice wants. A possessive of an entry is said as one.
    """
    taken: set[int] = set()
    matches: list[BookMatch] = []
    for written, spoken in sorted(book, key=lambda pair: -len(pair[0].split())):
        wanted = [core_of(part) for part in written.split()]
        if not wanted or not spoken.split():
            continue
        for start in range(len(cores) - len(wanted) + 1):
            places = range(start, start + len(wanted))
            found = list(cores[start : start + len(wanted)])
            is_possessive = found[-1] == wanted[-1] + "'s" and found[:-1] == wanted[:-1]
            if taken.intersection(places) or not (found == wanted or is_possessive):
                continue
            words = [say(word) for word in spoken.split()]
            if is_possessive:
                words[-1] += "'s"
            taken.update(places)
            shared = min(len(found), len(words))
            shares = [words[place : place + 1] if place < shared - 1 else [] for place in range(len(found))]
            shares[shared - 1] = words[shared - 1 :]
            matches.append(BookMatch(start, tuple(tuple(share) for share in shares)))
    return matches
