"""The pages' forms. Each turns what was typed into the ``input_data`` of one stage."""

from typing import Any

from django import forms
from django.core.files.uploadedfile import UploadedFile
from django.utils.translation import gettext_lazy as _

from videoflow.errors import BadInput, VideoflowError
from videoflow.pipeline.models import Project
from videoflow.pipeline.services import SOURCE_LIMIT_BYTES
from videoflow.providers.live_trends import LIVE_SOURCES
from videoflow.sentences import Sentence
from videoflow.translation import translated

TEXT_FILE_LIMIT_BYTES = 1_000_000
WISHES = ("persona", "tone", "language", "instruction")
"""What a writing service is told besides."""
TEXT_LIMIT = 200_000  # characters, as the script stage takes them
SEED_LIMIT = 2_147_483_647
MINUTES_MOST = 30
CAPTION_STYLES = [("word", "Word by word"), ("sentence", "Sentence"), ("classic", "Classic"), ("none", "None")]
QUALITIES = [("draft", "Draft"), ("standard", "Standard"), ("high", "High")]
VIDEO_CODECS = [("h264", "H.264"), ("hevc", "HEVC"), ("av1", "AV1")]
WINDOWS = [("weekly", _("Last 7 days of the file")), ("monthly", _("Last 30 days"))]
ASPECTS = [("16:9", _("Wide 16:9")), ("9:16", _("Tall 9:16")), ("1:1", _("Square 1:1"))]
MAPPED_FIELDS = {
    "title": _("Title"),
    "views": _("Views"),
    "date": _("Day of the count"),
    "published_at": _("Published on"),
    "channel": _("Channel"),
    "category": _("Category"),
    "video_id": _("Video id"),
    "tags": _("Tags"),
    "likes": _("Likes"),
    "comments": _("Comments"),
    "url": _("Link"),
}
"""Our fields of a table, as the mapping form names them; the first and one of the next three are needed."""


def text_of_file(file: UploadedFile) -> str:
    """Return the text of a small text file, whatever its encoding.

    Raises:
        BadInput: it is too large, or not text.
    """
    name = file.name or "The file"
    if (file.size or 0) > TEXT_FILE_LIMIT_BYTES:
        raise BadInput(
            Sentence(
                "“%(name)s” is larger than 1 MB; a text for a video is far shorter. Check that it is the right file.", name=name
            )
        )
    content = file.read()
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        encodings = ["utf-16"]
    elif b"\x00" in content:
        raise BadInput(Sentence("“%(name)s” is not a text file. Choose a .txt, .md or .srt file, or paste the text.", name=name))
    else:
        encodings = ["utf-8-sig", "cp1252", "latin-1"]
    for encoding in encodings:
        try:
            text: str = content.decode(encoding)
        except UnicodeDecodeError:
            continue
        odd = sum(not char.isprintable() and char not in "\r\n\t\f" for char in text[:4000])
        if "\0" in text or odd > len(text[:4000]) * 0.02:
            break
        return text
    raise BadInput(Sentence("“%(name)s” is not a text file. Choose a .txt, .md or .srt file, or paste the text.", name=name))


