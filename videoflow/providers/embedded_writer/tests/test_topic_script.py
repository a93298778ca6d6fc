"""Conversations about notes: every statement is a sentence of the notes."""

import re

import pytest

from videoflow.errors import BadInput
from videoflow.providers.base import TopicBrief
from videoflow.providers.embedded_writer import EmbeddedWriter
from videoflow.providers.embedded_writer.composer import seconds_of
from videoflow.providers.embedded_writer.notes import notes_read
from videoflow.providers.embedded_writer.tests.factories import HOSTS, repetitions, share_of_a, turns_of, unfounded

REEF = """
Coral reefs cover less than 1 percent of the ocean floor, yet about a quarter of all known marine species depend on them at
some point in their lives. A reef is built by tiny animals called polyps. Each polyp takes calcium from the seawater and lays
down a skeleton of limestone beneath itself. Over thousands of years, these skeletons pile up into structures that can be
seen from space.

Most reef-building corals live in partnership with algae. The algae live inside the coral's tissue and turn sunlight into
sugar. In return, the coral gives the algae shelter and nutrients. This partnership supplies up to 90 percent of the coral's
energy. It also gives corals their colours, because the animal's own tissue is nearly transparent.

When the water gets too warm, the partnership breaks down. The coral expels its algae and turns white, which is called
bleaching. A bleached coral is not dead, but it is starving. If the water cools within a few weeks, the algae can return. If
it stays warm, the coral dies and seaweed takes over the skeleton.

The Great Barrier Reef in Australia is the largest reef system on Earth. It stretches over 2,300 kilometres and contains
almost 3,000 individual reefs. It has suffered mass bleaching in 1998, 2002, 2016, 2017, 2020, 2022 and 2024. Scientists have
found that reefs in the cooler south have recovered faster than those in the north.

Reefs also protect coastlines. A healthy reef can absorb 97 percent of a wave's energy before it reaches the shore. Without
that protection, storms flood villages that were once safe. Around 500 million people depend on reefs for food, income or
coastal protection.

Restoration projects try to help. Divers grow fragments of coral on underwater ropes and plant them on damaged reefs. In
Florida, more than 30,000 corals have been planted since 2007. Some teams select corals that survived past heatwaves and
breed them. However, planting costs a lot of money and cannot keep up with the pace of warming.
"""
write = EmbeddedWriter().write_topic


def brief(notes=REEF, topic="How coral reefs survive", **changes):
    return TopicBrief(topic, notes, hosts=HOSTS, **changes)


