"""Spoken words to the phonemes of the voices, in breaths short enough for the models."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from hibari.g2p import G2P

from videoflow.providers.embedded_speech.speech_text import SpokenToken, read_aloud

_SENTENCE_MARKS = ".!?…"
_MARKS = _SENTENCE_MARKS + ",;:"
_SPELLED = re.compile(r"^[A-Za-z](?:\.[A-Za-z])+$")
_LONGEST_BREATH = 170
"""Phonemes; about 11 s. The models take 400 to 510, but memory and time per second of audio grow with the length."""
_SHORTEST_BREATH = 24
"""A shorter sentence is spoken together with its neighbour: the models are unsure of themselves on one or two words."""


@dataclass(frozen=True, slots=True)
class WordSpan:
    """Where one spoken word stands in the phonemes of its breath; ``token`` is the index of the token it is said for."""

    token: int
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Breath:
    """What a model speaks in one go, and the mark it ends in (it decides on the pause that follows)."""

    phonemes: str
    spans: tuple[WordSpan, ...]
    mark: str


@dataclass(frozen=True, slots=True)
class _Word:
    token: int
    phonemes: str
    mark: str

    def __len__(self) -> int:
        return len(self.phonemes) + len(self.mark) + 1


class Phonemizer:
    """The English lexicon and spelling-to-sound rules, loaded once (0.3 s, 60 MB)."""

    def __init__(self) -> None:
        self._g2p = G2P()

    def is_word(self, word: str) -> bool:
        lexicon = self._g2p.lexicon
        return word in lexicon.golds or word in lexicon.silvers

    def tokens(self, text: str, pronunciations: Sequence[tuple[str, str]]) -> tuple[SpokenToken, ...]:
        return read_aloud(text, pronunciations=pronunciations, is_word=self.is_word)

    def breaths(self, tokens: Sequence[SpokenToken]) -> list[Breath]:
        """The tokens' words in speaking order; empty when nothing in them can be pronounced."""
        said = [(index, word) for index, token in enumerate(tokens) for word in token.words]
        sentences: list[list[tuple[int, str]]] = [[]]
        for index, word in said:
            sentences[-1].append((index, word))
            if word[-1] in _SENTENCE_MARKS:
                sentences.append([])
        breaths: list[list[_Word]] = []
        for sentence in sentences:
            words = self._pronounced(sentence) if sentence else []
            if words:
                breaths += _split_long(words)
        if breaths and breaths[-1][-1].mark not in tuple(_SENTENCE_MARKS):
            breaths[-1][-1] = replace(breaths[-1][-1], mark=".")
        return [_breath(words) for words in _join_short(breaths)]

    def _pronounced(self, sentence: Sequence[tuple[int, str]]) -> list[_Word]:
        text = " ".join(word for _, word in sentence)
        chunks, chunk = [], ""
        for piece in self._g2p.phonemize_tokens(self._g2p.tokenize(text)):
            chunk += piece.phonemes or ""
            if piece.whitespace:
                chunks.append(chunk)
                chunk = ""
        chunks.append(chunk)
        if len(chunks) != len(sentence):  # a rule of the tokenizer crossed a space: take the words one at a time
            chunks = [self._g2p(word, normalize_text=False) for _, word in sentence]
        words = []
        for (index, word), phonemes in zip(sentence, chunks, strict=True):
            spoken = phonemes.strip().rstrip(_MARKS)
            if spoken:
                words.append(_Word(index, spoken, word[-1] if word[-1] in _MARKS else ""))
        return words


def _split_long(words: list[_Word]) -> list[list[_Word]]:
    """Cut a long sentence at the comma nearest to its middle, else between two words."""
    lengths = [len(word) for word in words]
    total = sum(lengths)
    if total <= _LONGEST_BREATH or len(words) < 2:
        return [words]
    best, best_cost = 1, float("inf")
    position = 0
    for index, (word, _) in enumerate(pairwise(words), start=1):
        position += len(word)
        cost = abs(position - total / 2) + (0 if word.mark else total / 3)
        if cost < best_cost:
            best, best_cost = index, cost
    return _split_long(words[:best]) + _split_long(words[best:])


def _join_short(breaths: list[list[_Word]]) -> list[list[_Word]]:
    joined: list[list[_Word]] = []
    for words in breaths:
        length = sum(len(word) for word in words)
        before = sum(len(word) for word in joined[-1]) if joined else 0
        if joined and min(length, before) < _SHORTEST_BREATH and length + before <= _LONGEST_BREATH:
            joined[-1] = joined[-1] + words
        else:
            joined.append(words)
    return joined


def _breath(words: Sequence[_Word]) -> Breath:
    phonemes, spans = "", []
    for word in words:
        if phonemes:
            phonemes += " "
        spans.append(WordSpan(word.token, len(phonemes), len(phonemes) + len(word.phonemes)))
        phonemes += word.phonemes + word.mark
    last = words[-1].mark
    if not last or last in ",;:":
        phonemes = phonemes.rstrip(",;:") + (last or ",")
    return Breath(phonemes, tuple(spans), last)
