"""Write a theme's name as a person would: the right phrase, the right capitals, at most five words."""

import re
import unicodedata
from collections.abc import Sequence

from videoflow.providers.embedded_trends.lexicon import generic_words, padding_words, stop_words, written_names
from videoflow.providers.embedded_trends.phrases import PhraseIndex
from videoflow.providers.embedded_trends.titles import is_caseless, is_shouted, links_dropped, phrase_key, word_key, work_split

LABEL_WORDS_MAX = 5
_SHORTENED_CHARACTERS = 60
_SMALL = {
    "a",
    "an",
    "the",
    "and",
    "or",
    "of",
    "in",
    "on",
    "at",
    "to",
    "for",
    "with",
    "from",
    "by",
    "vs",
    "de",
    "la",
    "el",
    "y",
    "du",
    "von",
    "und",
}
_BOILERPLATE = re.compile(
    r"[(\[【][^)\]】]*\b(?:official|video|audio|lyrics?|visuali[sz]er|m/?v|hd|4k|oficial|clip|full|wshh)\b[^)\]】]*[)\]】]|"
    r"\s*[|•]\s*(?:official\b[^|]*|full episode[^|]*|trailer[^|]*|teaser[^|]*)(?=$|\|)|\bm/v\b|#\w+",
    re.IGNORECASE,
)
_EMOJI = re.compile(r"[\U0001f000-\U0001faff\u2600-\u27bf\u2190-\u21ff\u2b00-\u2bff\ufe0f\u200d\U000e0020-\U000e007f]+")


def label_of(key: str, index: PhraseIndex) -> str:
    """Return a phrase as it is best written: real capitals from calm titles and descriptions before tags in lower case."""
    written = index.surfaces.get(key)
    if not written:
        return _styled(key)
    names = written_names()

    def worth(surface: str) -> float:
        shouted = surface.isupper() and len(surface) > 4 and word_key(surface) not in names
        return written[surface] * (0.2 if shouted else 0.5 if surface.islower() else 1.0)

    best = max(written, key=lambda surface: (worth(surface), surface))
    words = re.sub(r"['’]s$", "", best).split()
    name = _is_name_phrase(key, index)
    styled = []
    for word in words:
        common = not name and word_key(word) not in names and _is_common(word, index)
        styled.append(word.lower() if common else word[:1].upper() + word[1:] if word.lower() not in _SMALL else word)
    article = "The " if _has_article(key, index) and words[0].lower() != "the" else ""
    return article + _styled(" ".join(styled), keep_lower=True)


def _has_article(key: str, index: PhraseIndex) -> bool:
    """Tell a name with its article ("The Weeknd") by calm titles and descriptions that never leave it away."""
    bare = sum(index.running_phrases_count[key].values())
    return bare > 1 and index.running_phrases_count[f"the {key}"]["The"] > 0.6 * bare


def _is_common(word: str, index: PhraseIndex) -> bool:
    """Tell a word that running text writes small."""
    written = index.running[word_key(word)]
    lower = sum(count for surface, count in written.items() if surface.islower())
    return lower > 0 and lower >= sum(written.values()) - lower


def _is_name_phrase(key: str, index: PhraseIndex) -> bool:
    """Tell a name of several words ("Black Is King") by running text that always capitalises it."""
    found = index.running_phrases.get(key, set())
    return bool(found) and all(all(word[:1].isupper() or word in _SMALL for word in surface.split()) for surface in found)


def _styled(surface: str, *, keep_lower: bool = False) -> str:
    names = written_names()
    words = []
    for place, word in enumerate(surface.split()):
        bare = re.sub(r"['’]s$", "", word)
        suffix = word[len(bare) :]
        known = names.get(word_key(bare))
        if known:
            words.append(_number_kept(bare, known) + suffix)
        elif word == "&":
            words.append("&")
        elif is_caseless(word) or (any(character.isupper() for character in word[1:]) and not word.isupper()):
            words.append(word)
        elif word.lower() in _SMALL and place:
            words.append(word.lower())
        elif word.isupper() and (
            any(character.isdigit() for character in word) or (len(word) <= 3 and word.lower() not in generic_words())
        ):
            words.append(word)
        else:
            words.append(word.lower() if keep_lower and word.islower() else word[:1].upper() + word[1:].lower())
    label = " ".join(words)
    return label[:1].upper() + label[1:] if not words or words[0] not in names.values() else label


def _number_kept(word: str, known: str) -> str:
    """Keep a plural that the key has lost: "iPhones"."""
    return f"{known}s" if word.lower().endswith("s") and not known.lower().endswith("s") and len(word) > len(known) else known


