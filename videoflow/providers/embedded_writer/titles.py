"""Titles and channel names made fit for speech: recognisable, without shouting, links, handles or orders to the listener."""

import html
import re
import unicodedata

from videoflow.providers.embedded_writer.lexicon import words_read

_LINK = re.compile(
    r"(?:https?://|www\.)\S+|\b[\w-]+(?:\s?\.\s?[\w-]+)*\.(?:com|net|org|io|gg|ly|tv|me|co|app|xyz|info|biz|link|to|be|"
    r"dev|ai|ru|uk|de|fr|shop|"
    r"store|online|site)\b(?:/\S*)?",
    re.IGNORECASE,
)
_HANDLE = re.compile(r"(?<!\w)@[\w.]+")
_HASHTAG = re.compile(r"(?<!\w)#[^\W\d]\w*")
_PHONE = re.compile(r"\+?\d[\d\s().-]{8,}\d")
_ORDER = re.compile(
    r"\b(?:(?:please\s+)?(?:ignore|disregard|forget|override)\s+(?:all\s+|any\s+|the\s+|your\s+|my\s+)*(?:previous|prior|"
    r"above|earlier|"
    r"preceding|other)?\s*(?:instructions?|prompts?|rules?|directions?|messages?)|system\s+prompts?|"
    r"(?:like\s+and\s+)?subscribe(?:\s+(?:now|to\s+\S+))?|smash\s+(?:that|the)\s+like(?:\s+button)?|click\s+(?:here|"
    r"the\s+link|below)|"
    r"link\s+in\s+(?:the\s+)?(?:bio|description)|follow\s+(?:me|us)(?:\s+(?:on|at)\s+\w+)?|sign\s+up\s+(?:now|at|here)|"
    r"use\s+code\s+\w+|(?:visit|go\s+to|check\s+out|head\s+to|dm|text|call|see|at|on|via)\s*(?=\x00)|and\s+(?=\x00))",
    re.IGNORECASE,
)
_BOILERPLATE = re.compile(
    r"\b(?:official|exclusive|music video|lyric(?:s)? video|animated video|lyrics?|video|audio|visuali[sz]er|teaser|4k|"
    r"hd|uhd|full episode|"
    r"premiere|live stream|remastered|vevo|mv|m/v|clip officiel|video oficial|letra|explicit|subtitles?|eng sub|vlog series)\b",
    re.IGNORECASE,
)
_BRACKETS = re.compile(r"[(\[{【「]([^()\[\]{}【】「」]*)[)\]}】」]")
_BRACKETS_FLAT = re.compile(r"[(\[{].*$")
_SEPARATOR = re.compile(r"\s*(?:\||//|｜|•|::|»|\s[–—]\s|\s-\s|\s~\s)\s*")
_FEATURING = re.compile(r"\b(?:ft|feat|featuring|prod|shot by)\b\.?\s.*$", re.IGNORECASE)
_ACRONYMS = words_read("acronyms")
_SMALL_WORDS = words_read("small")
_DANGLING = words_read("dangling")
_WORD = re.compile(r"[^\W_]+(?:['’.&-][^\W_]+)*", re.UNICODE)
_MAX_WORDS, _WHOLE_WORDS = 10, 12
_JOINTS = frozenset(
    ("&", "and", "with", "starring", "after", "as", "while", "because", "when", "from", "at", "for", "than", "during", "before")
)


def _speakable_share(text: str) -> float:
    """The share of letters that an English voice can read (Latin script)."""
    letters = [sign for sign in text if sign.isalpha()]
    if not letters:
        return 0.0
    latin = sum(1 for sign in letters if "LATIN" in unicodedata.name(sign, ""))
    return latin / len(letters)


