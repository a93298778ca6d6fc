"""Writers that are language models of a service: a conversation, more of it, and other words for single lines."""

from collections.abc import Sequence
from dataclasses import dataclass

from videoflow.errors import BadInput
from videoflow.providers.base import Conversation, Cue, Evidence, Host, SpeakerId, ThemesBrief, TopicBrief
from videoflow.providers.registry import Access, provider
from videoflow.providers.writing.asking import AnswerUnusable, Asker, Question
from videoflow.providers.writing.conversing import (
    conversation_extend,
    conversation_make,
    script_faults,
)
from videoflow.providers.writing.dialects import ANTHROPIC, CHAT, GEMINI, Dialect
from videoflow.providers.writing.gate import said_faults, sources_read
from videoflow.providers.writing.material import Material, reword_material, themes_material, topic_material
from videoflow.providers.writing.prompts import lines_prompt, more_prompt, script_prompt, system_prompt
from videoflow.providers.writing.sanitising import text_clean
from videoflow.providers.writing.schema import LineAnswer, LinesAnswer, MoreAnswer, ScriptAnswer
from videoflow.sentences import Sentence

Brief = ThemesBrief | TopicBrief
LINES_MOST = 120
"""Lines that one request may ask other words for."""


@dataclass(frozen=True, slots=True)
class ScriptLine:
    """A line as it stands in a script. ``sources`` are real keys."""

    speaker: SpeakerId
    text: str
    sources: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RewordBrief:
    """What lines may be said in other words from, and how. ``evidence`` is all that the script rests on."""

    topic: str
    hosts: tuple[Host, Host]
    evidence: tuple[Evidence, ...]
    instruction: str
    typed: str = ""
    """What the user wrote of it: links that stand there may stay."""
    language: str = "en"
    seed: int = 0
    persona: str = ""
    tone: str = ""


@dataclass(frozen=True, slots=True)
class NewWords:
    """Other words for a line with the keys they rest on; ``cue`` is None where the picture may stay as it is."""

    text: str
    cue: Cue | None
    sources: tuple[str, ...]


