"""What a writer may speak of: evidence under short names, what the user typed, and the figures that stand in either.

Titles, channels and tags come from the web. One that speaks to the writer instead of to viewers never gets to the model: its
video counts, and has no name.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

from videoflow.errors import BadInput
from videoflow.providers.base import Evidence, Theme, ThemesBrief, TopicBrief, TrendAnalysis, TrendVideo
from videoflow.providers.embedded_writer import notes_evidence, themes_evidence
from videoflow.providers.writing.figures import Figure, figures_read
from videoflow.providers.writing.sanitising import instructs, text_clean
from videoflow.sentences import Sentence

NOTES_LIMIT = 60_000  # characters, about 15,000 tokens
EVIDENCE_LIMIT = 400  # characters of one statement
EVIDENCE_MOST = 300
_TOPIC_LIMIT = 300


@dataclass(frozen=True)
class Material:
    """What a conversation is made from. The model knows a piece of evidence by its place: e1, e2, …"""

    topic: str
    evidence: tuple[Evidence, ...]
    typed: str
    """All that the user wrote: what stands in it may be said and shown, links too."""
    asked: str = ""
    """The topic in the user's own words; empty where it was made from titles."""
    wishes: Mapping[str, str] = field(default_factory=dict)
    """What the user asks of the writing: instruction, persona, tone."""
    warnings: tuple[str, ...] = ()

    @cached_property
    def aliases(self) -> dict[str, Evidence]:
        return {f"e{number}": entry for number, entry in enumerate(self.evidence, 1)}

    @cached_property
    def figures(self) -> dict[str, list[Figure]]:
        """The figures of each piece of evidence, by its real key."""
        return {entry.key: evidence_figures(entry) for entry in self.evidence}

    @cached_property
    def typed_figures(self) -> list[Figure]:
        """Those that need no source: what the user asked for; figures of the notes stand in their sentences."""
        return figures_read("\n".join((self.asked, *self.wishes.values())))

    @property
    def is_open(self) -> bool:
        """Whether there is nothing to rest on but what the model believes to know."""
        return not self.evidence


def evidence_figures(entry: Evidence) -> list[Figure]:
    """Return the figures of a statement and of its data, said as finely as they are known."""
    data = [Figure(datum.value, 0.0, is_percent=datum.unit.startswith("%"), text="") for datum in entry.data]
    return [*figures_read(entry.text), *data]


def themes_material(brief: ThemesBrief) -> Material:
    """Return what a trend report says about the themes of a brief.

    Raises:
        BadInput: there is no theme, or nothing that could be said about it.
    """
    disarmed, withheld = _brief_disarmed(brief)
    evidence = tuple(_cleaned(entry) for entry in themes_evidence(disarmed)[:EVIDENCE_MOST])
    topic = "; ".join(theme.label for theme in disarmed.themes)[:_TOPIC_LIMIT]
    warnings = []
    if withheld:
        warnings.append(
            f"{withheld} {'title speaks' if withheld == 1 else 'titles speak'} to the writer instead of to viewers and "
            f"{'was' if withheld == 1 else 'were'} not shown to it."
        )
    return Material(topic, evidence, _typed(brief), "", _wishes(brief), tuple(warnings))


def topic_material(brief: TopicBrief, *, model: str) -> Material:
    """Return what the user's notes say about a topic; without notes, the topic alone.

    Raises:
        BadInput: no words in the topic, or notes that are too long.
    """
    topic = " ".join(brief.topic.split())
    if sum(sign.isalpha() for sign in topic) < 2:
        raise BadInput(
            "The topic has no words in it. Name what the video is about in a few words.", details={"topic": "no words"}
        )
    if len(brief.notes) > NOTES_LIMIT:
        raise BadInput(
            Sentence(
                "The notes have %(notes)s characters; a writing service is given %(limit)s at most. Keep "
                "the part that the video is about.",
                notes=f"{len(brief.notes):,}",
                limit=f"{NOTES_LIMIT:,}",
            ),
            details={"notes": "too long"},
        )
    evidence = tuple(_cleaned(entry) for entry in notes_evidence(brief.notes)[:EVIDENCE_MOST]) if brief.notes.strip() else ()
    warnings = () if evidence else (
        f"There were no notes: what the hosts say is what {model} believes to know. Check it before you publish.",
    )  # fmt: skip
    return Material(topic[:_TOPIC_LIMIT], evidence, f"{topic}\n{brief.notes}\n{_typed(brief)}", topic, _wishes(brief), warnings)


