"""The embedded writer as a provider."""

from videoflow.errors import BadInput
from videoflow.providers.base import Conversation, ThemesBrief, TopicBrief
from videoflow.providers.embedded_writer.theme_script import themes_write
from videoflow.providers.embedded_writer.topic_script import topic_write
from videoflow.providers.registry import provider
from videoflow.sentences import Sentence


@provider("writer", "embedded")
class EmbeddedWriter:
    """Writes English conversations without a language model; says only what its evidence says."""

    name = "embedded"

    def write_themes(self, brief: ThemesBrief) -> Conversation:
        """A conversation about themes of a trend report.

        Raises: BadInput when the language is not English or the evidence is too little for the length.
        """
        _require_english(brief.language)
        return themes_write(brief)

    def write_topic(self, brief: TopicBrief) -> Conversation:
        """A conversation about the user's notes on a topic.

        Raises: BadInput when the language is not English, or there are no notes or too few.
        """
        _require_english(brief.language)
        return topic_write(brief)


def _require_english(language: str) -> None:
    if language.lower().replace("_", "-").split("-")[0] != "en":
        raise BadInput(
            Sentence(
                "The embedded writer writes English only, and “%(language)s” was asked for. Choose English, or "
                "paste a finished script in your language if a voice for it exists.",
                language=language,
            )
        )
