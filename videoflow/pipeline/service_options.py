"""What a creator may set about a service besides its model, and how it is read from a form."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from videoflow.errors import BadInput
from videoflow.providers.base import Capability
from videoflow.providers.services import EMBEDDED, SERVICES

LONGEST_TEXT = 500  # characters
LONGEST_WORKFLOW = 200_000


@dataclass(frozen=True, slots=True)
class Option:
    """One field; ``least`` and ``most`` bound a number."""

    name: str
    label: "str | Promise"
    kind: Literal["text", "number", "choice", "workflow"] = "text"
    help: "str | Promise" = ""
    choices: tuple[str, ...] = ()
    least: float = 0.0
    most: float = 1.0

    def read(self, text: str) -> Any:
        """Return the value of what was typed; None when nothing was.

        Raises:
            BadInput: it is not what the field takes.
        """
        text = text.strip()
        if not text:
            return None
        if self.kind == "number":
            return self._number(text)
        if self.kind == "workflow":
            return _workflow(text)
        if self.kind == "choice" and text not in self.choices:
            raise BadInput(_("“%(label)s” has no such choice.") % {"label": self.label}, code="OPTION_INVALID")
        if len(text) > LONGEST_TEXT:
            sentence = _("“%(label)s” takes %(limit)s characters at most.") % {"label": self.label, "limit": LONGEST_TEXT}
            raise BadInput(sentence, code="OPTION_INVALID")
        return text

    def _number(self, text: str) -> float:
        try:
            value = float(text.replace(",", "."))
        except ValueError:
            value = self.least - 1
        if not self.least <= value <= self.most:
            facts = {"label": self.label, "least": f"{self.least:g}", "most": f"{self.most:g}"}
            raise BadInput(_("“%(label)s” is a number from %(least)s to %(most)s.") % facts, code="OPTION_INVALID")
        return int(value) if value.is_integer() else value

    def shown(self, options: Mapping[str, Any]) -> str:
        """Return what the field holds now."""
        value = options.get(self.name)
        return "" if value is None else json.dumps(value, indent=1) if self.kind == "workflow" else str(value)


def _workflow(text: str) -> dict[str, Any]:
    try:
        value = json.loads(text) if len(text) <= LONGEST_WORKFLOW else None
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict) or not all(isinstance(node, dict) and "class_type" in node for node in value.values()):
        raise BadInput(
            _("This is no workflow in ComfyUI's API format. In ComfyUI choose “Export (API)” and paste the file's text."),
            code="OPTION_INVALID",
        )
    return value


_TEMPERATURE = Option(
    "temperature", gettext_lazy("Temperature"), "number", gettext_lazy("Empty: as the model has it."), least=0, most=2
)
_KINDS = Option(
    "kinds",
    gettext_lazy("Photos or clips"),
    "choice",
    gettext_lazy("Empty: both, as it fits the scene."),
    choices=("photos", "clips"),
)
_QUALITY = Option("quality", gettext_lazy("Quality"), "choice", choices=("low", "medium", "high"))
_SIZE = Option("size", gettext_lazy("Size in pixels"), help=gettext_lazy("Such as 1536x1024; turned for upright videos."))
_STYLE = Option("style", gettext_lazy("Style"), help=gettext_lazy("In words. Empty: an editorial photograph."))
_AVOIDED = Option("negative_prompt", gettext_lazy("What pictures should not show"))
_WRITER = (_TEMPERATURE,)

OPTIONS: Mapping[tuple[str, Capability], tuple[Option, ...]] = {
    **{(name, "writer"): _WRITER for name, service in SERVICES.items() if "writer" in service.capabilities and name != EMBEDDED},
    ("openai", "speech"): (
        Option("instructions", gettext_lazy("How it is spoken"), help=gettext_lazy("In words, for models that follow them.")),
        Option("speed", gettext_lazy("Speed"), "number", gettext_lazy("1 is the voice's own."), least=0.25, most=4),
    ),
    ("kokoro", "speech"): (
        Option("speed", gettext_lazy("Speed"), "number", gettext_lazy("1 is the voice's own."), least=0.25, most=4),
    ),
    ("gemini", "speech"): (Option("style", gettext_lazy("How it is spoken")),),
    **{(name, "images"): (_KINDS,) for name in ("pexels", "pixabay", "commons")},
    ("openai", "images"): (
        Option("quality", gettext_lazy("Quality"), "choice", choices=("low", "medium", "high")),
        _SIZE,
        _STYLE,
    ),
    ("gemini", "images"): (Option("size", gettext_lazy("Size"), "choice", choices=("1K", "2K", "4K")), _STYLE),
    ("veo", "images"): (_STYLE,),
    ("automatic1111", "images"): (
        Option("steps", gettext_lazy("Steps"), "number", least=1, most=150),
        _SIZE,
        _STYLE,
        _AVOIDED,
    ),
    ("comfyui", "images"): (
        Option(
            "workflow",
            gettext_lazy("Workflow in the API format"),
            "workflow",
            gettext_lazy("Empty: a plain one of the studio's own, with the model above."),
        ),
        _SIZE,
        _STYLE,
        _AVOIDED,
    ),
}


def options_of(service: str, capability: Capability) -> tuple[Option, ...]:
    """Return what may be set about a service for one capability."""
    return OPTIONS.get((service, capability), ())


def options_read(service: str, capability: Capability, form: Mapping[str, str]) -> dict[str, Any]:
    """Return the options of a posted form, without the empty ones.

    Raises:
        BadInput: one cannot be used; the sentence names it.
    """
    read = {option.name: option.read(form.get(f"option_{option.name}", "")) for option in options_of(service, capability)}
    return {name: value for name, value in read.items() if value is not None}
