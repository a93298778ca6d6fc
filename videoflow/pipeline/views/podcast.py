"""The podcast of a creator's episodes: a feed behind a secret address, and its files with ranges."""

from datetime import timedelta
from email.utils import format_datetime
from xml.etree import ElementTree

from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from videoflow.pipeline.channels.podcast import episodes_of
from videoflow.pipeline.exports import export_response, export_size
from videoflow.pipeline.models import Publication
from videoflow.providers.podcast import CHAPTERS, COVER, EPISODE, TRANSCRIPT

_ITUNES = "http://www.itunes.com/dtds/podcast-1.0.dtd"
_PODCAST = "https://podcastindex.org/namespace/1.0"
_ATOM = "http://www.w3.org/2005/Atom"
_EPISODES_MOST = 300
ElementTree.register_namespace("itunes", _ITUNES)
ElementTree.register_namespace("podcast", _PODCAST)
ElementTree.register_namespace("atom", _ATOM)


def _episodes(token: str) -> QuerySet[Publication]:
    rows = episodes_of(token)
    if rows is None:
        raise Http404
    return rows


@require_safe
def feed(request: HttpRequest, token: str) -> HttpResponse:
    """RSS 2.0 with the podcast namespaces, newest episode first."""
    rows = list(_episodes(token)[:_EPISODES_MOST])
    root = ElementTree.Element("rss", {"version": "2.0"})
    channel = ElementTree.SubElement(root, "channel")
    here = request.build_absolute_uri()
    _add(channel, "title", _("Videos as episodes"))
    _add(channel, "link", request.build_absolute_uri("/"))
    _add(channel, "description", _("Two hosts talk through what people are watching. Voices made by a machine."))
    _add(channel, "language", rows[0].metadata.get("language", "en") if rows else "en")
    _add(channel, "generator", "videoflow")
    _add(channel, f"{{{_ITUNES}}}explicit", "false")
    _add(channel, f"{{{_ITUNES}}}category", "", text="News")
    ElementTree.SubElement(channel, f"{{{_ATOM}}}link", {"href": here, "rel": "self", "type": "application/rss+xml"})
    if rows:
        ElementTree.SubElement(channel, f"{{{_ITUNES}}}image", {"href": _address(request, token, rows[0], COVER)})
    for row in rows:
        _item(channel, request, token, row)
    body = ElementTree.tostring(root, encoding="utf-8", xml_declaration=True)
    return HttpResponse(body, content_type="application/rss+xml; charset=utf-8", headers={"Cache-Control": "no-cache"})


def _item(channel: ElementTree.Element, request: HttpRequest, token: str, row: Publication) -> None:
    size_bytes = export_size(row, EPISODE)
    if size_bytes is None:
        return
    item = ElementTree.SubElement(channel, "item")
    _add(item, "title", str(row.metadata.get("title", "")))
    _add(item, "description", str(row.metadata.get("description", "")))
    _add(item, "pubDate", format_datetime(row.created_at))
    ElementTree.SubElement(item, "guid", {"isPermaLink": "false"}).text = row.remote_id or row.location
    facts = {"url": _address(request, token, row, EPISODE), "length": str(size_bytes), "type": "audio/mp4"}
    ElementTree.SubElement(item, "enclosure", facts)
    _add(item, f"{{{_ITUNES}}}duration", str(timedelta(seconds=int(row.video.seconds))))
    ElementTree.SubElement(item, f"{{{_ITUNES}}}image", {"href": _address(request, token, row, COVER)})
    transcript = {"url": _address(request, token, row, TRANSCRIPT), "type": "text/vtt"}
    ElementTree.SubElement(item, f"{{{_PODCAST}}}transcript", transcript)
    chapters = {"url": _address(request, token, row, CHAPTERS), "type": "application/json+chapters"}
    ElementTree.SubElement(item, f"{{{_PODCAST}}}chapters", chapters)


def _add(parent: ElementTree.Element, name: str, value: str, **attributes: str) -> None:
    element = ElementTree.SubElement(parent, name, attributes)
    element.text = "".join(char for char in value if char in "\n\t" or char.isprintable()) or None


def _address(request: HttpRequest, token: str, row: Publication, name: str) -> str:
    return request.build_absolute_uri(reverse("pipeline:podcast_file", args=[token, row.pk, name]))


@require_safe
def episode_file(request: HttpRequest, token: str, publication_id: int, name: str) -> HttpResponseBase:
    """A file of an episode, whole or in ranges."""
    row = get_object_or_404(_episodes(token), pk=publication_id)
    answer = export_response(request, row, name)
    if answer is None:
        raise Http404
    return answer