class TestWriteTopic:
    def test_ok_for_twenty_seeds(self):
        scripts = set()
        for seed in range(20):
            talk = write(brief(seed=seed))
            assert repetitions(talk, ["Maya", "Theo", "How coral reefs survive"]) == []
            assert unfounded(talk, ["Maya", "Theo"]) == []
            assert 0.38 <= share_of_a(talk, required_only=True) <= 0.62
            assert seconds_of([turn for exchange in talk.exchanges for turn in exchange.turns]) >= 180
            assert 3 <= len({exchange.section for exchange in talk.exchanges}) - 2 <= 6
            scripts.add("\n".join(turns_of(talk)))
        assert len(scripts) == 20

    def test_sentences_are_said_in_the_users_words_and_linked(self):
        talk = write(brief(seed=1))
        evidence = {entry.key: entry.text for entry in talk.evidence}
        linked = [turn for exchange in talk.exchanges for turn in exchange.turns if turn.sources]
        assert len(linked) >= 12
        flat = re.sub(r"\s+", " ", REEF)
        for turn in linked:
            for key in turn.sources:
                body = evidence[key].rstrip(".")
                assert body[1:] in flat
                said_of_it = [word for word in body.split() if len(word) > 4 and word in turn.text]
                assert body[1:] in turn.text or said_of_it

    def test_every_section_is_told_from_its_beginning(self):
        notes = {note.index: note for note in notes_read(REEF)}
        for seed in range(6):
            talk = write(brief(seed=seed))
            teased = talk.exchanges[0].turns[0].sources
            told: dict[str, list[int]] = {}
            for exchange in talk.exchanges[1:]:
                for turn in exchange.turns:
                    told.setdefault(exchange.section, []).extend(int(key.split(":")[1]) - 1 for key in turn.sources)
            for indexes in (sorted(set(each)) for each in told.values() if each):
                missed = [index for index in range(indexes[0], indexes[-1]) if index not in indexes]
                assert [index for index in missed if f"notes:{index + 1}" not in teased and index in notes] == []

    def test_begins_with_a_striking_sentence_that_is_not_said_again(self):
        for seed in range(6):
            talk = write(brief(seed=seed))
            (key,) = talk.exchanges[0].turns[0].sources
            evidence = next(entry.text for entry in talk.evidence if entry.key == key)
            assert evidence.rstrip(".") in talk.exchanges[0].turns[0].text
            assert [turn for exchange in talk.exchanges[1:] for turn in exchange.turns if key in turn.sources] == []

    @pytest.mark.parametrize("minutes", [1, 2])
    def test_plenty_of_notes_is_enough_for_a_short_video(self, minutes):
        talk = write(brief(seed=3, minimum_seconds=60.0 * minutes))
        assert seconds_of([turn for exchange in talk.exchanges for turn in exchange.turns]) >= 60 * minutes

    def test_sentences_keep_their_order_inside_a_section(self):
        talk = write(brief(seed=2))
        order = [
            int(key.split(":")[1]) for exchange in talk.exchanges[3:-2] for turn in exchange.turns for key in turn.sources[:1]
        ]
        assert order == sorted(order)

    def test_the_users_headings_are_the_chapters(self):
        parts = [part.strip() for part in REEF.strip().split("\n\n")]
        notes = "\n\n".join(
            f"## Part {name}\n\n{part}"
            for name, part in zip(("Life", "Algae", "Heat", "Giant", "Shelter", "Help"), parts, strict=True)
        )
        sections = list(dict.fromkeys(exchange.section for exchange in write(brief(notes)).exchanges))
        assert sections[1:-1] == ["Part Life", "Part Algae", "Part Heat", "Part Giant", "Part Shelter", "Part Help"]


class TestRefusals:
    def test_a_bare_topic(self):
        with pytest.raises(BadInput, match="only a topic so far"):
            write(brief(""))

    def test_a_few_words_are_counted_against_what_is_needed(self):
        with pytest.raises(BadInput, match="your notes have 3 of the roughly 250 words that 3 minutes need"):
            write(brief("forests, bees, rain"))

    def test_too_little_says_how_far_it_reaches_and_what_to_add(self):
        with pytest.raises(BadInput, match=r"These notes carry about .+; 3 minutes need roughly \d+ more words"):
            write(brief(REEF.split("\n\n")[0]))

    def test_only_emoji(self):
        with pytest.raises(BadInput, match="no words"):
            write(brief(topic="🐠🐠🐠"))

    def test_another_script(self):
        with pytest.raises(BadInput, match="another script"):
            write(brief("Коралловые рифы занимают менее одного процента дна океана. " * 20))

    def test_another_language(self):
        with pytest.raises(BadInput, match="writes English only"):
            write(brief(language="fr"))


class TestNotes:
    def test_marks_links_and_bullets_are_not_sentences(self):
        notes = notes_read(
            "# Title\r\n\r\n- **Corals** grow [slowly](https://x.example/a) in the sea[1].\r\n- See https://y.example "
            "for more on them.\r\n---\r\n"
        )
        assert [note.text for note in notes] == ["Corals grow slowly in the sea.", "See for more on them."]
        assert notes[0].heading == "Title"

    def test_abbreviations_and_decimals_do_not_end_sentences(self):
        assert len(notes_read("Dr. Smith measured 3.5 metres at St. Ives. Then he went home again.")) == 2

    def test_a_long_sentence_is_split_at_a_clause(self):
        notes = notes_read(
            "The harbour was built by the old merchants of the northern town over many long and stormy years; it served "
            "the whole coast, and "
            "nobody has ever written down how much stone was brought here by boat."
        )
        assert len(notes) >= 2
        assert all(len(note.text.split()) <= 26 for note in notes)
