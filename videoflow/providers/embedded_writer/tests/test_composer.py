"""Questions as they stand in what a creator wrote."""

import pytest

from videoflow.providers.embedded_writer.composer import question_of


@pytest.mark.parametrize(
    ("text", "question"),
    [
        ("I know. Is it 3.5 litres?", "Is it 3.5 litres?"),
        ("My site is https://example.com/path?x=1&y=2.", ""),
        ("Really?! I mean, who? Nobody.", "I mean, who?"),
        ("He said “Why? Because.” Right?", "He said “Why? Because.” Right?"),
    ],
)
def test_question_is_a_whole_sentence(text: str, question: str) -> None:
    assert question_of(text) == question
