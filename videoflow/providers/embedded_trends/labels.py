"""Write a theme's name as a person would: the right phrase, the right capitals, at most five words."""

import re
import unicodedata
from collections.abc import Iterable, Sequence

from videoflow.providers.embedded_trends.lexicon import generic_words, stop_words, written_names
from videoflow.providers.embedded_trends.phrases import PhraseIndex
from videoflow.providers.embedded_trends.titles import is_caseless, is_shouted, phrase_key, segments, word_key

LABEL_WORDS_MAX = 5
_SHORTENED_CHARACTERS = 60
_SMALL = {"a", "an", "the", "and", "or", "of", "in", "on", "at", "to", "for", "with", "from", "by", "vs", "de", "la", "el", "y", "du", "von", "und"}
_WORK = re.compile(r"^\s*(?P<artist>[^-–—|(\[]{2,40}?)\s+[-–—]\s+[\"“‘']?(?P<work>[^-–—|(\[\"”]{2,40}?)[\"”’']?\s*(?:$|[(\[|]|\bfeat\b|\bft\b)", re.IGNORECASE)
_BOILERPLATE = re.compile(
    r"[(\[【][^)\]】]*\b(?:official|video|audio|lyrics?|visuali[sz]er|m/?v|hd|4k|oficial|clip|full|wshh)\b[^)\]】]*[)\]】]|"
    r"\s*[|•]\s*(?:official\b[^|]*|full episode[^|]*|trailer[^|]*|teaser[^|]*)(?=$|\|)|\bm/v\b|#\w+",
    re.IGNORECASE,
)
_EMOJI = re.compile(r"[\U0001f000-\U0001faff\u2600-\u27bf\u2190-\u21ff\u2b00-\u2bff\ufe0f\u200d\U000e0020-\U000e007f]+")


def label_of(key: str, index: PhraseIndex, members: Iterable[int]) -> str:
    """Return a phrase as it is best written among the members: real capitals from a calm title before tags in lower case."""
    written = index.surfaces.get(key)
    if not written:
        return _styled(key)
    names = written_names()
    calm: dict[str, float] = {}
    for surface, count in written.items():
        shouted = surface.isupper() and len(surface) > 4 and word_key(surface) not in names
        calm[surface] = count * (0.2 if shouted else 0.5 if surface.islower() else 1.0)
    best = max(calm, key=lambda surface: (calm[surface], surface))
    if not re.search(r"['’]s$", best):
        return _styled(best, proper=_is_proper(key, index, members))
    return _styled(re.sub(r"['’]s$", "", best), proper=_is_proper(key, index, members))


def _is_proper(key: str, index: PhraseIndex, members: Iterable[int]) -> bool:
    """Tell a name ("Kylie Jenner") from a common phrase ("egg fried rice") by how running text writes it."""
    upper = lower = 0
    for surface, count in index.surfaces.get(key, {}).items():
        words = [word for word in surface.split() if word.lower() not in _SMALL]
        upper += count * all(word[:1].isupper() or word[:1].isdigit() for word in words)
        lower += count * all(word.islower() for word in words)
    del members
    return upper >= lower * 0.6


def _styled(surface: str, *, proper: bool = True) -> str:
    names = written_names()
    words = []
    for place, word in enumerate(surface.split()):
        bare = re.sub(r"['’]s$", "", word)
        suffix = word[len(bare) :]
        known = names.get(word_key(bare))
        if known and (proper or known.upper() == known or known != known.capitalize()):
            words.append(_number_kept(bare, known) + suffix)
        elif word == "&":
            words.append("&")
        elif is_caseless(word) or (any(character.isupper() for character in word[1:]) and not word.isupper()):
            words.append(word)
        elif word.lower() in _SMALL and place:
            words.append(word.lower())
        elif word.isupper() and (any(character.isdigit() for character in word) or (len(word) <= 3 and word.lower() not in generic_words())):
            words.append(word)
        elif proper or word[:1].isupper() and not word.isupper():
            words.append(word[:1].upper() + word[1:].lower())
        else:
            words.append(word.lower())
    label = " ".join(words)
    return label[:1].upper() + label[1:] if not words or words[0] not in names.values() else label


