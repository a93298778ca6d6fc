import json
from typing import Any

import pytest

from videoflow.errors import BadInput, VideoflowError
from videoflow.providers.base import Conversation, Host, ThemesBrief, TopicBrief
from videoflow.providers.embedded_writer import notes_evidence
from videoflow.providers.embedded_writer.tests.factories import ANALYSIS, brief_make
from videoflow.providers.net import ServiceBroken
from videoflow.providers.paid import CallRefused, PaidCall
from videoflow.providers.registry import provider_make
from videoflow.providers.tests.fake_service import FAULTS, FakeService, Told
from videoflow.providers.writing import ModelWriter, RewordBrief, ScriptLine
from videoflow.providers.writing.asking import AnswerCut, AnswerUnusable, ModelRefused
from videoflow.providers.writing.tests.fake_models import KEY, FakeModels, Notes, Prompt, script_answer

HOSTS = (Host("A", "Maya", "curious"), Host("B", "Theo", "figures"))
TOPIC = TopicBrief(
    "Tiny forests",
    "Tiny forests are planted densely. They grow ten times faster, said Miyawaki in 1987. Japan has 3,000 of them.",
    hosts=HOSTS,
)


def themes() -> ThemesBrief:
    return brief_make(ANALYSIS.themes[0].label)


def make(models: FakeModels, **facts: Any) -> ModelWriter:
    return provider_make("writer", models.service, models.access(**facts))


def turns_of(conversation: Conversation) -> list[Any]:
    return [turn for exchange in conversation.exchanges for turn in exchange.turns]


@pytest.mark.parametrize("service", ["openai", "ollama", "deepseek", "anthropic", "gemini"])
class TestDialects:
    def test_ok(self, service: str) -> None:
        with FakeService() as fake:
            models = FakeModels(fake, service)
            conversation = make(models).write_themes(themes())
        assert len(conversation.exchanges) == 12
        assert {turn.speaker for turn in turns_of(conversation)} == {"A", "B"}
        told = {entry.key: entry for entry in conversation.evidence}
        assert any(turn.sources for turn in turns_of(conversation))
        assert all(key in told for turn in turns_of(conversation) for key in turn.sources)
        assert conversation.exchanges[0].turns[0].cue.kind == "title"
        assert {"bars", "figure", "comparison", "chapter", "outro"} & {turn.cue.kind for turn in turns_of(conversation)}
        assert models.prompts[0].mode == "schema"

    def test_steps_down_and_remembers(self, service: str) -> None:
        notes = Notes()
        with FakeService() as fake:
            models = FakeModels(fake, service, modes=("text",))
            make(models, notes=notes).write_topic(TOPIC)
            asked = len(fake.requests)
            make(models, notes=notes).write_topic(TOPIC)
        assert asked == (2 if service == "anthropic" else 3)
        assert len(fake.requests) == asked + 1
        assert list(notes.facts.values()) == ["text"]
        assert "JSON Schema" in models.prompts[0].system

    def test_every_fault_ends_in_the_right_error(self, service: str) -> None:
        quick = [fault for fault in FAULTS if fault not in {"slow", "drip", "huge", "bomb"}]  # the client's own tests have those
        for fault in quick:
            with FakeService() as fake:
                models = FakeModels(fake, service)
                fake.fault(fault)
                with pytest.raises(VideoflowError) as caught:
                    make(models).write_topic(TOPIC)
                assert KEY not in f"{caught.value!r} {caught.value.details}"
                assert isinstance(caught.value, CallRefused) is (fault in {"429-seconds", "429-date", "redirect"}), fault
                assert len(fake.requests) == 1, fault

    def test_cut_off(self, service: str) -> None:
        finish = {"anthropic": "max_tokens", "gemini": "MAX_TOKENS"}.get(service, "length")
        with FakeService() as fake, pytest.raises(AnswerCut) as caught:
            make(FakeModels(fake, service, finish=finish)).write_topic(TOPIC)
        assert not caught.value.retryable

    def test_refused(self, service: str) -> None:
        finish = {"anthropic": "refusal", "gemini": "SAFETY"}.get(service, "refusal")
        with FakeService() as fake, pytest.raises(ModelRefused):
            make(FakeModels(fake, service, finish=finish)).write_topic(TOPIC)


