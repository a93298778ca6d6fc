"""What the pages' templates need beyond Django's own: icons of the sprite, and figures as people read them."""

from datetime import date, datetime, timedelta
from functools import lru_cache

from django import template
from django.templatetags.static import static
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext, pgettext

from videoflow.pipeline import stages
from videoflow.pipeline.board import Board, StageState
from videoflow.pipeline.metadata import clock as _clock
from videoflow.pipeline.models import Asset
from videoflow.pipeline.selectors import ProjectCard
from videoflow.providers.services import service_label
from videoflow.tasks.models import Task
from videoflow.translation import translated

register = template.Library()
_BYTE_UNITS = ("B", "KB", "MB", "GB", "TB")
_COUNT_UNITS = ((1_000_000_000, gettext_lazy("B")), (1_000_000, gettext_lazy("M")), (1_000, gettext_lazy("K")))
_STATE_LABELS = {
    "completed": gettext_lazy("Done"),
    "in_progress": gettext_lazy("Running"),
    "retrying": gettext_lazy("Trying again"),
    "pending": gettext_lazy("Waiting"),
    "failed": gettext_lazy("Failed"),
    "cancelled": gettext_lazy("Cancelled"),
    "skipped": gettext_lazy("Not needed"),
    "idle": gettext_lazy("Ready to start"),
    "blocked": gettext_lazy("Later"),
}


@register.simple_tag
@lru_cache(maxsize=512)  # a page draws up to a thousand, mostly the same
def icon(name: str, classes: str = "") -> SafeString:
    """Draw an icon of the sprite; it is decoration, so screen readers skip it."""
    return format_html(
        '<svg class="icon {}" aria-hidden="true" focusable="false"><use href="{}#{}"></use></svg>',
        classes,
        static("icons/sprite.svg"),
        name,
    )


register.filter("said", translated)


@register.filter
def clock(seconds: float | None) -> str:
    """``m:ss`` or ``h:mm:ss``; a dash when unknown."""
    return "–" if seconds is None else _clock(float(seconds))


@register.filter
def span(seconds: float | None) -> str:
    """A length of time in words: ``8 s``, ``2 min 05 s``, ``1 h 10 min``; empty when unknown."""
    if seconds is None:
        return ""
    whole = max(0, int(seconds))
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02} min"


@register.filter
def about(seconds: float | None) -> str:
    """An estimate, said as roughly as it is known: ``under a minute``, ``about 3 min``."""
    if seconds is None:
        return ""
    if seconds < 50:
        return _("under a minute")
    minutes = max(1, round(seconds / 60))
    if minutes < 90:
        return _("about %(minutes)s min") % {"minutes": minutes}
    return _("about %(hours)s h") % {"hours": round(minutes / 60)}


def _written(figure: float, digits: int = 0) -> str:
    """Return a figure as the language of the page writes it: ``1,234.5`` or ``1.234,5``."""
    point, comma = pgettext("decimal separator", "."), pgettext("thousands separator", ",")
    return f"{figure:,.{digits}f}".translate({ord("."): point, ord(","): comma})


@register.filter
def compact(count: float | None) -> str:
    """A count in three figures: ``1.24M``, ``38.1K``, ``912``."""
    if count is None:
        return "–"
    for size, unit in _COUNT_UNITS:
        if abs(count) >= size * 0.9995:
            value = count / size
            digits = 2 if abs(value) < 9.995 else 1 if abs(value) < 99.95 else 0
            return f"{_written(value, digits)}{unit}"
    return _written(count)


@register.filter
def grouped(count: float | None) -> str:
    """A count with its thousands set apart."""
    return "–" if count is None else _written(count)


@register.filter
def bytesize(size_bytes: int | None) -> str:
    """``58.2 MB``; powers of 1,000, as file managers count."""
    if size_bytes is None:
        return "–"
    value = float(size_bytes)
    for unit in _BYTE_UNITS:
        if value < 1000 or unit == _BYTE_UNITS[-1]:
            return f"{_written(value, 0 if unit in {'B', 'KB'} or value >= 100 else 1)} {unit}"
        value /= 1000
    raise AssertionError("the last unit takes every size")


@register.filter
def percent(share: float | None) -> str:
    """A share of 1 as whole per cent."""
    return "–" if share is None else f"{share * 100:.0f}"


@register.filter
def ago(moment: datetime | None) -> str:
    """How long ago, in words; a date once it is more than a week."""
    if moment is None:
        return ""
    passed = timezone.now() - moment
    if passed < timedelta(minutes=1):
        return _("just now")
    if passed < timedelta(hours=1):
        return _("%(count)s min ago") % {"count": passed.seconds // 60}
    if passed < timedelta(days=1):
        return _("%(count)s h ago") % {"count": passed.seconds // 3600}
    if passed < timedelta(days=2):
        return _("yesterday")
    if passed < timedelta(days=7):
        return ngettext("%(count)s day ago", "%(count)s days ago", passed.days) % {"count": passed.days}
    return date_format(moment, _("j M Y"))


@register.filter
def day(iso_date: str) -> str:
    """An ISO date as a person writes it, ``16 Aug 2020``; anything else as it stands."""
    try:
        moment = date.fromisoformat(str(iso_date)[:10])
    except ValueError:
        return str(iso_date)
    return date_format(moment, _("j M Y"))


@register.filter
def words(name: str) -> str:
    """A machine's word as a person writes it: ``in_progress`` becomes ``In progress``."""
    text = str(name).replace("_", " ").replace("-", " ").strip()
    return text[:1].upper() + text[1:]


@register.filter
def state_icon(state: str) -> str:
    """The icon of a stage's or task's state."""
    return {
        "completed": "circle-check",
        "in_progress": "loader-circle",
        "retrying": "rotate-ccw",
        "pending": "clock",
        "failed": "circle-alert",
        "cancelled": "ban",
        "skipped": "circle-dashed",
    }.get(state, "circle")


@register.filter
def state_label(state: str) -> str:
    """The word for a stage's or task's state."""
    return str(_STATE_LABELS.get(state) or words(state))


@register.filter
def stage_task(card: ProjectCard, name: str) -> Task | None:
    """The newest task of a stage of a project in the history."""
    return card.tasks.get(name)


@register.filter
def stage_label(name: str) -> str:
    """The stage's word for people; a stage that is not installed any more keeps its name."""
    return str(next((stage.label for stage in stages.load() if stage.name == name), words(name)))


@register.filter
def inside(label: str) -> str:
    """A label within a sentence: small, but in languages that write their nouns large."""
    return label.lower() if pgettext("labels are written small within a sentence: yes or no", "yes") == "yes" else str(label)


@register.filter
def stage_of(board: Board, name: str) -> StageState | None:
    """The state of a stage by its name; None when there is no such stage."""
    return next((state for state in board.stages if state.name == name), None)


@register.filter
def stage_before(board: Board, name: str) -> str:
    """The label of the stage that has to come first."""
    names = [state.name for state in board.stages]
    return inside(str(board.stages[max(0, names.index(name) - 1)].stage.label))


@register.filter
def asset_url(asset: Asset) -> str:
    """The address of a file; its owner alone gets it."""
    return reverse("pipeline:asset_file", args=[asset.pk, asset.name])


@register.filter
def written_by(provider: str) -> str:
    """Who wrote a script, from ``service/model``: ``OpenAI (gpt-…)``."""
    service, _slash, model = provider.partition("/")
    return f"{service_label(service)} ({model})" if model else service_label(service)
