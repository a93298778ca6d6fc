"""Where spoken text may be broken: after sentences and clauses, not inside phrases, names and numbers."""

from collections.abc import Sequence
from dataclasses import dataclass

_SENTENCE_ENDS = ".!?…。！？؟।॥"
_CLAUSE_ENDS = ",;:—–、，；：،؛"
PHRASE_ENDS = _SENTENCE_ENDS + _CLAUSE_ENDS
_CLOSERS = "\"'”’»)]」』）】"
_OPENERS = "\"'“‘«„([{¿¡"
# fmt: off
_LEADING = frozenset((
    "and", "but", "or", "so", "because", "that", "which", "who", "whose", "when", "where", "while", "if",
    "although", "though", "unless", "until", "than", "then", "as", "to", "of", "in", "on", "at", "for", "with",
    "from", "by", "about", "into", "over", "under", "after", "before", "between", "through", "without", "against",
    "during", "like",
    "und", "oder", "aber", "weil", "dass", "mit", "von", "et", "ou", "mais", "parce", "qui", "avec", "dans", "pero", "porque",
    "cuando", "con", "mas", "quando", "и", "но", "что", "который", "когда", "και", "αλλά", "που", "लेकिन", "और", "क्योंकि",
))
"""Words that a line or caption may well begin with."""
_CLINGING = frozenset((
    "a", "an", "the", "this", "that", "these", "those", "my", "your", "his", "her", "its", "our", "their", "and",
    "but", "or", "because", "so", "of", "in", "on", "at", "for", "with", "to", "from", "by", "as", "than", "is",
    "are", "was", "were", "be", "been", "not", "no", "very", "more", "most", "i", "you", "we", "they", "he", "she",
    "it", "who", "which", "when", "if", "into", "about", "over", "every", "each", "some",
    # German
    "der", "die", "das", "den", "dem", "des", "ein", "eine", "einen", "einem", "einer", "und", "oder", "aber", "mit",
    "von", "zu", "im", "am", "für", "auf", "ist", "sind", "nicht",
    # French
    "le", "la", "les", "un", "une", "du", "de", "et", "ou", "à", "au", "aux", "en", "dans", "pour", "par", "sur", "est",
    "ne", "je", "tu", "il", "elle", "nous", "vous",
    # Spanish, Portuguese, Italian
    "el", "los", "las", "una", "y", "o", "del", "al", "con", "por", "para", "que", "es", "se", "su", "os", "um", "uma", "e", "do",
    "da", "dos", "das", "em", "com", "lo", "gli", "di", "che", "è", "per", "non",
    # Russian, Greek, Arabic
    "и", "в", "на", "с", "к", "о", "у", "не", "что", "из", "от", "до", "по", "за", "для", "но", "а",
    "ο", "η", "το", "οι", "τα", "του", "της", "των", "και", "να", "με", "σε", "από", "για",
    "في", "من", "على", "إلى", "عن", "أن", "لا", "ما",
))
"""Words that should not stand last on a line: they belong to what follows."""
_CONTRACTED = ("'ll", "’ll", "'ve", "’ve", "'re", "’re", "n't", "n’t")
_ABBREVIATIONS = frozenset((
    "mr.", "mrs.", "ms.", "dr.", "prof.", "st.", "vs.", "e.g.", "i.e.", "approx.", "sr.", "sra.", "mt.", "fig.", "nr.", "ca.",
    "z.b.", "mme.", "gen.", "sen.", "rep.", "gov.",
))
_MULTIPLES = frozenset((
    "hundred", "thousand", "million", "millions", "billion", "billions", "trillion", "percent", "%", "prozent", "millionen",
    "milliarden", "mille", "millones", "milhões", "тысяч", "миллионов",
))
_COUNTS = frozenset((
    "two", "three", "four", "five", "six",
    "seven", "eight", "nine", "ten", "eleven", "twelve", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty",
    "ninety",
))
# fmt: on
"""Numbers in letters, which stay with what they count as figures do."""


@dataclass(frozen=True, slots=True)
class Word:
    text: str
    start: float
    end: float
    joined: bool = False
    """True when no space stands before it: a further piece of the same token (Chinese, Japanese, or a word wider than a line)."""


def _plain(text: str) -> str:
    return text.lower().strip(_OPENERS)


def _ends_sentence(words: Sequence[Word], after: int) -> bool:
    """Say whether a sentence ends with this word: “Dr.”, “J.” and “U.S.” before another word do not end one."""
    text = words[after].text.rstrip(_CLOSERS)
    if not text or text[-1] not in _SENTENCE_ENDS:
        return False
    if text[-1] != "." or after == len(words) - 1:
        return True
    plain = _plain(text)
    following = words[after + 1].text.lstrip(_OPENERS)
    if plain in _ABBREVIATIONS or (len(plain) == 2 and plain[0].isalpha()) or (plain == "no." and following[:1].isdigit()):
        return False
    return not ("." in plain[:-1] and plain.replace(".", "").isalpha() and following[:1].islower())


def break_cost(words: Sequence[Word], after: int) -> float:
    """Say how badly a break after this word reads: 0 after a sentence, about 2 in a phrase, 6 where a word is torn off."""
    if after == len(words) - 1 or _ends_sentence(words, after):
        return 0.0
    word, following = words[after].text, words[after + 1].text
    ending = word.rstrip(_CLOSERS)[-1:]
    if ending and ending in _CLAUSE_ENDS:
        return 0.5
    cost = 1.3 if _plain(following) in _LEADING else 2.4
    if _plain(word) in _CLINGING or _plain(word).endswith(_CONTRACTED):
        cost += 4.0
    if word[-1:].isdigit() or _plain(word) in _COUNTS or word[:1] in "$€£¥₹" or _plain(word) in _MULTIPLES:
        cost += 3.5  # "15 / days" and "million / views" read badly
    if _plain(following).rstrip(".,!?") in _MULTIPLES:
        cost += 3.0  # "4.2 / million"
    if word[-1:] == "." or (word[:1].isupper() and following[:1].isupper() and after):
        cost += 0.9  # "Dr. / Smith", "New / York"
    if words[after + 1].joined:
        cost += 0.6
    pause = words[after + 1].start - words[after].end
    return max(0.2, cost - min(1.5, 4.0 * max(0.0, pause - 0.08)))
