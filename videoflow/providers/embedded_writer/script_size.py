"""How much a script holds, and whether that is a script at all."""

import re

from videoflow.errors import BadInput
from videoflow.providers.embedded_writer.figures import say_clock
from videoflow.sentences import Sentence

MOST_WORDS = 6_000
"""About 40 minutes of speech."""
MOST_SIGNS = 400_000
"""No script of 6,000 words is longer, subtitle times included."""
WORDS_PER_MINUTE = 150
CJK = re.compile("[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff]")


def unreadable_refuse(text: str) -> None:
    """Refuse what holds no script.

    Raises:
        BadInput: it is empty, not text, or far too long.
    """
    if not text.strip():
        raise BadInput("The script is empty. Paste lines such as “Ana: Hello” and “Ben: Hi”, with two names in all.")
    odd = sum(1 for sign in text if sign == "\ufffd" or (ord(sign) < 32 and sign not in "\t\n\r\f\v\x1c\x1d\x1e\x1f"))
    if len(text) > MOST_SIGNS:
        raise BadInput(
            Sentence(
                "This script has %(text)s characters, far more than %(limit)s words (about 40 minutes). "
                "Split it into several videos.",
                text=f"{len(text):,}",
                limit=f"{MOST_WORDS:,}",
            ),
            details={"characters": len(text), "limit": MOST_SIGNS},
        )
    if "\x00" in text or odd > max(3, len(text) // 50):
        raise BadInput("This is not a text file. Save the script as plain text, Markdown, SRT or VTT and give that.")
    if sum(1 for sign in text if sign.isalpha()) < 2:
        raise BadInput("The script has no words, only signs or emoji. Write what the two speakers say.")


def word_count(text: str) -> int:
    """Words as heard; two signs of Chinese, Japanese or Korean count as one word."""
    signs = len(CJK.findall(text))
    return len(CJK.sub(" ", text).split()) + signs // 2


def too_long_refuse(text: str) -> None:
    """Refuse a script of more words than a video can have.

    Raises:
        BadInput: with how long it is.
    """
    count = word_count("\n".join(line for line in text.split("\n") if "-->" not in line and not line.strip().isdigit()))
    if count > MOST_WORDS:
        raise BadInput(
            Sentence(
                "This script has about %(count)s words, which is roughly %(length)s of speech. The limit is "
                "%(limit)s words, about 40 minutes: split it into several videos.",
                count=f"{round(count, -2):,}",
                length=say_clock(round(count / WORDS_PER_MINUTE) * 60),
                limit=f"{MOST_WORDS:,}",
            ),
            details={"words": count, "limit": MOST_WORDS},
        )
