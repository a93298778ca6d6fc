"""Other words come from the same place of another draft, and rest on the same evidence."""

from videoflow.providers.base import Conversation
from videoflow.providers.embedded_writer import EmbeddedWriter
from videoflow.providers.embedded_writer.rewrite import WrittenLine, lines_reword
from videoflow.providers.embedded_writer.tests.factories import brief_make

LABELS = ("Cardi B's WAP", "Minecraft", "NBA bubble games")
write = EmbeddedWriter().write_themes


def lines_of(draft: Conversation) -> list[WrittenLine]:
    return [
        WrittenLine(turn.speaker, turn.text, exchange.section, frozenset(turn.sources), turn.cue.kind if turn.cue else "")
        for exchange in draft.exchanges
        for turn in exchange.turns
    ]


class TestLinesReword:
    def test_ok(self):
        lines = lines_of(write(brief_make(*LABELS, seed=1)))
        found = lines_reword(lines, range(len(lines)), (write(brief_make(*LABELS, seed=seed)) for seed in range(2, 8)))
        assert len(found) > len(lines) / 2
        texts = [words.text for words in found.values()]
        assert len(set(texts)) == len(texts) and not set(texts) & {line.text for line in lines}
        for index, words in found.items():
            assert {entry.key for entry in words.evidence} == lines[index].sources

    def test_only_what_is_wanted_and_not_what_is_known(self):
        lines = lines_of(write(brief_make(*LABELS, seed=1)))
        index = next(index for index, line in enumerate(lines) if line.sources == {"theme:10:1"})
        first = lines_reword(lines, [index], [write(brief_make(*LABELS, seed=2)), write(brief_make(*LABELS, seed=3))])
        assert list(first) == [index]
        again = lines_reword(
            lines, [index], (write(brief_make(*LABELS, seed=seed)) for seed in range(2, 8)), known=[first[index].text]
        )
        assert again[index].text != first[index].text

    def test_drafts_are_taken_only_while_they_are_needed(self):
        lines = lines_of(write(brief_make(*LABELS, seed=1)))
        taken = []

        def drafts():
            for seed in range(2, 12):
                taken.append(seed)
                yield write(brief_make(*LABELS, seed=seed))

        index = next(index for index, line in enumerate(lines) if line.sources == {"theme:10:1"})
        lines_reword(lines, [index], drafts())
        assert len(taken) < 10
