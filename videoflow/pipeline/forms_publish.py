"""The uploader's form: all that goes with a video. It keeps what cannot be published yet too; the list beside it says why."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from django import forms
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext_lazy as _

from videoflow.pipeline.channels.access import channels_of
from videoflow.pipeline.forms import StudioForm
from videoflow.pipeline.metadata import text_normal
from videoflow.pipeline.models import Project
from videoflow.pipeline.publishing import AUDIENCES, CATEGORIES, LANGUAGES, LICENCES, PLAYLIST_LIMIT, PRIVACIES, TARGETS
from videoflow.pipeline.thumbnails import PLACES, TEXT_LIMIT, base_known

if TYPE_CHECKING:
    from django.utils.functional import _StrPromise

KEPT_LIMIT = 20_000  # characters of a field; more than any target takes, so that a long text is kept while it is shortened
PLACE_LABELS = {
    "top-left": _("Top left"),
    "top-center": _("Top"),
    "top-right": _("Top right"),
    "middle-left": _("Left"),
    "middle-center": _("Middle"),
    "middle-right": _("Right"),
    "bottom-left": _("Bottom left"),
    "bottom-center": _("Bottom"),
    "bottom-right": _("Bottom right"),
}
_COLOUR = re.compile(r"#[0-9a-fA-F]{6}")
_TOO_LONG = _("This is far too long. Shorten it; the last version that was saved is kept.")


def _text_field(label: "str | _StrPromise", widget: forms.Widget) -> forms.CharField:
    """A text as it was typed, kept though it is too long to be published."""
    return forms.CharField(
        label=label, required=False, max_length=KEPT_LIMIT, strip=False, widget=widget, error_messages={"max_length": _TOO_LONG}
    )


def _translation_fields() -> dict[str, forms.Field]:
    fields: dict[str, forms.Field] = {}
    for code in LANGUAGES:
        written = {"class": "input", "lang": code, "dir": "auto"}
        fields[f"title_{code}"] = _text_field(_("Title"), forms.TextInput(attrs=written))
        fields[f"description_{code}"] = _text_field(_("Description"), forms.Textarea(attrs={**written, "rows": 5}))
    return fields


@dataclass(frozen=True, slots=True)
class Translation:
    """The fields of title and description in another language."""

    code: str
    language: str
    title: forms.BoundField
    description: forms.BoundField

    @property
    def is_begun(self) -> bool:
        return any(field.value() or field.errors for field in (self.title, self.description))


class PublishForm(StudioForm):
    """Where it goes, then the fields in the order of YouTube Studio; title and description once more for each language."""

    target = forms.ChoiceField(label=_("Publish to"), required=False, choices=list(TARGETS.items()), widget=forms.RadioSelect)
    channel = forms.ChoiceField(label=_("Channel"), required=False)
    again = forms.BooleanField(label=_("Publish it once more, though it is there already"), required=False)
    title = _text_field(_("Title"), forms.TextInput())
    description = _text_field(_("Description"), forms.Textarea(attrs={"rows": 12}))
    tags = _text_field(_("Tags"), forms.Textarea(attrs={"rows": 2, "class": "input input-low"}))
    thumb_base = forms.CharField(required=False, max_length=40)
    thumb_text = forms.CharField(label=_("Words on it"), required=False, max_length=TEXT_LIMIT)
    thumb_position = forms.ChoiceField(
        label=_("Where"), required=False, choices=[(place, PLACE_LABELS[place]) for place in PLACES]
    )
    thumb_colour = forms.CharField(
        label=_("Colour"), required=False, max_length=7, widget=forms.TextInput(attrs={"type": "color", "class": "colour"})
    )
    playlist = forms.CharField(label=_("Playlist"), required=False, max_length=PLAYLIST_LIMIT)
    audience = forms.ChoiceField(
        label=_("Is this video made for kids?"), required=False, choices=list(AUDIENCES.items()), widget=forms.RadioSelect
    )
    synthetic = forms.BooleanField(label=_("Say that voices and pictures are altered or synthetic"), required=False)
    language = forms.ChoiceField(label=_("Language"), required=False, choices=list(LANGUAGES.items()))
    category = forms.ChoiceField(label=_("Category"), required=False, choices=list(CATEGORIES.items()))
    licence = forms.ChoiceField(label=_("Licence"), required=False, choices=list(LICENCES.items()))
    notify = forms.BooleanField(label=_("Tell subscribers"), required=False)
    embeddable = forms.BooleanField(label=_("Other sites may embed it"), required=False)
    recorded_on = forms.DateField(
        label=_("Recorded on"),
        required=False,
        widget=forms.DateInput(format="%Y-%m-%d", attrs={"type": "date", "class": "input"}),
    )
    paid = forms.BooleanField(label=_("It shows paid promotion: placement, sponsoring or endorsement"), required=False)
    privacy = forms.ChoiceField(label=_("Visibility"), required=False, choices=list(PRIVACIES.items()), widget=forms.RadioSelect)
    publish_at = forms.CharField(
        label=_("Becomes public on"),
        required=False,
        max_length=40,
        widget=forms.DateTimeInput(attrs={"type": "datetime-local", "class": "input"}),
    )

    def __init__(self, *args: Any, project: Project, **kwargs: Any) -> None:
        kwargs.setdefault("auto_id", "publish_%s")
        super().__init__(*args, **kwargs)
        self.fields.update(_translation_fields())
        self._project = project
        channel = self.fields["channel"]
        assert isinstance(channel, forms.ChoiceField)
        known = [(str(row.pk), row.title) for row in channels_of(project)]
        channel.choices = [("", _("Choose the channel")), *known] if len(known) > 1 else known

    @property
    def has_translations(self) -> bool:
        return any(row.is_begun for row in self.translations)

    @property
    def translations(self) -> list[Translation]:
        """Return the languages that there can be a translation into, with what stands there."""
        rows = [Translation(code, name, self[f"title_{code}"], self[f"description_{code}"]) for code, name in LANGUAGES.items()]
        return [row for row in rows if row.is_begun or row.code != self["language"].value()]

    def clean(self) -> None:
        """Give every description one sign for the end of a line, as its bytes are counted."""
        for name, value in self.cleaned_data.items():
            if name.startswith("description"):
                self.cleaned_data[name] = text_normal(str(value))

    def clean_thumb_base(self) -> str:
        base = str(self.cleaned_data["thumb_base"])
        if base and not base_known(self._project, base):
            raise forms.ValidationError(_("This picture is not there any more. Choose another."))
        return base

    def clean_thumb_colour(self) -> str:
        colour = str(self.cleaned_data["thumb_colour"])
        if colour and not _COLOUR.fullmatch(colour):
            raise forms.ValidationError(_("A colour is written as # and six digits, such as #ffd166."))
        return colour.lower()

    def clean_recorded_on(self) -> str:
        day = self.cleaned_data["recorded_on"]
        return day.isoformat() if day else ""

    def clean_publish_at(self) -> str:
        """Return the moment in UTC; the page's module sends it so, and a browser without it is asked for UTC."""
        sent = str(self.data.get("publish_at_utc", self.cleaned_data["publish_at"])).strip()
        if not sent:
            return ""
        try:
            moment = parse_datetime(sent[:40])
        except ValueError:
            moment = None
        if moment is None:
            raise forms.ValidationError(_("Give a day and a time, such as 2030-01-31 18:00."))
        at: datetime = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        try:
            return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:00+00:00") if at.year >= 1000 else ""
        except OverflowError:
            return ""

    def values(self) -> dict[str, Any]:
        """Return the fields that were sent; a tick that was not sent is one that was taken away, if the form came whole."""
        aside = {"synthetic", "notify", "embeddable", "paid", "again"} if "form" in self.data else set()
        aside |= {"publish_at"} if "publish_at_utc" in self.data else set()
        filled = {
            "target",
            "channel",
            "thumb_base",
            "thumb_position",
            "thumb_colour",
            "language",
            "category",
            "licence",
            "privacy",
        }
        sent = {name for name in self.fields if name in self.data} | aside
        return {name: self.cleaned_data[name] for name in sent if self.cleaned_data[name] or name not in filled}
