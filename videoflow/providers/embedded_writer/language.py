"""Tell which language a text is in, as far as it takes to say that no voice speaks it."""

import re
import unicodedata
from collections import Counter
from dataclasses import dataclass

_LEAST_LETTERS = 6
_LEAST_HITS = 4
_FOREIGN_SHARE = 0.5  # of the letters; names and quotations in another script leave a text English
_WORD = re.compile(r"[^\W\d_]+")
_SCRIPTS = {
    "CYRILLIC": ("ru", "Russian or another language in Cyrillic"),
    "GREEK": ("el", "Greek"),
    "ARABIC": ("ar", "Arabic"),
    "HEBREW": ("he", "Hebrew"),
    "DEVANAGARI": ("hi", "Hindi"),
    "BENGALI": ("bn", "Bengali"),
    "TAMIL": ("ta", "Tamil"),
    "TELUGU": ("te", "Telugu"),
    "THAI": ("th", "Thai"),
    "HANGUL": ("ko", "Korean"),
    "HIRAGANA": ("ja", "Japanese"),
    "KATAKANA": ("ja", "Japanese"),
    "CJK": ("zh", "Chinese"),
}
_ENGLISH = "the and of to is that it you for with this are was have not but they from what there we all can will one so about do"
_STOP_WORDS = {
    ("de", "German"): "der und das ist nicht ein eine zu den mit auf sich auch dem es im ich sie wir wie wird aber aus bei einen",
    ("fr", "French"): "le les des est une pas que qui dans pour sur avec ce il elle nous vous au du mais ont sont cette plus je",
    ("es", "Spanish"): "el los las una que por con para está esto pero como más del muy hay ser también porque son cuando yo y",
    ("pt", "Portuguese"): "o os uma não que com para por mais mas como foi ele ela são está isso também muito quando você da em",
    ("it", "Italian"): "il lo gli una che non per con sono della questo anche più ma come è di nel alla perché molto ha io",
    ("nl", "Dutch"): "het een van niet dat zijn met voor op ook maar bij naar wij jij deze wordt heeft nog aan uit dan",
    ("pl", "Polish"): "nie się jest na że do jak ale tak co przez dla są był może już bardzo tego tym który i z w",
    ("sv", "Swedish"): "och att det som är en inte jag på med för av till den har ett men om så vi från de",
    ("tr", "Turkish"): "bir ve bu için çok ile ne daha gibi var ama olarak olan ben sen mi değil kadar sonra o da",
    ("id", "Indonesian"): "yang dan di itu dengan untuk tidak ini dari dalam akan pada juga saya ke karena ada mereka kita bisa",
}
_WORDS = {language: frozenset(words.split()) for language, words in _STOP_WORDS.items()}
_ENGLISH_WORDS = frozenset(_ENGLISH.split())


@dataclass(frozen=True, slots=True)
class Language:
    code: str
    """ISO 639-1."""
    name: str
    """In English."""


def foreign_language(text: str) -> Language | None:
    """Return the language of a text that clearly is not English; None when it is, or when too little speaks against it."""
    letters = [sign for sign in text if sign.isalpha()]
    if len(letters) < _LEAST_LETTERS:
        return None
    scripts = Counter(unicodedata.name(sign, "").partition(" ")[0] for sign in letters)
    foreign = Counter({script: count for script, count in scripts.items() if script in _SCRIPTS})
    if foreign.total() > _FOREIGN_SHARE * len(letters):
        japanese = foreign["HIRAGANA"] + foreign["KATAKANA"] > 0.1 * foreign.total()
        return Language(*_SCRIPTS["HIRAGANA" if japanese else foreign.most_common(1)[0][0]])
    words = [word.lower() for word in _WORD.findall(text)]
    english = sum(word in _ENGLISH_WORDS for word in words)
    language, hits = max(((language, sum(word in own for word in words)) for language, own in _WORDS.items()), key=lambda x: x[1])
    return Language(*language) if hits >= _LEAST_HITS and hits > 2 * english else None