class TestErrors:
    def test_no_credit_is_not_tried_again(self) -> None:
        body = {"error": {"message": "You exceeded your quota.", "type": "insufficient_quota", "code": "insufficient_quota"}}
        with FakeService() as fake, pytest.raises(CallRefused) as caught:
            make(FakeModels(fake, told=Told(body, 429))).write_topic(TOPIC)
        assert not caught.value.retryable
        assert len(fake.requests) == 1

    def test_says_how_to_get_a_model_for_ollama(self) -> None:
        body = {"error": {"message": 'model "model-of-the-day" not found, try pulling it first', "type": "not_found_error"}}
        with FakeService() as fake, pytest.raises(CallRefused, match="ollama pull model-of-the-day"):
            make(FakeModels(fake, "ollama", told=Told(body, 404))).write_topic(TOPIC)

    def test_says_that_the_material_is_too_long(self) -> None:
        body = {"error": {"message": "Too many tokens.", "type": "invalid_request_error", "code": "context_length_exceeded"}}
        with FakeService() as fake, pytest.raises(CallRefused, match="Shorten the notes"):
            make(FakeModels(fake, told=Told(body, 400))).write_topic(TOPIC)

    def test_an_error_inside_a_good_answer_is_its_own_status(self) -> None:
        body = {"error": {"code": 429, "message": "Provider is overloaded."}}
        with FakeService() as fake, pytest.raises(CallRefused) as caught:
            make(FakeModels(fake, "openrouter", told=Told(body))).write_topic(TOPIC)
        assert caught.value.retryable

    def test_an_empty_message_is_no_answer(self) -> None:
        with FakeService() as fake, pytest.raises(ServiceBroken):
            make(FakeModels(fake, write=lambda prompt: "")).write_topic(TOPIC)


class TestRepair:
    def test_words_around_the_object_are_no_matter(self) -> None:
        with FakeService() as fake:
            models = FakeModels(fake, write=lambda prompt: f"Sure! {{}} ```json\n{json.dumps(script_answer(prompt))}\n``` Enjoy.")
            assert make(models).write_topic(TOPIC).exchanges
        assert len(models.prompts) == 1

    def test_one_turn_to_mend_the_shape(self) -> None:
        with FakeService() as fake:
            models = FakeModels(fake, write=lambda prompt: script_answer(prompt) if prompt.is_repair else {"title": "No"})
            paid: list[PaidCall] = []
            assert make(models, paid=paid).write_topic(TOPIC).exchanges
        assert [call.purpose for call in paid] == ["script", "script, mended"]
        assert "exchanges: Field required" in models.prompts[1].turns[-1][1]

    def test_twice_wrong_is_an_error(self) -> None:
        with FakeService() as fake, pytest.raises(AnswerUnusable, match="twice"):
            make(FakeModels(fake, write=lambda prompt: "I would rather talk about the weather.")).write_topic(TOPIC)

    def test_the_same_wish_is_the_same_request(self) -> None:
        with FakeService() as fake:
            models = FakeModels(fake)
            paid: list[PaidCall] = []
            for seed in (1, 1, 2):
                brief = TopicBrief(TOPIC.topic, TOPIC.notes, hosts=HOSTS, seed=seed)
                make(models, paid=paid).write_topic(brief)
        assert paid[0].request_hash == paid[1].request_hash != paid[2].request_hash
        assert paid[0].key_life is None and (paid[0].units or 0) > 4

    def test_what_costs_nothing_may_be_asked_again(self) -> None:
        with FakeService() as fake:
            paid: list[PaidCall] = []
            make(FakeModels(fake, "ollama"), paid=paid).write_topic(TOPIC)
        assert paid[0].key_life