class StudioForm(forms.Form):
    """A form whose fields carry the page's classes; the templates lay them out."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("label_suffix", "")
        super().__init__(*args, **kwargs)
        for field in self.fields.values():
            widget = field.widget
            if isinstance(widget, forms.TextInput | forms.Textarea | forms.NumberInput | forms.Select) and not widget.is_hidden:
                widget.attrs.setdefault("class", "input")
            if isinstance(widget, forms.TextInput | forms.Textarea) and not widget.is_hidden:
                widget.attrs.setdefault("dir", "auto")  # Arabic stands right to left while it is typed

    def refuse(self, error: VideoflowError, *, field: str | None = None) -> None:
        """Show a refusal at the field it names, else at ``field``, else above the form."""
        named = next((name for name in error.details if name in self.fields), None)
        self.add_error(named or (field if field in self.fields else None), translated(str(error)))


class VideoForm(StudioForm):
    """What every way in asks: shape, length and, for those who want it, the seed."""

    aspect = forms.ChoiceField(label=_("Format"), choices=ASPECTS, initial="16:9", widget=forms.RadioSelect)
    minutes = forms.IntegerField(
        label=_("At least, in minutes"),
        initial=3,
        min_value=1,
        max_value=MINUTES_MOST,
        widget=forms.NumberInput(attrs={"inputmode": "numeric"}),
        help_text=_("Measured on the speech, then extended or trimmed."),
        error_messages={
            "invalid": _("Give a whole number of minutes."),
            "required": _("Give a number of minutes, 3 for instance."),
            "min_value": _("One minute is the least."),
            "max_value": _("30 minutes are the most."),
        },
    )
    seed = forms.IntegerField(
        label=_("Seed (optional)"),
        required=False,
        min_value=0,
        max_value=SEED_LIMIT,
        widget=forms.NumberInput(attrs={"inputmode": "numeric"}),
        help_text=_("The same seed makes the same script and pictures again."),
        error_messages={"invalid": _("A seed is a whole number, or nothing.")},
    )

    @property
    def options_changed(self) -> bool:
        """Whether the options should stand open: something there was changed or is wrong."""
        names = ("aspect", "minutes", "seed")
        return self.is_bound and any(self.errors.get(name) or name in self.changed_data for name in names)

    def project_facts(self) -> dict[str, Any]:
        """Return the keyword arguments of a new project."""
        data = self.cleaned_data
        return {"aspect": data["aspect"], "minimum_seconds": data["minutes"] * 60, "seed": data["seed"]}


class TrendsForm(VideoForm):
    """A file of trending videos, or the packaged sample."""

    file = forms.FileField(
        label=_("Trending file"),
        required=False,
        max_length=255,
        widget=forms.FileInput(
            attrs={
                "accept": ".csv,.tsv,.txt,.json,.jsonl,.xml,.rss,.atom,.zip",
                "data-max-bytes": str(SOURCE_LIMIT_BYTES),
                "data-say-big": _("This file has {n} MB; {most} MB are the most."),
            }
        ),
        error_messages={
            "empty": _("This file is empty. Choose one with rows in it."),
            "max_length": _("The file's name is too long. Rename it."),
        },
    )
    window = forms.ChoiceField(
        label=_("Window"),
        choices=WINDOWS,
        initial="weekly",
        widget=forms.RadioSelect,
        help_text=_("Counted back from the newest date in the file, so an old file works too."),
    )
    use = forms.CharField(required=False, max_length=20, widget=forms.HiddenInput)
    live = forms.ChoiceField(required=False, choices=[(key, key) for key in LIVE_SOURCES])
    region = forms.CharField(required=False, max_length=8)
    feeds = forms.CharField(required=False, max_length=4000)
    source = forms.UUIDField(required=False, widget=forms.HiddenInput)

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if (
            not data.get("file")
            and not data.get("source")
            and data.get("use") not in ("sample", "live")
            and "file" not in self.errors
        ):
            self.add_error("file", _("Choose a file first, or make a video from the packaged sample."))
        return data


class MappingForm(StudioForm):
    """Which column of the creator's table is which of our fields."""

    def __init__(self, *args: Any, columns: list[str], guessed: dict[str, str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        choices = [("", _("— not in the file —")), *((column, column or _("(no name)")) for column in columns)]
        for name, label in MAPPED_FIELDS.items():
            self.fields[f"map_{name}"] = forms.ChoiceField(
                label=label,
                required=False,
                choices=choices,
                initial=guessed.get(name, ""),
                widget=forms.Select(attrs={"class": "input"}),
            )

    @property
    def needed(self) -> list[forms.BoundField]:
        return [self[f"map_{name}"] for name in list(MAPPED_FIELDS)[:4]]

    @property
    def others(self) -> list[forms.BoundField]:
        return [self[f"map_{name}"] for name in list(MAPPED_FIELDS)[4:]]


def mapping_of(data: Any) -> dict[str, str]:
    """Return ``{our field: their column}`` from a posted mapping form; empty when there was none."""
    sent = {name: str(data.get(f"map_{name}", ""))[:200] for name in MAPPED_FIELDS if f"map_{name}" in data}
    return {name: column for name, column in sent.items() if column}


class TopicForm(VideoForm):
    """A topic with the creator's own notes or article."""

    topic = forms.CharField(
        label=_("Topic"),
        max_length=300,
        widget=forms.TextInput(attrs={"placeholder": "Why cities are planting tiny forests", "autocomplete": "off"}),
        error_messages={"required": _("Say in a few words what the video is about.")},
    )
    notes = forms.CharField(
        label=_("Notes or article"),
        required=False,
        max_length=TEXT_LIMIT,
        widget=forms.Textarea(
            attrs={
                "rows": 10,
                "placeholder": _("Paste what you know: notes, an article, figures. The hosts only say what stands here."),
            }
        ),
        help_text=_("Three minutes need about 250 words, better more: the hosts say nothing that does not stand here."),
    )
    notes_file = forms.FileField(
        label=_("Or a text file"),
        required=False,
        max_length=255,
        widget=forms.FileInput(attrs={"accept": ".txt,.md,.markdown,text/plain"}),
    )

    writer = forms.CharField(required=False, max_length=40)
    persona = forms.CharField(required=False, max_length=300)
    tone = forms.CharField(required=False, max_length=120)
    language = forms.CharField(required=False, max_length=16)
    instruction = forms.CharField(required=False, max_length=1000)

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        return _text_joined(self, data, text="notes", file="notes_file")

    def input_data(self) -> dict[str, Any]:
        data = self.cleaned_data
        wishes = {name: data[name] for name in WISHES if data[name]} if data["writer"] else {}
        return {"input_type": "topic", "topic": data["topic"], "notes": data["notes"], **wishes}


class ScriptForm(VideoForm):
    """A finished script for two speakers."""

    script_text = forms.CharField(
        label=_("Your script"),
        required=False,
        max_length=TEXT_LIMIT,
        widget=forms.Textarea(
            attrs={
                "rows": 12,
                "placeholder": "Ana: Did you see what happened to the old harbour?\nBen: I did, and it gets stranger.",
            }
        ),
        help_text=_(
            "Two speakers, a name and a colon before each turn. Markdown and SRT work too; names and times are not spoken."
        ),
    )
    script_file = forms.FileField(
        label=_("Or a file"),
        required=False,
        max_length=255,
        widget=forms.FileInput(attrs={"accept": ".txt,.md,.markdown,.srt,.vtt,text/plain"}),
    )

    def clean(self) -> dict[str, Any]:
        data = _text_joined(self, super().clean() or {}, text="script_text", file="script_file")
        if not self.errors and not data.get("script_text", "").strip():
            self.add_error("script_text", _("Paste a script, or choose a file with one."))
        return data

    def input_data(self) -> dict[str, Any]:
        data = self.cleaned_data
        file = data.get("script_file")
        return {"input_type": "script", "script_text": data["script_text"], "file_name": (file.name if file else "")[:255]}


class OwnScriptForm(ScriptForm):
    """A finished script in the place of the one that is there; format and length stay the project's."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in ("aspect", "minutes", "seed"):
            del self.fields[name]


def _text_joined(form: StudioForm, data: dict[str, Any], *, text: str, file: str) -> dict[str, Any]:
    """Let the chosen file stand in for the text area; what both hold is a question for the creator."""
    if not data.get(file):
        return data
    if data.get(text, "").strip():
        form.add_error(file, _("There is text above and a file here. Keep one of them."))
        return data
    try:
        data[text] = text_of_file(data[file])
    except BadInput as error:
        form.add_error(file, translated(str(error)))
    return data


class ThemesForm(StudioForm):
    """The themes to talk about; the whole video follows unless only the script is wanted."""

    theme_ids = forms.TypedMultipleChoiceField(coerce=int, error_messages={"required": _("Choose at least one theme.")})
    minutes = forms.IntegerField(min_value=1, max_value=MINUTES_MOST, required=False)

    def __init__(self, *args: Any, project: Project, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        report = project.reports.first()
        choices = [(theme.pk, theme.label) for theme in report.themes.all()] if report else []
        self.fields["theme_ids"].choices = choices  # type: ignore[attr-defined]

    def input_data(self) -> dict[str, Any]:
        data: dict[str, Any] = {"input_type": "theme", "theme_ids": self.cleaned_data["theme_ids"]}
        return data | ({"minimum_seconds": self.cleaned_data["minutes"] * 60} if self.cleaned_data["minutes"] else {})


class RewriteForm(StudioForm):
    """The same input again, with another seed or length."""

    minutes = forms.IntegerField(min_value=1, max_value=MINUTES_MOST)
    seed = forms.IntegerField(min_value=0, max_value=SEED_LIMIT, required=False)
    persona = forms.CharField(required=False, max_length=300)
    tone = forms.CharField(required=False, max_length=120)
    language = forms.CharField(required=False, max_length=16)
    instruction = forms.CharField(required=False, max_length=1000)

    def __init__(self, *args: Any, project: Project, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._before = project.tasks.filter(task_type="script_generation").order_by("-created_at").first()

    def input_data(self) -> dict[str, Any]:
        before = dict(self._before.input_data) if self._before else {}
        for name in ("continue", "reword"):
            before.pop(name, None)
        seed = self.cleaned_data["seed"]
        if "persona" in self.data:  # the fields of a writing service stood in the form
            before |= {name: self.cleaned_data[name] for name in WISHES}
            before["language"] = before["language"] or "en"
        return before | {"minimum_seconds": self.cleaned_data["minutes"] * 60} | ({"seed": seed} if seed is not None else {})


class WindowForm(StudioForm):
    """The same file again, with another window, or with its columns mapped."""

    window = forms.ChoiceField(choices=WINDOWS)

    def __init__(self, *args: Any, project: Project, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._before = project.tasks.filter(task_type="trending_analysis").order_by("-created_at").first()

    def input_data(self) -> dict[str, Any]:
        before = dict(self._before.input_data) if self._before else {}
        mapping = mapping_of(self.data) or before.get("mapping", {})
        return before | {"window": self.cleaned_data["window"], "mapping": mapping}


class PlainForm(StudioForm):
    """A stage that asks nothing."""

    def input_data(self) -> dict[str, Any]:
        return {}


class CompositionForm(StudioForm):
    """How the video is coded; its captions, music and format are the project's. ``preview``: small, to be watched only."""

    caption_style = forms.ChoiceField(required=False, choices=CAPTION_STYLES)
    quality = forms.ChoiceField(required=False, choices=QUALITIES)
    codec = forms.ChoiceField(required=False, choices=VIDEO_CODECS)
    preview = forms.BooleanField(required=False)

    def input_data(self) -> dict[str, Any]:
        return {name: value for name, value in self.cleaned_data.items() if value}


def stage_form(task_type: str, data: Any, project: Project, files: Any = None) -> StudioForm:
    """Return the form that a stage's panel posts, bound to ``data``."""
    if task_type == "script_generation" and "script_text" in data:
        return OwnScriptForm(data, files)
    if task_type == "script_generation":
        return ThemesForm(data, project=project) if "rewrite" not in data else RewriteForm(data, project=project)
    if task_type == "trending_analysis":
        return WindowForm(data, project=project)
    if task_type == "video_composition":
        return CompositionForm(data)
    return PlainForm(data)
