"""Everything that the creator's projects show and play, to be used again."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from django.db.models import Case, F, IntegerField, Q, QuerySet, Value, When, Window
from django.db.models.functions import RowNumber

from videoflow.pipeline.models import Asset
from videoflow.pipeline.selectors import Sessions, assets_of

LibraryKind = Literal["picture", "music"]
PAGE_SIZE = 24
_KINDS: dict[LibraryKind, tuple[Asset.Kind, ...]] = {
    "picture": (Asset.Kind.IMAGE, Asset.Kind.CLIP),
    "music": (Asset.Kind.MUSIC,),
}


@dataclass(frozen=True, slots=True)
class LibraryPage:
    assets: Sequence[Asset]
    number: int
    has_more: bool


def library_page(sessions: Sessions, kind: LibraryKind, *, search: str = "", own: bool = False, number: int = 1) -> LibraryPage:
    """Return a page of files, each content once, the creator's own first, then the newest; two queries.

    ``search`` looks at names, descriptions and titles of projects.
    """
    files = assets_of(sessions).filter(kind__in=_KINDS[kind])
    if own:
        files = files.filter(origin=Asset.UPLOAD)
    for word in search.split()[:8]:
        files = files.filter(Q(name__icontains=word) | Q(alt__icontains=word) | Q(project__title__icontains=word))
    first = (number - 1) * PAGE_SIZE
    shown = list(_each_once(files).select_related("project")[first : first + PAGE_SIZE + 1])
    return LibraryPage(shown[:PAGE_SIZE], number, len(shown) > PAGE_SIZE)


def _each_once(files: QuerySet[Asset]) -> QuerySet[Asset]:
    """Return one row of each content: the same picture is in several projects when it was used again."""
    place = Window(RowNumber(), partition_by=[F("sha256"), F("kind")], order_by=[F("created_at").desc(), F("pk").asc()])
    rank = Case(When(origin=Asset.UPLOAD, then=Value(0)), default=Value(1), output_field=IntegerField())
    return files.annotate(place=place, rank=rank).filter(place=1).order_by("rank", "-created_at", "pk")
