from videoflow.providers.embedded_speech.phonemes import Phonemizer

_PHONEMIZER = Phonemizer()


def breaths(text):
    return _PHONEMIZER.breaths(_PHONEMIZER.tokens(text, ()))


def test_every_spoken_word_has_its_phonemes():
    (breath,) = breaths("The NBA got 45% of it.")
    assert [breath.phonemes[span.start : span.end] for span in breath.spans][:2] == ["ði", "ˌɛnbˌiˈA"]
    assert [span.token for span in breath.spans] == [0, 1, 2, 3, 3, 3, 4, 5]
    assert breath.phonemes.endswith(".")


def test_a_very_long_sentence_is_cut_into_breaths_without_losing_a_word():
    text = "and then " * 120 + "it ended"
    cut = breaths(text)
    assert len(cut) > 3
    assert max(len(breath.phonemes) for breath in cut) < 200
    assert [span.token for breath in cut for span in breath.spans] == list(range(len(text.split())))


def test_a_one_word_sentence_is_spoken_with_its_neighbour():
    assert len(breaths("Right. Nobody expected that from a trailer.")) == 1


def test_nothing_pronounceable_is_no_breath():
    assert breaths("방탄소년단 😂") == []
