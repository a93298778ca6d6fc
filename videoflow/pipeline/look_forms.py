"""The composer's forms: a scene, the captions, the music, the shape. Figures are per cent and seconds, as people read them."""

from dataclasses import replace
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from videoflow.pipeline.editing.looks import MUSIC_LEVELS_DB
from videoflow.pipeline.editing.scenes import MOTIONS, TRANSITIONS
from videoflow.pipeline.forms import StudioForm
from videoflow.pipeline.models import Asset, Project
from videoflow.pipeline.stages.video_composition import MUSIC_LEVEL_DB, caption_style_of, speakers_of
from videoflow.render.caption_drawing import box_opacity, outline_px
from videoflow.render.caption_style import BOTTOM_SHARES, OUTLINE_SHARES, SIZE_SHARES
from videoflow.render.timeline import CaptionStyle

MOTION_LABELS = {
    "still": _("Still"),
    "push_in": _("Push in"),
    "pull_out": _("Pull out"),
    "pan_left": _("Pan to the left"),
    "pan_right": _("Pan to the right"),
    "drift_up": _("Drift up"),
}
TRANSITION_LABELS = {
    "cut": _("Cut"),
    "crossfade": _("Crossfade"),
    "slide": _("Slide"),
    "wipe": _("Wipe"),
    "zoom": _("Zoom"),
}
CAPTION_LABELS = {"word": _("Word by word"), "sentence": _("Sentence"), "classic": _("Classic"), "none": _("None")}
POSITION_LABELS = {"top": _("Top"), "middle": _("Middle"), "bottom": _("Bottom")}


class SceneForm(StudioForm):
    """How a picture is shown; a field that is not sent stays as it is."""

    revision = forms.IntegerField(required=False)
    motion = forms.ChoiceField(required=False, choices=[(name, MOTION_LABELS[name]) for name in MOTIONS])
    transition = forms.ChoiceField(required=False, choices=[(name, TRANSITION_LABELS[name]) for name in TRANSITIONS])
    focus_x = forms.FloatField(required=False, min_value=0, max_value=100)
    focus_y = forms.FloatField(required=False, min_value=0, max_value=100)
    trim_start = forms.FloatField(required=False, min_value=0)

    def values(self) -> dict[str, Any]:
        """Return what was sent, as ``scene_change`` takes it."""
        sent = {name: value for name, value in self.cleaned_data.items() if name != "revision" and value not in (None, "")}
        return {name: value / 100 if name.startswith("focus") else value for name, value in sent.items()}


class CaptionForm(StudioForm):
    revision = forms.CharField(required=False, max_length=20)
    name = forms.ChoiceField(choices=list(CAPTION_LABELS.items()))
    position = forms.ChoiceField(choices=list(POSITION_LABELS.items()))
    size = forms.FloatField(min_value=SIZE_SHARES[0] * 100, max_value=SIZE_SHARES[1] * 100)
    distance = forms.FloatField(min_value=BOTTOM_SHARES[0] * 100, max_value=BOTTOM_SHARES[1] * 100)
    text_colour = forms.RegexField(r"^#[0-9a-fA-F]{6}$")
    as_style = forms.BooleanField(required=False)
    box = forms.FloatField(min_value=0, max_value=100)
    box_colour = forms.RegexField(r"^#[0-9a-fA-F]{6}$")
    outline = forms.FloatField(min_value=OUTLINE_SHARES[0] * 100, max_value=OUTLINE_SHARES[1] * 100)
    speaker_names = forms.BooleanField(required=False)
    speaker_colours = forms.BooleanField(required=False)
    colour_a = forms.RegexField(r"^#[0-9a-fA-F]{6}$")
    colour_b = forms.RegexField(r"^#[0-9a-fA-F]{6}$")

    @classmethod
    def of(cls, project: Project) -> "CaptionForm":
        """Return the form with what the project has."""
        return cls(initial=caption_values(project))

    def caption(self) -> dict[str, Any]:
        """Return the values as ``Project.caption`` has them."""
        data = self.cleaned_data
        return {
            "name": data["name"],
            "position": data["position"],
            "size_share": round(data["size"] / 100, 4),
            "bottom_share": round(data["distance"] / 100, 4),
            "text_colour": data["text_colour"],
            "box_opacity": None if data["as_style"] else round(data["box"] / 100, 3),
            "box_colour": data["box_colour"],
            "outline_share": None if data["as_style"] else round(data["outline"] / 100, 4),
            "speaker_names": data["speaker_names"],
            "speaker_colours": data["speaker_colours"],
            "colours": {"A": data["colour_a"], "B": data["colour_b"]},
        }


def caption_values(project: Project) -> dict[str, Any]:
    """Return the project's captions as the form's fields."""
    style: CaptionStyle = caption_style_of(project)
    drawn = style if style.name != "none" else replace(style, name="word")
    colours = {speaker.speaker: speaker.colour for speaker in speakers_of(project)}
    return {
        "name": style.name,
        "position": style.position,
        "size": round(style.size_share * 100, 2),
        "distance": round(style.bottom_share * 100, 1),
        "text_colour": style.text_colour,
        "as_style": style.box_opacity is None and style.outline_share is None,
        "box": round(box_opacity(drawn) * 100),
        "box_colour": style.box_colour,
        "outline": round(min(OUTLINE_SHARES[1] * 100, outline_px(drawn, 1000) / 10), 1),
        "speaker_names": style.speaker_names,
        "speaker_colours": style.speaker_colours,
        "colour_a": colours.get("A", "#ffffff"),
        "colour_b": colours.get("B", "#ffffff"),
    }


class MusicForm(StudioForm):
    revision = forms.CharField(required=False, max_length=20)
    is_on = forms.BooleanField(required=False)
    level = forms.FloatField(min_value=MUSIC_LEVELS_DB[0], max_value=MUSIC_LEVELS_DB[1])
    asset_id = forms.CharField(required=False, max_length=36)

    def __init__(self, *args: Any, beds: list[Asset], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.beds = beds

    def clean_asset_id(self) -> str:
        value = str(self.cleaned_data["asset_id"])
        if value and value not in {str(bed.pk) for bed in self.beds}:
            raise forms.ValidationError(_("This music is not there any more. Choose another."))
        return value

    def music(self) -> dict[str, Any]:
        """Return the values as ``Project.music`` has them."""
        data = self.cleaned_data
        chosen = {"asset_id": data["asset_id"]} if data["asset_id"] else {}
        return {"is_on": data["is_on"], "level_db": data["level"], **chosen}


def music_values(project: Project, beds: list[Asset]) -> dict[str, Any]:
    """Return the project's music as the form's fields; the bed is the one that would be heard."""
    chosen = str(project.music.get("asset_id") or "")
    made = [bed for bed in beds if bed.origin != Asset.UPLOAD]
    heard = next((bed for bed in beds if str(bed.pk) == chosen), made[0] if made else None)
    return {
        "is_on": bool(project.music.get("is_on", True)),
        "level": float(project.music.get("level_db", MUSIC_LEVEL_DB)),
        "asset_id": str(heard.pk) if heard else "",
    }
