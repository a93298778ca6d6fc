"""Finished scripts in the forms that people keep them in."""

import pytest

from videoflow.errors import BadInput
from videoflow.providers.embedded_writer import script_read
from videoflow.providers.embedded_writer.tests.factories import HOSTS

HELLO = [("A", "Hello there."), ("B", "Hi. How are you?"), ("A", "Good.")]
FORMS = {
    "letters": ("A: Hello there.\nB: Hi. How are you?\nA: Good.", ("Maya", "Theo")),
    "speakers": ("\ufeffSpeaker 1: Hello there.\r\nSpeaker 2: Hi. How are you?\r\n---\r\nSpeaker 1: Good.", ("Maya", "Theo")),
    "roles": ("Host: Hello there.\nGuest: Hi.\nHow are you?\nHost: Good.", ("Host", "Guest")),
    "bold": ("**Ana:** Hello *there*.\n\n**Ben:** Hi. How are **you**?\n\n**Ana**: Good.", ("Ana", "Ben")),
    "brackets": ("[Ana] Hello there.\n[Ben] [laughs] Hi. How are you?\n[00:12] [Ana] Good.", ("Ana", "Ben")),
    "bullets": ("- Ana: Hello there.\n- Ben: Hi. How are you?\n* Ana: Good.", ("Ana", "Ben")),
    "own lines": ("Ana\nHello there.\n\nBen\nHi. How are you?\n\nAna\nGood.", ("Ana", "Ben")),
    "screenplay": (
        "INT. STUDIO - DAY\n\n          ANA\n     (smiling)\nHello there.\n\nBen enters.\n\n          BEN (V.O.)\nHi. "
        "How are you?\n\n"
        "          ANA (CONT'D)\nGood.\n\nCUT TO:\n",
        ("Ana", "Ben"),
    ),
    "capitals and asides": ("ANA (quietly): Hello there. (laughs)\nBEN: Hi. (pause) How are you?\nANA: Good. "
                            "*sighs*", ("Ana", "Ben")),
    "times": ("00:01 Ana: Hello there.\n00:05 Ben: Hi. How are you?\n[00:00:09] Ana: Good.", ("Ana", "Ben")),
    "srt": (
        "1\n00:00:01,000 --> 00:00:02,000\nAna: Hello\nthere.\n\n2\n00:00:02,000 --> 00:00:03,000\nBen: "
        "Hi.\n\n3\n00:00:03,000 --> "
        "00:00:04,000\nHow are you?\n\n4\n00:00:05,000 --> 00:00:06,000\nAna: Good.",
        ("Ana", "Ben"),
    ),
    "srt with dashes": (
        "1\n00:00:01,000 --> 00:00:02,000\n- Hello there.\n- Hi.\n\n2\n00:00:02,000 --> 00:00:03,000\nHow are you?\n\n3\n"
        "00:00:03,000 --> 00:00:04,000\n- Good.",
        ("Maya", "Theo"),
    ),
    "vtt": (
        "WEBVTT\n\nNOTE made by hand\n\n00:01.000 --> 00:02.000 align:start\n<v Ana>Hello <i>there</i>.\n\n00:02.000 "
        "--> 00:03.000\n"
        "<v.loud Ben>Hi. How are you?</v>\n\n00:03.000 --> 00:04.000\n<v Ana>Good.",
        ("Ana", "Ben"),
    ),
}  # fmt: skip


