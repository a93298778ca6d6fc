"""Frames and the ledger."""

from videoflow.providers.embedded_writer.frames import Ledger, frame_of, opening_of, skeletons_match


class TestFrameOf:
    def test_ok(self):
        left = frame_of("“Smile” by Juice WRLD went from 1.2 million to 3 million views on August 12.", ["Juice WRLD"])
        right = frame_of("“WAP” by Cardi B went from 44 million to 76.8 million views on August 15.", ["Cardi B"])
        assert left == right
        assert "million" not in left

    def test_counts_in_words_and_possessives_go(self):
        assert frame_of("Mia's eight videos", ["Mia"]) == frame_of("Ben's two videos", ["Ben"])

    def test_other_words_stay(self):
        assert frame_of("Who is in front?") != frame_of("Who is behind it?")


class TestSkeletons:
    def test_a_changed_word_is_still_the_same_sentence(self):
        assert skeletons_match(
            "and how much of it is really just the top video", "and how much of it is mostly just the top video"
        )

    def test_different_sentences(self):
        assert not skeletons_match("where did everybody stop to argue about it", "the cooler end then has a few likes")


class TestLedger:
    def test_a_frame_comes_once(self):
        ledger = Ledger(["Ana"])
        ledger.add(["Ana has 12 videos here."])
        assert not ledger.accepts(["Ana has 15 videos here."])
        assert ledger.accepts(["Nothing like that was said before."])

    def test_a_frame_twice_in_one_exchange(self):
        assert not Ledger([]).accepts(["That makes 12 of them.", "That makes 30 of them."])

    def test_an_opening_comes_twice_at_most(self):
        ledger = Ledger([])
        ledger.add(["In the end it rained on us.", "In the end nobody came to the shop."])
        assert not ledger.accepts(["In the end I like figures most of all."])

    def test_length(self):
        assert not Ledger([]).accepts(["Too short."])
        assert not Ledger([]).accepts([" ".join(f"word{number}" for number in range(36))])


def test_opening_of():
    assert opening_of("“Wow,” she said. Right?") == ("wow", "she", "said")