def reword_material(topic: str, evidence: Sequence[Evidence], *, typed: str, wishes: Mapping[str, str]) -> Material:
    """Return what lines of a script may be said in other words from."""
    asked = {name: text.strip() for name, text in wishes.items() if text.strip()}
    cleaned = tuple(_cleaned(entry) for entry in evidence[:EVIDENCE_MOST] if not instructs(entry.text) or entry.kind == "user")
    return Material(topic[:_TOPIC_LIMIT], cleaned, "\n".join((typed, *asked.values())), "", asked)


def brief_check(brief: ThemesBrief | TopicBrief) -> None:
    """Refuse what no model could be asked about; asks none.

    Raises:
        BadInput: as ``themes_material`` and ``topic_material``.
    """
    if isinstance(brief, ThemesBrief):
        themes_material(brief)
    else:
        topic_material(brief, model="")


def _typed(brief: ThemesBrief | TopicBrief) -> str:
    return "\n".join((brief.instruction, brief.persona, brief.tone))


def _wishes(brief: ThemesBrief | TopicBrief) -> dict[str, str]:
    asked = {"instruction": brief.instruction, "persona": brief.persona, "tone": brief.tone}
    return {name: text.strip() for name, text in asked.items() if text.strip()}


def _cleaned(entry: Evidence) -> Evidence:
    return replace(entry, text=text_clean(entry.text, typed=entry.text if entry.kind == "user" else "")[:EVIDENCE_LIMIT])


# Titles that give orders -------------------------------------------------------------------------------------------------


def _brief_disarmed(brief: ThemesBrief) -> tuple[ThemesBrief, int]:
    """Return the brief without names that speak to the writer, and how many there were among its themes' titles."""
    withheld = sum(instructs(video.title) for theme in brief.themes for video in theme.videos)
    themes = tuple(_theme_disarmed(theme) for theme in brief.themes)
    analysis = brief.analysis
    categories = tuple(replace(category, name=_named(category.name, "All videos")) for category in analysis.categories)
    whole: TrendAnalysis = replace(
        analysis,
        themes=tuple(_theme_disarmed(theme) for theme in analysis.themes),
        categories=categories,
        source_label=_named(analysis.source_label, "the imported file"),
    )
    return replace(brief, themes=themes, analysis=whole), withheld


def _named(name: str, otherwise: str) -> str:
    return otherwise if instructs(name) or not text_clean(name) else name


def _theme_disarmed(theme: Theme) -> Theme:
    category = _named(theme.category, "All videos")
    return replace(
        theme,
        label=_named(theme.label, f"Theme {theme.rank} of {category}"),
        category=category,
        videos=tuple(_video_disarmed(video) for video in theme.videos),
        keywords=_harmless(theme.keywords),
    )


def _video_disarmed(video: TrendVideo) -> TrendVideo:
    return replace(video, title=_named(video.title, ""), channel=_named(video.channel, ""), tags=_harmless(video.tags))


def _harmless(words: Sequence[str]) -> tuple[str, ...]:
    return tuple(word for word in words if word and not instructs(word) and text_clean(word))


def keywords_clean(words: Iterable[str], *, typed: str) -> tuple[str, ...]:
    """Return keywords fit for tags: each once, in a few words, without lures and orders."""
    kept: dict[str, str] = {}
    for word in words:
        text = text_clean(word, typed=typed).strip(" .,;:#")
        if text and len(text) <= 60 and len(text.split()) <= 6 and not instructs(text):
            kept.setdefault(text.casefold(), text)
    return tuple(kept.values())[:12]