class TestForms:
    @pytest.mark.parametrize("form", FORMS)
    def test_ok(self, form):
        text, names = FORMS[form]
        read = script_read(text, hosts=HOSTS)
        spoken = [(turn.speaker, turn.text) for exchange in read.conversation.exchanges for turn in exchange.turns]
        assert spoken == HELLO
        assert tuple(host.name for host in read.hosts) == names
        assert read.conversation.fixed

    def test_speaker_2_may_begin(self):
        read = script_read("Speaker 2: I begin.\nSpeaker 1: You do.", hosts=HOSTS)
        assert [turn.speaker for turn in read.conversation.exchanges[0].turns] == ["B", "A"]

    def test_entities_quotes_and_colons_in_speech(self):
        read = script_read(
            "Ana: It’s 10:30 &amp; late.\nBen: Note: see https://a.example/x now (about 3 km).\nAna: Ok then.", hosts=HOSTS
        )
        texts = [turn.text for turn in read.conversation.exchanges[0].turns]
        assert texts[:2] == ["It's 10:30 & late.", "Note: see https://a.example/x now (about 3 km)."]

    @pytest.mark.parametrize(
        ("text", "names", "first"),
        [
            ("آنا: مرحبا بكم جميعا\nعمر: أهلا وسهلا", ("آنا", "عمر"), "مرحبا بكم جميعا"),
            ("小明：你好，今天聊珊瑚礁。\n小红：好的！(笑)开始吧。", ("小明", "小红"), "你好，今天聊珊瑚礁。"),
        ],
    )
    def test_other_scripts(self, text, names, first):
        read = script_read(text, hosts=HOSTS)
        assert tuple(host.name for host in read.hosts) == names
        assert read.conversation.exchanges[0].turns[0].text == first
        assert "笑" not in read.conversation.exchanges[0].turns[1].text

    def test_headings_are_sections_and_the_first_is_the_title(self):
        text = "# My show\n\n## Start\nAna: Hello there.\nBen: Hi you.\n## End\nAna: Bye now.\nBen: Bye bye."
        talk = script_read(text, hosts=HOSTS).conversation
        assert talk.title == "My show"
        assert [exchange.section for exchange in talk.exchanges] == ["Start", "End"]
        assert talk.exchanges[1].turns[0].cue.kind == "chapter"

    def test_a_long_script_without_headings_gets_chapters(self):
        lines = [
            f"{'Ana' if n % 2 else 'Ben'}: The harbour number {n} keeps boats of many kinds, and the boats keep the harbour."
            for n in range(40)
        ]
        talk = script_read("\n".join(lines), hosts=HOSTS).conversation
        assert len({exchange.section for exchange in talk.exchanges}) >= 3

    @pytest.mark.parametrize(
        ("text", "title"),
        [
            ("Ana: Hi there! Today we look at tiny forests, and at bees.\nBen: Good.", "Today we look at tiny forests"),
            ("Ana: Welcome back, Ben. So, what is a coral reef?\nBen: A city.", "What is a coral reef"),
            ("Ana: 3.5 million people came.\nBen: Yes.", "3.5 million people came"),
            ("Ana: Hello there.\nBen: Hi you.", "Hello there"),
        ],
    )
    def test_the_first_clause_that_says_something_is_the_title(self, text, title):
        assert script_read(text, hosts=HOSTS).conversation.title == title

    def test_directions_are_left_out_and_said_so(self):
        text = "Ana: [laughs] A set is {1, 2, 3}, and {we all} know it.\nBen (dryly): Yes. [music] Go on {pause} now."
        read = script_read(text, hosts=HOSTS)
        said = [turn.text for turn in read.conversation.exchanges[0].turns]
        assert said == ["A set is 1, 2, 3, and we all know it.", "Yes. Go on now."]
        [warning] = read.warnings
        assert warning == (
            "3 notes in brackets are taken for stage directions and are not spoken: “[laughs]”, “[music]”, “{pause}”."
        )
        assert script_read("Ana: Hi you. [waves]\nBen: Hello [00:12].", hosts=HOSTS).warnings == (
            "“[waves]” is taken for a stage direction and is not spoken.",
        )

    def test_lines_of_nobody_are_left_out_and_said_so(self):
        read = script_read("This is a preface.\nAna: Hello.\nBen: Hi.", hosts=HOSTS)
        assert read.warnings == ("1 line without a speaker will not be spoken.",)


class TestRefusals:
    @pytest.mark.parametrize(
        ("text", "sentence"),
        [
            ("  \n", "The script is empty"),
            ("Ana: hi\nAna: hello again", r"Only one speaker was found: Ana, with 2 lines\. Add a second"),
            ("Ana: hi\nBen: x y\nCy: z\nAna: again", r"3 speakers were found: Ana \(2 lines\), Ben \(1 line\), Cy \(1 line\)"),
            ("Just a text. It has nobody who speaks.", "No speakers were found"),
            ("😀😀😀 🎉", "only signs or emoji"),
            ("\x89PNG\x00\x01\x02", "not a text file"),
            ("Ana: " + "word " * 10_000 + "\nBen: " + "word " * 10_000, r"about 20,000 words.*limit is 6,000 words"),
            ("x" * 1_000_000, "1,000,000 characters"),
            ("Ana: 😀😀\nBen: 🔥🔥", "nothing to say in this script"),
            ("Ana: Hello.\nBen: (laughs)", "Only one speaker was found: Ana"),
        ],
    )  # fmt: skip
    def test_says_what_to_change(self, text, sentence):
        with pytest.raises(BadInput, match=sentence):
            script_read(text, hosts=HOSTS)