def _number_kept(word: str, known: str) -> str:
    """Keep a plural that the key has lost: "iPhones"."""
    return f"{known}s" if word.lower().endswith("s") and not known.lower().endswith("s") and len(word) > len(known) else known


def label_refined(key: str, index: PhraseIndex, members: Sequence[int]) -> str:
    """Return the longer phrase around ``key`` that most members speak of ("Beirut" -> "Beirut explosion"), else the key itself."""
    words = set(key.split())
    scores: dict[str, float] = {}
    for position in members:
        document = index.documents[position]
        for phrase in document.title_phrases | document.tags:
            parts = phrase.split()
            if not words < set(parts) or len(parts) > 4 or phrase in scores or parts[0] in stop_words() or parts[-1] in stop_words():
                continue
            extra = set(parts) - words
            if extra & _NO_EXTENSION or any(part.isdigit() and len(part) == 4 for part in extra) or not _runs_together(phrase, index, members):
                continue
            spoken = sum(set(parts) <= index.documents[other].words for other in members) / len(members)
            titled = sum(1 for other in members if phrase in index.documents[other].title_phrases)
            tagged = sum(1 for other in members if phrase in index.documents[other].tags)
            whole = sum(index.documents[other].channel in phrase.replace(" ", "") for other in members) < len(members)
            if spoken >= 0.6 and titled + tagged >= 2 and titled and whole:
                scores[phrase] = spoken + 0.15 * len(parts) + 0.1 * min(titled, 4)
    if not scores:
        return key
    return max(sorted(scores), key=lambda phrase: scores[phrase])


_NO_EXTENSION = {
    word_key(word)
    for word in "video official music lyric lyrics audio trailer teaser new news update full episode live reaction reacts react song album youtube channel tiktok review funny "
    "interview highlights clip clips makeup gameplay game tour vlog merch fan fans mom boyfriend girlfriend net worth age tutorial show movie cover remix spotify vevo".split()
}


def _runs_together(phrase: str, index: PhraseIndex, members: Sequence[int]) -> bool:
    return len([position for position in members if phrase in index.documents[position].title_phrases or phrase in index.documents[position].tags]) > 1


def work_label(title: str, key: str) -> str | None:
    """Return "Cardi B’s WAP" for a title "Cardi B - WAP feat. …" whose theme is its artist or its work."""
    match = _WORK.match(title)
    if not match:
        return None
    artist, work = match["artist"].strip(), match["work"].strip()
    if key not in (phrase_key(artist), phrase_key(work)) or len(artist.split()) + len(work.split()) > LABEL_WORDS_MAX + 1:
        return None
    artist = label_plain(artist)
    return f"{artist}{chr(39) if artist.endswith('s') else chr(39) + 's'} {label_plain(work)}"


def label_plain(text: str) -> str:
    """Return a piece of a title with its capitals calmed."""
    return _styled(text) if text.isupper() else text


def title_shortened(title: str) -> str:
    """Return a title fit for a label: no emoji, hashtags and "(Official Video)", calm capitals, at most 60 characters at a word's end."""
    text = _EMOJI.sub(" ", unicodedata.normalize("NFKC", title))
    text = " ".join(_BOILERPLATE.sub(" ", text).split()).strip(" -–—|•:,") or " ".join(title.split())
    if is_shouted(text):
        text = _styled(text, proper=False) if len(text.split()) > 3 else _styled(text)
    if len(text) <= _SHORTENED_CHARACTERS:
        return text
    for mark in (" | ", " - ", " – ", " — ", ": "):
        head = text.split(mark)[0].strip()
        if 12 <= len(head) <= _SHORTENED_CHARACTERS:
            return head
    cut = text[: _SHORTENED_CHARACTERS - 1].rsplit(" ", 1)[0] if " " in text[:_SHORTENED_CHARACTERS] else text[: _SHORTENED_CHARACTERS - 1]
    return cut.rstrip(" ,.-–—|:&") + "…"


def first_words(title: str) -> list[str]:
    return [word.key for segment in segments(title) for word in segment]


def label_search(term: str, headlines: Sequence[str]) -> str:
    """Return a search term ("kamala harris") with the capitals that the headlines give it."""
    for headline in headlines:
        if not is_shouted(headline) and (match := re.search(re.escape(term), headline, re.IGNORECASE)):
            found = match.group(0)
            return found[:1].upper() + found[1:]
    return _styled(term)
