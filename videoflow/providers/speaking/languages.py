"""The languages that services say they speak, as codes of ISO 639."""


def code_of(language: str) -> str:
    """Return the language without its country: ``en`` of ``en-GB`` and of ``en_US``."""
    return language.lower().replace("_", "-").split("-")[0]


def _codes(listed: str) -> frozenset[str]:
    return frozenset(listed.split())


OPENAI = _codes(
    "af ar hy az be bs bg ca zh hr cs da nl en et fi fr gl de el he hi hu is id it ja kn kk ko lv lt mk ms mr mi ne no fa pl pt "
    "ro ru sr sk sl es sw sv tl ta th tr uk ur vi cy"
)
"""Source: https://platform.openai.com/docs/guides/text-to-speech (supported languages)."""
GEMINI = _codes("ar bn de en es fr hi id it ja ko mr nl pl pt ro ru ta te th tr uk vi")
"""Source: https://ai.google.dev/gemini-api/docs/speech-generation (supported languages)."""
KOKORO = {"a": "en-US", "b": "en-GB", "e": "es", "f": "fr", "h": "hi", "i": "it", "j": "ja", "p": "pt-BR", "z": "zh"}
"""By the first letter of a voice's name."""
