"""How one written token is said, in the light of its neighbours: figures, addresses, acronyms, abbreviations, plain words."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from videoflow.providers.embedded_speech import number_words as say
from videoflow.providers.embedded_speech import word_tables as tables

_SCHEME = re.compile(r"^(?:https?://|ftp://)?(?:www\.)?", re.IGNORECASE)
_EMAIL = re.compile(r"^[\w.+-]+@[\w-]+(?:\.[\w-]+)+$")
_DOMAIN = re.compile(rf"^(?:[\w-]+\.)+(?:{'|'.join(tables.DOMAIN_ENDINGS)})(?::\d+)?(?:[/?#]\S*)?$", re.IGNORECASE)
_NUM = r"(?:\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?|\.\d+)"
_MONEY = re.compile(rf"^(-?)(?:US|C|A)?([{say.CURRENCY_SIGNS}])({_NUM})(k|m|mn|b|bn|t)?(\+?)$", re.IGNORECASE)
_MONEY_AFTER = re.compile(rf"^()()({_NUM})([{say.CURRENCY_SIGNS}])$")
_AMOUNT = re.compile(rf"^([+-]?)({_NUM})(k|m|mn|b|bn)(\+?)$", re.IGNORECASE)
_PLAIN = re.compile(rf"^([+~<>-]?)({_NUM})(\+?)$")
_ORDINAL = re.compile(r"^(\d[\d,]*)(?:st|nd|rd|th)$", re.IGNORECASE)
DECADE = re.compile(r"^'?(\d{2}|\d{4})'?s$")
_TIMES = re.compile(rf"^({_NUM})x$", re.IGNORECASE)
_MULTIPLIED = re.compile(r"^x(\d+)$", re.IGNORECASE)
_CLOCK = re.compile(r"^(\d{1,2}):(\d{2})(?::(\d{2}))?([ap])?\.?(?:m\.?)?$", re.IGNORECASE)
_HOUR = re.compile(r"^(\d{1,2})([ap])\.?m\.?$", re.IGNORECASE)
_ISO_DATE = re.compile(r"^(\d{4})-(\d{1,2})-(\d{1,2})$")
_US_DATE = re.compile(r"^(\d{1,2})/(\d{1,2})/(\d{4}|\d{2})$")
_RANGE = re.compile(
    rf"^([{say.CURRENCY_SIGNS}]?)({_NUM})(k|m|b|%)?[-–—]([{say.CURRENCY_SIGNS}]?)({_NUM})(k|m|b|%)?$", re.IGNORECASE
)
_FRACTION = re.compile(r"^(\d{1,2})/(\d{1,2})$")
_VERSION = re.compile(r"^(v?)(\d+(?:\.\d+){2,}|(?<=v)\d+(?:\.\d+)?)$", re.IGNORECASE)
_PHONE = re.compile(r"^\+?\d{1,4}(?:-\d{2,4}){2,}$|^\d{3}-\d{4}$")
_UNIT = re.compile(
    rf"^([+~-]?)({_NUM})({'|'.join(sorted((re.escape(unit) for unit in tables.UNITS), key=len, reverse=True))})$", re.IGNORECASE
)
_WORD = re.compile(r"^[^\W\d_]+(?:['.-][^\W\d_]+)*\.?$")
_PIECES = re.compile(r"\d+(?:[.,]\d+)*|[^\W\d_]+(?:'[^\W\d_]+)*|[&+=@%×÷°$€£/#]")
_CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z]{2})")
DOTTED = re.compile(r"^(?:[A-Za-z]\.)+[A-Za-z]?(?:'s)?$")
_KEEP_CAMEL = re.compile(r"^(?:Mc|Mac|De|La|Le|O'|Di|Van)[A-Z][a-z]+$")
_ROMAN = re.compile(r"^(?=[IVX])X{0,2}(?:IX|IV|V?I{0,3})$")
_NUMBERED = frozenset({"part", "pt", "chapter", "vol", "volume", "act", "season", "war"})
_LINES = re.compile(r"^(\d{3,4})p(\d{2,3})?$")
_DETERMINERS = frozenset({"a", "an", "my", "his", "her", "our", "their", "your", "this", "new"})
_AMBIGUOUS_CAPITALS = frozenset({"US", "WHO", "IT", "BET", "LED", "MIT", "ER", "LA", "AM", "GO"})


@dataclass(slots=True)
class Token:
    """One shown token, its marks at both ends split off, and the words found for it so far."""

    text: str
    core: str
    lead: str
    trail: str
    words: list[str]
    done: bool = False


class TokenReader:
    """Reads one token in the light of its neighbours."""

    def __init__(self, tokens: Sequence[Token], index: int, is_word: Callable[[str], bool]) -> None:
        self.tokens, self.index, self.is_word = tokens, index, is_word
        self.core = tokens[index].core
        self.lower = self.core.lower()

    def _neighbour(self, step: int) -> str:
        position = self.index + step
        return self.tokens[position].core if 0 <= position < len(self.tokens) else ""

    def words(self) -> list[str]:
        parts = [part for part in re.split(r"\.{2,}", self.core) if part]
        if len(parts) < 2:
            return self._words()
        words: list[str] = []
        for part in parts:
            self.core, self.lower = part, part.lower()
            words += self._words()
            if part is not parts[-1] and words:
                words[-1] += "…"
        return words

    def _words(self) -> list[str]:
        if self.core in tables.SYMBOLS:
            return [tables.SYMBOLS[self.core]]
        if _EMAIL.match(self.core):
            name, _, domain = self.core.partition("@")
            return [*self._pieces(re.sub(r"([._+-])", r" \1 ", name)), "at", *self._domain(domain)]
        address = _SCHEME.sub("", self.core)
        if address != self.core or _DOMAIN.match(address):
            return self._domain(re.split(r"[/?#:]", address)[0])
        if self.core.startswith("#") and len(self.core) > 1:
            body = self.core.lstrip("#")
            return ["number", *self._figures(body)] if body.isdigit() else self._pieces(body)
        if self.core.startswith("@") and len(self.core) > 1:
            return self._pieces(self.core[1:])
        if any(character.isdigit() for character in self.core):
            return self._figures(self.core)
        return self._plain_word()

    def _domain(self, domain: str) -> list[str]:
        labels = [label for label in domain.split(".") if label]
        words: list[str] = []
        for position, label in enumerate(labels):
            if position:
                words.append("dot")
            ending = tables.DOMAIN_ENDINGS.get(label.lower()) if position else None
            words += [ending] if ending else self._pieces(label.replace("-", " dash "))
        return words

    def _figures(self, core: str) -> list[str]:
        for rule in (self._money, self._calendar, self._time_of_day, self._count, self._compound_figure):
            words = rule(core)
            if words is not None:
                return words
        if core.endswith("'s") and core[:-2].isdigit():
            return [*say.number(core[:-2])[:-1], say.number(core[:-2])[-1] + "'s"]
        if "-" in core.strip("-"):
            return [word for part in core.split("-") if part for word in self._part(part)]
        return self._pieces(core)

    def _part(self, part: str) -> list[str]:
        if any(character.isdigit() for character in part):
            return self._figures(part)
        return self._letters_or_word(part)

    def _money(self, core: str) -> list[str] | None:
        found = _MONEY.match(core)
        if found:
            minus, sign, figures, magnitude, plus = found.groups()
            following = self._neighbour(1).lower()
            spoken_magnitude = say.MAGNITUDES.get((magnitude or "").lower(), "")
            if not magnitude and following in tables.MAGNITUDE_WORDS:
                words = say.number(figures)
                self._say_currency_after(say.money(sign, "2")[-1])
            else:
                words = say.money(sign, figures, spoken_magnitude)
                if self._neighbour(-1).lower() in _DETERMINERS and following[:1].isalpha() and "cent" not in words[-1]:
                    words[-1] = say.money(sign, "1")[-1]  # a ten million dollar house
            return [*(["minus"] if minus else []), *words, *(["plus"] if plus else [])]
        found = _MONEY_AFTER.match(core)
        return say.money(found.group(4), found.group(3)) if found else None

    def _say_currency_after(self, unit: str) -> None:
        following = self.tokens[self.index + 1]
        following.words, following.done = [following.core.lower(), unit], True

    def _calendar(self, core: str) -> list[str] | None:
        found = _ISO_DATE.match(core)
        if found:
            return say.date(*(int(part) for part in found.groups()))
        found = _US_DATE.match(core)
        if found:
            first, second, written_year = (int(part) for part in found.groups())
            year = written_year if written_year > 99 else 2000 + written_year if written_year < 50 else 1900 + written_year
            return say.date(year, first, second) if first <= 12 else say.date(year, second, first)
        before = self._neighbour(-1).lower().rstrip(".")
        is_month = before in tables.MONTH_ABBREVIATIONS or before.capitalize() in say.MONTHS
        if is_month and core.isdecimal() and 1 <= int(core) <= 31 and (before != "may" or self._neighbour(-1)[:1].isupper()):
            return say.ordinal(int(core))
        return None

    def _time_of_day(self, core: str) -> list[str] | None:
        found = _HOUR.match(core)
        if found and 1 <= int(found.group(1)) <= 12:
            return [*say.cardinal(int(found.group(1))), f"{found.group(2).upper()}.M."]
        found = _CLOCK.match(core)
        if not found:
            return None
        hour, minute, second, half = int(found.group(1)), int(found.group(2)), found.group(3), found.group(4)
        if second is not None:
            return say.duration(hour, minute, int(second))
        if hour > 24 or minute > 59:
            return None
        has_half = half or self._neighbour(1).lower().replace(".", "") in ("am", "pm")
        words = say.clock(hour, minute)
        if minute == 0 and not has_half:
            words.append("o'clock")
        return [*words, f"{half.upper()}.M."] if half else words

    def _count(self, core: str) -> list[str] | None:
        found = _ORDINAL.match(core)
        if found:
            return say.ordinal(int(found.group(1).replace(",", "")))
        found = DECADE.match(core)
        if found and found.group(1).endswith("0"):
            return say.decade(int(found.group(1)))
        found = _TIMES.match(core)
        if found:
            return [*say.number(found.group(1)), "times"]
        found = _MULTIPLIED.match(core)
        if found:
            return ["times", *say.number(found.group(1))]
        if core.lower() == "4k" and self._neighbour(1).lower() in {"video", "tv", "resolution", "hdr", "uhd", "footage", "at"}:
            return ["four", "K"]
        found = _AMOUNT.match(core)
        if found:
            sign, figures, magnitude, plus = found.groups()
            return [*_signed(sign), *say.number(figures), say.MAGNITUDES[magnitude.lower()], *(["plus"] if plus else [])]
        found = _UNIT.match(core)
        if found:
            sign, figures, unit = found.groups()
            return [*_signed(sign), *say.number(figures), tables.UNITS[unit.lower()][0 if say.is_one(figures) else 1]]
        found = _PLAIN.match(core)
        if found:
            sign, figures, plus = found.groups()
            before = self._neighbour(-1).lower()
            counted = self._neighbour(1).lower() in {
                "views",
                "likes",
                "comments",
                "people",
                "times",
                "subscribers",
                "videos",
                "points",
            }
            words = (
                say.cardinal(int(figures))
                if counted and figures.isdecimal() and before not in {"in", "since"}
                else say.number(figures)
            )
            return [*_signed(sign), *words, *(["plus"] if plus else [])]
        return None

    def _compound_figure(self, core: str) -> list[str] | None:
        if core in ("24/7", "9/11", "50/50"):
            return [word for part in core.split("/") for word in say.cardinal(int(part))]
        found = _FRACTION.match(core)
        if found:
            numerator, denominator = int(found.group(1)), int(found.group(2))
            plain = [*say.cardinal(numerator), "out", "of", *say.cardinal(denominator)]
            return say.fraction(numerator, denominator) or plain
        if _PHONE.match(core):
            groups = [say.digits(group) for group in core.lstrip("+").split("-")]
            return [word for group in groups for word in [*group[:-1], group[-1] + ","]]
        found = _RANGE.match(core)
        if found:
            sign, low, low_unit, second_sign, high, high_unit = found.groups()
            unit = high_unit or low_unit or ""
            ends = [self._end_of_range(sign if low_unit else "", low, low_unit if low_unit != high_unit else None)]
            ends.append(self._end_of_range(sign or second_sign, _whole_year(low, high), unit))
            return [*ends[0], "to", *ends[1]]
        found = _LINES.match(core)
        if found:  # 1080p, 720p60
            height = found.group(1)
            words = [*say.cardinal(int(height[:-2])), *say.cardinal(int(height[-2:])), "P"]
            return [*words, *(say.cardinal(int(found.group(2))) if found.group(2) else [])]
        found = _VERSION.match(core)
        if found:
            parts = [say.cardinal(int(part)) for part in found.group(2).split(".")]
            words = parts[0] + [word for part in parts[1:] for word in ["point", *part]]
            return [*(["version"] if found.group(1) else []), *words]
        return None

    def _end_of_range(self, sign: str, figures: str, unit: str | None) -> list[str]:
        magnitude = say.MAGNITUDES.get((unit or "").lower(), "")
        if sign:
            return say.money(sign, figures, magnitude)
        words = say.number(figures)
        return [*words, magnitude or "percent"] if unit else words

    def _plain_word(self) -> list[str]:
        if self.lower == "et" and self._neighbour(1).lower() == "al":
            return ["et"]
        after_figure = self._neighbour(-1)[-1:].isdigit()
        if after_figure and self.lower in tables.UNITS and self.lower not in ("ms", "mi"):
            return [tables.UNITS[self.lower][0 if say.is_one(self._neighbour(-1)) else 1]]
        if after_figure and self.lower.rstrip(".") in ("m", "k", "b", "bn", "mn") and self.core != "K":
            return [say.MAGNITUDES[self.lower.rstrip(".")]]
        if after_figure and self.lower.replace(".", "") in ("am", "pm"):
            return [f"{self.core[0].upper()}.M."]
        bare = self.lower.rstrip(".")
        following = self._neighbour(1)
        is_title = bare in tables.TITLES and self.core[:1].isupper() and following[:1].isupper()
        if is_title and (bare not in tables.TITLES_WITH_STOP or self.core.endswith(".")) and len(following) > 1:
            return [tables.TITLES[bare]]
        if bare == "no" and self.core.endswith("."):
            return ["number"] if following[:1].isdigit() else ["no."]
        if bare in tables.MONTH_ABBREVIATIONS and bare != "may" and self.core[:1].isupper() and following[:1].isdigit():
            return [say.MONTHS[tables.MONTH_ABBREVIATIONS[bare] - 1]]
        if self.lower in tables.ABBREVIATIONS:
            return [tables.ABBREVIATIONS[self.lower]]
        before = self._neighbour(-1)
        if self.lower == "v" and before[:1].isupper() and following[:1].isupper():
            return ["versus"]
        if _ROMAN.match(self.core) and len(self.core) > 1 and (before[:1].isupper() or before.rstrip(".").lower() in _NUMBERED):
            if before.lower() in tables.REGAL_NAMES:
                return ["the", *say.ordinal(_roman(self.core))]
            return say.cardinal(_roman(self.core))
        if self.core.endswith(".") and not DOTTED.match(self.core):
            self.core = self.core[:-1]
        return self._letters_or_word(self.core)

    def _letters_or_word(self, core: str) -> list[str]:
        """A whole word, letters one by one, or the parts of a compound with slashes, symbols or inner capitals."""
        if DOTTED.match(core):
            return [core]
        if not _WORD.match(core):
            return self._pieces(core)
        if "-" in core:
            parts = [part for part in core.split("-") if part]
            if all(part.islower() or part.istitle() for part in parts):
                return [core]
            return [word for part in parts for word in self._letters_or_word(part)]
        stem, possessive = (core[:-2], "'s") if core.endswith(("'s", "'S")) else (core, "")
        if len(stem) > 2 and stem.endswith("s") and stem[:-1].isupper() and not self._is_shouted(stem[:-1]):
            return [".".join(stem[:-1]) + "'s"]  # DVDs
        if len(stem) > 1 and stem.isupper():
            if self._is_shouted(stem):
                return [stem.capitalize() + possessive]
            return [".".join(stem) + ("'s" if possessive else ".")]
        parts = _CAMEL.split(stem)
        if len(parts) > 1 and not _KEEP_CAMEL.match(stem) and not self.is_word(stem.lower()):
            words = [word for part in parts for word in ([tables.TITLES.get(part.lower(), part)] if part else [])]
            words = [
                word for part in words for word in (self._letters_or_word(part) if part.isupper() and len(part) > 1 else [part])
            ]
            words[-1] += possessive
            return words
        return [core]

    def _is_shouted(self, capitals: str) -> bool:
        """Whether a word in capitals is a loud word, not an acronym."""
        if capitals in tables.SAID_AS_WORDS:
            return True
        loud_neighbours = sum(
            1
            for step in (-3, -2, -1, 1, 2, 3)
            if len(word := self._neighbour(step).strip("'")) > 2
            and word.isupper()
            and word not in tables.SPELLED
            and self.is_word(word.lower())
        )
        if capitals in _AMBIGUOUS_CAPITALS:
            around = [word for word in map(self._neighbour, (-2, -1, 1, 2)) if any(letter.isalpha() for letter in word)]
            return len(around) >= 2 and all(word.isupper() for word in around)
        if capitals in tables.SPELLED:
            return False
        if "'" in capitals:
            return True
        known = self.is_word(capitals.lower()) or (capitals.endswith("S") and self.is_word(capitals[:-1].lower()))
        if known and (len(capitals) > 3 or loud_neighbours >= 1 or len(capitals) == 3):
            return True
        if known:
            return loud_neighbours >= 1
        vowels = sum(letter in "AEIOUY" for letter in capitals)
        return vowels > 0 and (len(capitals) >= 5 or (len(capitals) == 4 and loud_neighbours >= 1))

    def _pieces(self, text: str) -> list[str]:
        """Words of a run without spaces: hashtags, handles, ``PS5``, ``and/or``."""
        words: list[str] = []
        for piece in _PIECES.findall(re.sub(r"[_]", " ", text)):
            if piece[0].isdigit():
                words += say.number(piece.rstrip(".,")) if say.FIGURES.fullmatch(piece.rstrip(".,")) else say.digits(piece)
            elif piece == "/":
                continue
            elif piece in tables.SYMBOLS:
                words.append(tables.SYMBOLS[piece])
            elif piece.isalpha() or "'" in piece:
                words += self._letters_or_word(piece)
        return words


def _signed(sign: str) -> list[str]:
    return {"+": ["plus"], "-": ["minus"], "~": ["about"], "<": ["less", "than"], ">": ["more", "than"]}.get(sign, [])


def _whole_year(low: str, high: str) -> str:
    """``2019-20`` ends in 2020."""
    return low[:2] + high if say.looks_like_year(low) and len(high) == 2 and int(high) > int(low[2:]) else high


def _roman(numeral: str) -> int:
    values = [{"I": 1, "V": 5, "X": 10}[letter] for letter in numeral]
    return sum(-value if value < max(values[position:]) else value for position, value in enumerate(values))