def label_refined(key: str, index: PhraseIndex, members: Sequence[int]) -> str:
    """Return the longer phrase around ``key`` that most members speak of ("Beirut" -> "Beirut explosion"), else the key
    itself.
    """
    words = set(key.split())
    scores: dict[str, float] = {}
    views = sum(index.documents[position].video.views for position in members) or 1
    for position in members:
        document = index.documents[position]
        for phrase in document.title_phrases | document.tags:
            parts = phrase.split()
            if (
                not words < set(parts)
                or len(parts) > 4
                or phrase in scores
                or parts[0] in stop_words()
                or parts[-1] in stop_words()
            ):
                continue
            extra = set(parts) - words
            if (
                extra & padding_words()
                or any(part.isdigit() and len(part) == 4 for part in extra)
                or not _runs_together(phrase, index, members)
            ):
                continue
            spoken = sum(set(parts) <= index.documents[other].title_and_tags for other in members) / len(members)
            titled = sum(1 for other in members if phrase in index.documents[other].title_phrases)
            tagged = sum(1 for other in members if phrase in index.documents[other].tags)
            watched = sum(
                index.documents[other].video.views for other in members if phrase in index.documents[other].title_phrases
            )
            whole = sum(index.documents[other].channel in phrase.replace(" ", "") for other in members) < len(members)
            everywhere = (
                titled > 1 or (titled and len(members) > 3) or (len(parts) == 2 and tagged > 1 and _is_surname(key, phrase))
            )
            if spoken >= 0.8 - 0.2 * _is_surname(key, phrase) and titled + tagged > 1 and everywhere and whole:
                scores[phrase] = (
                    min(spoken, 0.8) + 0.15 * len(parts) + 0.1 * min(titled, 4) + 0.05 * min(tagged, 6) + 0.4 * watched / views
                )
    if not scores:
        return key
    return max(sorted(scores), key=lambda phrase: scores[phrase])


def _is_surname(key: str, phrase: str) -> bool:
    """Tell "Donald Trump" around "Trump": only a first name is added."""
    return " " not in key and phrase.split()[-1] == key and phrase.split()[0] not in generic_words() and len(phrase.split()) == 2


def _runs_together(phrase: str, index: PhraseIndex, members: Sequence[int]) -> bool:
    return (
        len(
            [
                position
                for position in members
                if phrase in index.documents[position].title_phrases or phrase in index.documents[position].tags
            ]
        )
        > 1
    )


def work_label(title: str, key: str) -> str | None:
    """Return "Cardi B's WAP" for a title "Cardi B - WAP feat. …" when the theme is the work."""
    parts = work_split(title)
    if not parts:
        return None
    artist, work = parts
    if key != phrase_key(work) or len(artist.split()) + len(work.split()) > LABEL_WORDS_MAX + 1:
        return None
    artist = label_plain(artist)
    return f"{artist}{chr(39) if artist.endswith('s') else chr(39) + 's'} {label_plain(work)}"


def label_plain(text: str) -> str:
    """Return a piece of a title with its capitals calmed."""
    return _styled(text) if text.isupper() else text


def title_shortened(title: str) -> str:
    """Return a title fit for a label: no emoji, hashtags and "(Official Video)", calm capitals, at most 60 characters at a
    word's end.
    """
    text = _EMOJI.sub(" ", links_dropped(unicodedata.normalize("NFKC", title)))
    text = " ".join(_BOILERPLATE.sub(" ", text).split()).strip(" -–—|•:,") or " ".join(title.split())
    if is_shouted(text):
        text = _sentence(text)
    if len(text) <= _SHORTENED_CHARACTERS:
        return text
    for mark in (" | ", " - ", " – ", " — ", ": "):
        head = text.split(mark)[0].strip()
        if 12 <= len(head) <= _SHORTENED_CHARACTERS:
            return head
    cut = (
        text[: _SHORTENED_CHARACTERS - 1].rsplit(" ", 1)[0]
        if " " in text[:_SHORTENED_CHARACTERS]
        else text[: _SHORTENED_CHARACTERS - 1]
    )
    return cut.rstrip(" ,.-–—|:&") + "…"


def _sentence(shouted: str) -> str:
    """Return a shouted title in sentence case; known names keep their spelling."""
    words = [written_names().get(word_key(word), word.lower()) for word in shouted.split()]
    text = " ".join(words)
    return text[:1].upper() + text[1:]


def label_search(term: str, headlines: Sequence[str]) -> str:
    """Return a search term ("kamala harris") with the capitals that the headlines give it."""
    for headline in headlines:
        if not is_shouted(headline) and (match := re.search(re.escape(term), headline, re.IGNORECASE)):
            found = match.group(0)
            return found[:1].upper() + found[1:]
    return _styled(term)