def _plain(text: str) -> str:
    text = html.unescape(unicodedata.normalize("NFKC", text))
    text = "".join(
        sign if sign in "’‘“”–—|•»" or unicodedata.category(sign)[0] in "LNPZ" or sign in "+$&=<>^~`" else " " for sign in text
    )
    text = "".join(sign if not unicodedata.category(sign).startswith(("So", "Sk", "Cf", "Cc", "Mn")) else "" for sign in text)
    text = text.replace("’", "'").replace("‘", "'").replace("`", "'")
    return re.sub(r"[“”\"*<>^~_=\\]", " ", text)


def strip_lures(text: str) -> str:
    """Take out links, handles, hashtags, telephone numbers and orders to the listener."""
    for pattern in (_LINK, _HANDLE, _PHONE):
        text = pattern.sub(" \x00 ", text)
    previous = None
    while previous != text:
        previous = text
        text = _ORDER.sub(" \x00 ", re.sub(r"\s+", " ", text))
        text = re.sub(r"\x00(?:\s*\x00)+", "\x00", text)
    text = _HASHTAG.sub(" ", text).replace("\x00", " ")
    return re.sub(r"\s+", " ", text).strip()


def settle_case(text: str) -> str:
    """Lower the voice of shouted words; acronyms and short names keep their capitals."""
    words = _WORD.findall(text)
    loud = [word for word in words if len(word) > 1 and word.isupper()]
    shouting = len(loud) >= 2 and len(loud) / max(1, len([word for word in words if len(word) > 1])) > 0.6
    first = True

    def lower(match: re.Match[str]) -> str:
        nonlocal first
        word, is_first, first = match.group(0), first, False
        if not (word.isupper() and any(sign.isalpha() for sign in word)):
            return word
        bare = word.replace("'S", "").replace(".", "")
        if bare in _ACRONYMS:
            return word.replace("'S", "'s")
        if len(word) == 1:
            return word if word == "I" or is_first or not shouting else word.lower() if word == "A" else word
        if any(sign.isdigit() for sign in word):
            return word
        if word.lower() in _SMALL_WORDS:
            return word.capitalize() if is_first else word.lower()
        if len(word) <= 4 and not re.search(r"[AEIOUY]", word):
            return word
        if not shouting and len(word) <= 3:
            return word if word.lower() not in _COMMON_SHORT else word.capitalize() if is_first else word.lower()
        return (
            re.sub(r"(?<![^\W_])([^\W_])", lambda found: found.group(1).upper(), word.lower())
            .replace("'S", "'s")
            .replace("'T", "'t")
        )

    settled = _WORD.sub(lower, text)
    return re.sub(r"'(S|T|Re|Ll|Ve|M|D)\b", lambda found: found.group(0).lower(), settled)


_COMMON_SHORT = words_read("short")


def _cut(text: str) -> str:
    """At most ten words, or twelve when that is all of it; cut where a clause ends rather than in the middle of one."""
    words = text.split()
    if len(words) <= _WHOLE_WORDS:
        return text
    for sign in (". ", "! ", "? ", ": ", "; ", ", "):
        head = text.split(sign)[0]
        if 3 <= len(head.split()) <= _MAX_WORDS:
            return head
    joints = [number for number, word in enumerate(words[: _MAX_WORDS + 1]) if number >= 4 and word.lower() in _JOINTS]
    kept = words[: joints[-1]] if joints else words[:_MAX_WORDS]
    while len(kept) > 3 and kept[-1].lower().strip(".,:;") in _DANGLING:
        kept.pop()
    return " ".join(kept)


def _tidy(text: str) -> str:
    text = re.sub(r"([!?.,])\1+", r"\1", text)
    text = re.sub(r"!+", "", text)
    text = re.sub(r"\s+([,.;:?])", r"\1", text)
    text = re.sub(r"[()\[\]{}|#@]", " ", text)
    text = re.sub(r"\s+", " ", text)
    return text.strip(" -–—|:;,./•&'+")