class TestFacts:
    def lying(self, prompt: Prompt, text: str, sources: list[str]) -> Any:
        answer = script_answer(prompt)
        answer["exchanges"][5]["turns"][1] |= {"text": text, "sources": sources}
        return answer

    @pytest.mark.parametrize(
        ("text", "sources", "fault"),
        [
            ("There are 4,000 of them in Japan.", ["e3"], "4,000"),
            ("There are 3,000 of them in Japan.", ["e1"], "3,000"),
            ("He said so in 1988.", ["e2"], "1988"),
            ("It grows by 40 percent.", ["e2"], "40 percent"),
            ("Forty million trees stand there.", ["e2"], "Forty million"),
            ("They are lovely.", ["e77"], "e77"),
            ("He said: “these forests will save every single city”.", ["e2"], "quoted"),
        ],
    )
    def test_a_claim_without_a_source_is_left_out(self, text: str, sources: list[str], fault: str) -> None:
        with FakeService() as fake:
            models = FakeModels(fake, write=lambda prompt: self.lying(prompt, text, sources))
            conversation = make(models).write_topic(TOPIC)
        assert fault in models.prompts[1].turns[-1][1]
        assert len(conversation.exchanges) == 11
        assert all(turn.text != text for turn in turns_of(conversation))
        assert any("left out" in warning for warning in conversation.warnings)

    @pytest.mark.parametrize(
        ("text", "sources"),
        [
            ("Japan has about three thousand of them.", ["e3"]),
            ("They grow ten times faster, he said in 1987.", ["e2"]),
            ("Two hosts, three reasons, twelve months.", []),
        ],
    )
    def test_rounding_and_ways_of_speaking_pass(self, text: str, sources: list[str]) -> None:
        with FakeService() as fake:
            models = FakeModels(fake, write=lambda prompt: self.lying(prompt, text, sources))
            conversation = make(models).write_topic(TOPIC)
        assert any(turn.text == text for turn in turns_of(conversation))
        assert len(models.prompts) == 1

    def test_a_script_of_inventions_is_none(self) -> None:
        def invent(prompt: Prompt) -> Any:
            answer = script_answer(prompt)
            for exchange in answer["exchanges"]:
                exchange["turns"][1]["text"] = "A study of 2019 found 87 percent."
            return answer

        with FakeService() as fake, pytest.raises(AnswerUnusable, match="no source"):
            make(FakeModels(fake, write=invent)).write_topic(TOPIC)

    def test_a_bare_topic_is_written_without_figures_and_says_so(self) -> None:
        with FakeService() as fake:
            models = FakeModels(fake)
            conversation = make(models).write_topic(TopicBrief("Why the sky is blue", "", hosts=HOSTS))
        assert conversation.evidence == ()
        assert "no notes" in conversation.warnings[0]
        assert "There is no evidence" in models.prompts[0].system

    def test_a_topic_without_words_is_refused(self) -> None:
        with FakeService() as fake, pytest.raises(BadInput):
            make(FakeModels(fake)).write_topic(TopicBrief("?!", "", hosts=HOSTS))


class TestMore:
    def test_new_exchanges_stand_before_the_end(self) -> None:
        with FakeService() as fake:
            models = FakeModels(fake)
            writer = make(models)
            before = writer.write_topic(TOPIC)

            def more(prompt: Prompt) -> Any:
                answer = script_answer(prompt, exchanges=2)
                for number, exchange in enumerate(answer["exchanges"]):
                    exchange["section"] = "New part"
                    for turn in exchange["turns"]:
                        turn["text"] = f"Besides, number {'xy'[number]}: {turn['text']}"
                return answer

            models.write = more
            after = writer.extend(TOPIC, before, words=120, quiet="B")
        assert [exchange.section for exchange in after.exchanges[-3:-1]] == ["New part"] * 2
        assert after.exchanges[-1] == before.exchanges[-1]
        assert models.prompts[-1].task["who_speaks_more"] == "B"

    def test_the_same_words_again_are_nothing_more(self) -> None:
        with FakeService() as fake:
            writer = make(FakeModels(fake))
            before = writer.write_topic(TOPIC)
            with pytest.raises(AnswerUnusable, match="nothing more"):
                writer.extend(TOPIC, before, words=120)


class TestReword:
    BRIEF = RewordBrief("Tiny forests", HOSTS, notes_evidence(TOPIC.notes), "Shorter.")
    LINES = (
        ScriptLine("A", "What are tiny forests?", ()),
        ScriptLine("B", "Tiny forests are planted densely.", ("notes:1",)),
        ScriptLine("A", "And in Japan?", ()),
    )

    def test_ok(self) -> None:
        with FakeService() as fake:
            models = FakeModels(
                fake, write=lambda prompt: {"lines": [{"line": 2, "text": "They stand close together.", "sources": ["e1"]}]}
            )
            found = make(models).reword(self.BRIEF, self.LINES, [1])
        assert found[1].text == "They stand close together."
        assert found[1].sources == ("notes:1",)
        assert models.prompts[0].task["instruction"] == "Shorter."
        assert models.prompts[0].task["rewrite_lines"] == [2]

    def test_an_invented_figure_is_no_proposal(self) -> None:
        with FakeService() as fake, pytest.raises(AnswerUnusable):
            lying = {"lines": [{"line": 2, "text": "A hundred thousand trees!", "sources": ["e1"]}]}
            make(FakeModels(fake, write=lambda prompt: lying)).reword(self.BRIEF, self.LINES, [1])