class ModelWriter:
    """Writes with one model of one service. Nothing it gives carries a link, a handle or a figure without a source."""

    dialect: Dialect = CHAT

    def __init__(self, access: Access) -> None:
        self._asker = Asker(access, self.dialect)
        self.name = access.connection.service
        self.model = self._asker.model

    @property
    def label(self) -> str:
        """What stands beside what it wrote."""
        return self._asker.label

    def write_themes(self, brief: ThemesBrief) -> Conversation:
        """A conversation about themes of a trend report.

        Raises: BadInput without a theme; ProviderError of the service or of its answer.
        """
        return self._write(brief)

    def write_topic(self, brief: TopicBrief) -> Conversation:
        """A conversation about a topic, resting on the user's notes where there are some.

        Raises: as ``write_themes``; BadInput for a topic without words and notes that are too long.
        """
        return self._write(brief)

    def _write(self, brief: Brief) -> Conversation:
        material = self._material(brief)
        prompt = script_prompt(material, brief.hosts, language=brief.language, minimum_seconds=brief.minimum_seconds)
        question = Question(system_prompt(material), prompt, Sentence("script"), brief.seed)
        answer, _ = self._asker.ask(question, ScriptAnswer, lambda answer: script_faults(answer, material, opens=True))
        return conversation_make(answer, material, label=self.label)

    def extend(
        self, brief: Brief, conversation: Conversation, *, words: int, quiet: SpeakerId | None = None, number: int = 1
    ) -> Conversation:
        """Return the conversation with about so many words more before its end; ``quiet`` speaks most of them.

        Raises: ProviderError of the service or of its answer.
        """
        material = self._material(brief)
        prompt = more_prompt(material, brief.hosts, conversation, language=brief.language, words=words, quiet=quiet or "")
        question = Question(
            system_prompt(material), prompt, Sentence("more of the script, %(number)s", number=number), brief.seed
        )
        answer, _ = self._asker.ask(question, MoreAnswer, lambda answer: script_faults(answer, material, opens=False))
        return conversation_extend(conversation, answer, material, label=self.label)

    def reword(self, brief: RewordBrief, lines: Sequence[ScriptLine], wanted: Sequence[int]) -> dict[int, NewWords]:
        """Return other words for the wanted lines, by index; a line whose new words do not pass the gate is left out.

        Raises:
            BadInput: too many lines at once.
            AnswerUnusable: none of the new words can be used.
        """
        if len(wanted) > LINES_MOST:
            raise BadInput(
                Sentence("%(limit)s lines can be reworded at once. Choose fewer, or write the script anew.", limit=LINES_MOST)
            )
        material = reword_material(
            brief.topic,
            brief.evidence,
            typed=brief.typed,
            wishes={"instruction": brief.instruction, "persona": brief.persona, "tone": brief.tone},
        )
        keys = {entry.key: alias for alias, entry in material.aliases.items()}
        shown = [
            {
                "line": number + 1,
                "speaker": line.speaker,
                "text": line.text,
                "sources": [keys[key] for key in line.sources if key in keys],
            }
            for number, line in enumerate(lines)
        ]
        numbers = [index + 1 for index in wanted]
        prompt = lines_prompt(material, brief.hosts, shown, numbers, language=brief.language)
        question = Question(system_prompt(material), prompt, Sentence("other words"), brief.seed)
        asked = _Rewording(material, lines, frozenset(wanted))
        answer, _ = self._asker.ask(question, LinesAnswer, asked.faults)
        found = {line.line - 1: asked.words(line) for line in answer.lines if not asked.line_faults(line)}
        if not found:
            raise AnswerUnusable(
                Sentence("%(label)s gave no other words that can be used. Try another instruction.", label=self.label)
            )
        return found

    def _material(self, brief: Brief) -> Material:
        if isinstance(brief, ThemesBrief):
            return themes_material(brief)
        return topic_material(brief, model=self.label)


@dataclass(frozen=True, slots=True)
class _Rewording:
    """What is asked for, to judge the answer by."""

    material: Material
    lines: Sequence[ScriptLine]
    wanted: frozenset[int]

    def faults(self, answer: LinesAnswer) -> list[str]:
        missing = self.wanted - {line.line - 1 for line in answer.lines}
        faults = [f"Line {index + 1} is missing." for index in sorted(missing)]
        return faults + [fault for line in answer.lines for fault in self.line_faults(line)]

    def line_faults(self, line: LineAnswer) -> list[str]:
        index = line.line - 1
        if index not in self.wanted:
            return [f"Line {line.line} was not asked for."]
        text = text_clean(line.text, typed=self.material.typed)
        if not any(sign.isalnum() for sign in text):
            return [f"Line {line.line} is nothing but a link, a handle or marks."]
        if text == self.lines[index].text:
            return [f"Line {line.line} has the same words as before."]
        sources, unknown = sources_read(line.sources, self.material)
        old = self.lines[index]
        near = (*sources, *old.sources, *(self.lines[index - 1].sources if index else ()))
        faults = [f"Line {line.line} names the source {key}, which does not exist." for key in unknown]
        return faults + said_faults(text, near, self.material, besides=old.text)

    def words(self, line: LineAnswer) -> NewWords:
        text = text_clean(line.text, typed=self.material.typed)
        sources, _ = sources_read(line.sources, self.material)
        cue = Cue("question", text) if text.endswith("?") else None
        return NewWords(text, cue, tuple(dict.fromkeys((*sources, *self.lines[line.line - 1].sources))))


class _AnthropicWriter(ModelWriter):
    dialect = ANTHROPIC


class _GeminiWriter(ModelWriter):
    dialect = GEMINI


for _service in ("openai", "openrouter", "groq", "deepseek", "ollama", "vllm", "llamacpp", "lmstudio"):
    provider("writer", _service)(ModelWriter)
provider("writer", "anthropic")(_AnthropicWriter)
provider("writer", "gemini")(_GeminiWriter)