def clean_channel(channel: str) -> str:
    """A channel's name as one would say it; empty when an English voice cannot read it."""
    text = strip_lures(_plain(_BRACKETS.sub(" ", channel)))
    text = re.sub(r"(?<=[a-z0-9])(?:VEVO|Vevo)$|\s+-\s+Topic$|\bVEVO$|(?<=\w)VEVO$", "", text)
    text = _SEPARATOR.split(text)[0] if _SEPARATOR.search(text) else text
    if " " not in text and re.search(r"[a-z][A-Z]", text) and len(text) > 8 and "Mc" not in text and "Mr" not in text:
        text = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", text)
    text = _tidy(settle_case(text))
    if text.isupper() and len(text) > 4:
        text = text.title()
    return " ".join(text.split()[:5]) if _speakable_share(text) >= 0.8 else ""


def _readable(text: str) -> str:
    """Leave out words in scripts that an English voice cannot read, when most of the text is not made of them."""
    if _speakable_share(text) < 0.5:
        return text
    return " ".join(word for word in text.split() if _speakable_share(word) >= 0.5 or not any(sign.isalpha() for sign in word))


def _unbracketed(text: str) -> str:
    """Leave out what stands in brackets, but for a few words that say more than the hardly anything around them."""
    is_short = len(_WORD.findall(_BRACKETS_FLAT.sub(" ", text))) < 3

    def shown(match: re.Match[str]) -> str:
        inside = match.group(1)
        is_kept = (
            is_short
            and any(sign.isalpha() for sign in inside)
            and not inside.isupper()
            and not _BOILERPLATE.search(inside)
            and not _FEATURING.search(inside)
            and len(inside.split()) <= 4
        )
        return f" {inside} " if is_kept else " "

    return _BRACKETS.sub(shown, text)


def _says_something(part: str, spoken_channel: str) -> bool:
    """Whether a part of a title can be said and is neither boilerplate nor the channel's name (in lower case)."""
    rest = _BOILERPLATE.sub(" ", part)
    is_channel = bool(spoken_channel) and part.lower().replace(" ", "") == spoken_channel.replace(" ", "")
    has_words = bool(_WORD.search(rest)) and any(sign.isalpha() for sign in rest)
    return has_words and not is_channel and _speakable_share(part) >= 0.8


def clean_title(title: str, channel: str = "", *, is_long: bool = False) -> str:
    """A title as one would say it: at most twelve words, no boilerplate; empty when nothing speakable is left.

    ``is_long`` takes in what stands behind a bar or a dash, to tell apart two videos of one series.
    """
    text = re.sub(r"\.{2,}|…", ", ", strip_lures(_plain(title)))
    parts = [_tidy(part) for part in _SEPARATOR.split(_unbracketed(text))]
    spoken_channel = clean_channel(channel).lower() if channel else ""
    kept = [part for part in parts if _says_something(part, spoken_channel)]
    if not kept:
        kept = [part for part in parts if part and _speakable_share(part) >= 0.5][:1]
    if len(kept) > 1 and spoken_channel and spoken_channel in kept[0].lower():
        rest = kept[0].lower().replace(spoken_channel, "", 1).strip()
        if re.match(r"(?:$|[,&]|x\s|and\s|with\s)", rest) or re.search(r"(?:[,&]|\sx|\sand)$", rest):
            kept = kept[1:]
    text = " ".join(kept[0].split()) if kept else ""
    for part in kept[1:]:
        if len(text.split()) >= (8 if is_long else 3):
            break
        text = f"{text}, {part}"
    text = _FEATURING.sub("", text)
    stripped = re.sub(
        r"\b(?:official|exclusive)?\s*(?:music video|lyric video|animated video|official video|official audio)\b",
        "",
        text,
        flags=re.I,
    )
    text = _tidy(stripped) or _tidy(text)
    before = text
    text = _readable(re.sub(r"\bM/?V\b", " ", text))
    if text != before:
        words = text.split()
        while len(words) > 1 and words[-1].lower() in _DANGLING:
            words.pop()
        text = " ".join(words)
    text = _tidy(_cut(settle_case(text)))
    return text[:1].upper() + text[1:] if _speakable_share(text) >= 0.8 and len(text) > 1 else ""
