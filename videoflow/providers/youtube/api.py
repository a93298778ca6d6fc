"""The ordinary calls to YouTube's API: each pays its quota before it is made, and refreshes its permission once."""

import json
import secrets
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any, Protocol

from videoflow.providers.base import CancelCheck
from videoflow.providers.net import Answer, Client, Connection, ServiceError, retry_after_read
from videoflow.providers.net.client import Method
from videoflow.providers.youtube.errors import YouTubeBusy, YouTubeRefused, error_read
from videoflow.providers.youtube.metadata import marker_file_name
from videoflow.providers.youtube.quota import COSTS, Bucket
from videoflow.sentences import Sentence

API = "youtube/v3"
UPLOAD = "upload/youtube/v3"
_ALL = range(200, 600)
_PAGE = 50
LOOK_BACK_PAGES = 4
"""So many pages of the newest uploads are looked through for a marker."""


class Token(Protocol):
    def __call__(self, *, renew: bool) -> str:
        """Return the access token; with ``renew`` a new one, whatever is at hand."""
        ...


Spend = Callable[[Bucket, int], None]
"""Books a cost before the call; raises QuotaSpent when the day's allowance does not hold it."""


def never() -> bool:
    return False


@dataclass(frozen=True, slots=True)
class CaptionTrack:
    """Captions of a language that a video has at YouTube."""

    track_id: str
    language: str
    name: str

    def is_of(self, language: str, name: str) -> bool:
        return self.language.lower() == language.lower() and self.name == name


@dataclass(frozen=True, slots=True)
class ChannelFacts:
    channel_id: str
    title: str
    uploads_playlist: str


class YouTube:
    """One channel's way to the API."""

    def __init__(
        self,
        base_url: str,
        *,
        token: Token,
        spend: Spend,
        now: Callable[[], datetime],
        cancelled: CancelCheck = never,
    ) -> None:
        self.client = Client(Connection("youtube", base_url))
        self.token = token
        self.spend = spend
        self.cancelled = cancelled
        self._now = now
        self.skew = timedelta(0)
        """How far YouTube's clock is ahead of ours."""

    def now(self) -> datetime:
        """Return the time by YouTube's clock, as far as its answers told it."""
        return self._now() + self.skew

    # Reading

    def channel_mine(self) -> ChannelFacts:
        """Return the channel of the permission.

        Raises:
            YouTubeRefused: the account has no channel.
        """
        found = self._list("channels", {"part": "snippet,contentDetails", "mine": "true"})
        if not found:
            raise YouTubeRefused(
                "This Google account has no YouTube channel. Make one at youtube.com, then connect again.",
                reason="youtubeSignupRequired",
                status=200,
            )
        first = found[0]
        uploads = str(first["contentDetails"]["relatedPlaylists"]["uploads"])
        return ChannelFacts(str(first["id"]), str(first["snippet"]["title"])[:200], uploads)

    def video_get(self, video_id: str, parts: str) -> dict[str, Any] | None:
        """Return a video's parts; None when YouTube does not have it any more."""
        found = self._list("videos", {"part": parts, "id": video_id})
        return found[0] if found else None

    def videos_get(self, video_ids: list[str], parts: str) -> list[dict[str, Any]]:
        """Return the parts of 50 videos at most."""
        return self._list("videos", {"part": parts, "id": ",".join(video_ids), "maxResults": _PAGE}) if video_ids else []

    def marked_find(self, uploads_playlist: str, *, marker: str, size_bytes: int, pages: int) -> list[str]:
        """Return the ids of the newest uploads that carry a marker, oldest first."""
        found: list[str] = []
        for page in self._pages("playlistItems", {"part": "contentDetails", "playlistId": uploads_playlist}, pages):
            ids = [str(item["contentDetails"]["videoId"]) for item in page]
            found += [
                str(video["id"]) for video in self.videos_get(ids, "snippet,fileDetails") if _carries(video, marker, size_bytes)
            ]
            if found:
                break
        return found[::-1]

    def _pages(self, resource: str, params: Mapping[str, Any], most: int = LOOK_BACK_PAGES) -> Iterator[list[dict[str, Any]]]:
        token: str | None = None
        for _ in range(most):
            answer = self._call(
                "GET", f"{API}/{resource}", f"{resource}.list", {**params, "maxResults": _PAGE, "pageToken": token}
            )
            yield [item for item in answer.get("items") or [] if isinstance(item, dict)]
            token = answer.get("nextPageToken")
            if not token:
                return

    def _list(self, resource: str, params: Mapping[str, Any]) -> list[dict[str, Any]]:
        answer = self._call("GET", f"{API}/{resource}", f"{resource}.list", params)
        return [item for item in answer.get("items") or [] if isinstance(item, dict)]

    # Changing

    def video_update(self, body: Mapping[str, Any], parts: str) -> None:
        """Replace whole parts of a video; what they leave out is erased."""
        self._call("PUT", f"{API}/videos", "videos.update", {"part": parts}, body=body)

    def thumbnail_set(self, video_id: str, picture: bytes) -> None:
        params = {"videoId": video_id, "uploadType": "media"}
        try:
            self._call("POST", f"{UPLOAD}/thumbnails/set", "thumbnails.set", params, content=picture, kind="image/jpeg")
        except YouTubeRefused as error:
            if error.reason != "forbidden":
                raise
            said = "YouTube took no thumbnail: the channel's phone number has to be confirmed first, at youtube.com/verify."
            raise YouTubeRefused(said, reason=error.reason, status=error.status) from error

    def captions_of(self, video_id: str) -> list[CaptionTrack]:
        """Return the captions that a video has, YouTube's own automatic ones left out."""
        rows = [
            (str(row["id"]), row.get("snippet", {})) for row in self._list("captions", {"part": "snippet", "videoId": video_id})
        ]
        return [
            CaptionTrack(track_id, str(snippet.get("language", "")), str(snippet.get("name", "")))
            for track_id, snippet in rows
            if str(snippet.get("trackKind", "")).lower() != "asr"
        ]

    def captions_put(self, video_id: str, *, language: str, name: str, text: bytes, there: Sequence[CaptionTrack]) -> None:
        """Add captions of a language, or replace those of the same name among what is ``there``.

        Raises:
            YouTubeRefused: it cannot read them.
            YouTubeBusy: it has them already and does not list them yet.
        """
        snippet = {"videoId": video_id, "language": language, "name": name, "isDraft": False}
        known = next((track for track in there if track.is_of(language, name)), None)
        verb: Method = "PUT" if known else "POST"
        body = {"id": known.track_id, "snippet": snippet} if known else {"snippet": snippet}
        border = f"videoflow-{secrets.token_hex(12)}"
        head = f"--{border}\r\nContent-Type: application/json; charset=UTF-8\r\n\r\n{json.dumps(body)}\r\n"
        middle = f"--{border}\r\nContent-Type: application/octet-stream\r\n\r\n"
        content = head.encode() + middle.encode() + text + f"\r\n--{border}--\r\n".encode()
        cost = "captions.update" if known else "captions.insert"
        params = {"part": "snippet", "uploadType": "multipart"}
        kind = f"multipart/related; boundary={border}"
        try:
            answer = self._call(verb, f"{UPLOAD}/captions", cost, params, content=content, kind=kind)
        except YouTubeRefused as error:
            if error.reason != "captionExists":
                raise
            raise YouTubeBusy(Sentence("YouTube has captions in “%(name)s” and does not list them yet.", name=name)) from error
        if answer.get("snippet", {}).get("status") == "failed":
            said = Sentence("YouTube could not read the captions in “%(name)s”. Bring another file.", name=name)
            raise YouTubeRefused(said, reason=str(answer["snippet"].get("failureReason", "failed")), status=200)

    def captions_drop(self, track: CaptionTrack) -> None:
        """Take captions away; that somebody did so before is fine."""
        try:
            self._call("DELETE", f"{API}/captions", "captions.delete", {"id": track.track_id})
        except YouTubeRefused as error:
            if error.reason != "captionNotFound":
                raise

    def playlist_find(self, title: str) -> str:
        """Return the id of the channel's playlist of that title; empty when there is none."""
        for page in self._pages("playlists", {"part": "snippet", "mine": "true"}):
            for row in page:
                if str(row.get("snippet", {}).get("title", "")).strip().lower() == title.strip().lower():
                    return str(row["id"])
        return ""

    def playlist_id(self, title: str) -> str:
        """Return the id of the channel's playlist of that title, made now (public) when there is none."""
        if found := self.playlist_find(title):
            return found
        body = {"snippet": {"title": title}, "status": {"privacyStatus": "public"}}
        return str(self._call("POST", f"{API}/playlists", "playlists.insert", {"part": "snippet,status"}, body=body)["id"])

    def playlist_add(self, playlist_id: str, video_id: str) -> None:
        """Put a video into a playlist, once."""
        for page in self._pages("playlistItems", {"part": "contentDetails", "playlistId": playlist_id}):
            if any(item.get("contentDetails", {}).get("videoId") == video_id for item in page):
                return
        body = {"snippet": {"playlistId": playlist_id, "resourceId": {"kind": "youtube#video", "videoId": video_id}}}
        try:
            self._call("POST", f"{API}/playlistItems", "playlistItems.insert", {"part": "snippet"}, body=body)
        except YouTubeRefused as error:
            if error.reason != "videoAlreadyInPlaylist":
                raise

    def playlist_leave(self, playlist_id: str, video_id: str) -> None:
        """Take a video out of a playlist; that somebody did so before is fine."""
        for row in self._list("playlistItems", {"part": "id", "playlistId": playlist_id, "videoId": video_id}):
            try:
                self._call("DELETE", f"{API}/playlistItems", "playlistItems.delete", {"id": row["id"]})
            except YouTubeRefused as error:
                if error.reason != "playlistItemNotFound":
                    raise

    # One call

    def _call(
        self,
        verb: Method,
        path: str,
        cost: str,
        params: Mapping[str, Any],
        *,
        body: Mapping[str, Any] | None = None,
        content: bytes | None = None,
        kind: str = "",
    ) -> dict[str, Any]:
        """Make a call and return its value.

        Raises:
            QuotaSpent, UploadLimit: wait.
            YouTubeBusy: try again.
            ReconnectNeeded, YouTubeRefused: a person has to do something.
        """
        bucket, units = COSTS[cost]
        headers = {"Content-Type": kind} if kind else {}
        for is_again in (False, True):
            self.spend(bucket, units)
            signed = {**headers, "Authorization": f"Bearer {self.token(renew=is_again)}"}
            try:
                answer = self.client.request(
                    verb, path, params=params, json=body, content=content, headers=signed, accept=_ALL, cancelled=self.cancelled
                )
            except ServiceError as error:
                raise YouTubeBusy(str(error)) from error
            self.clock_read(answer)
            if answer.status != 401 or is_again:
                break
        if not 200 <= answer.status < 300:
            wait = retry_after_read(answer.headers)
            raise error_read(status=answer.status, body=answer.body, now=self.now(), bucket=bucket, retry_after_seconds=wait)
        try:
            value = json.loads(answer.body) if answer.body else {}
        except ValueError:
            value = None
        if not isinstance(value, dict):
            raise YouTubeBusy("YouTube answered with something that is not its API.")
        return value

    def clock_read(self, answer: Answer) -> None:
        """Learn from an answer how far YouTube's clock is from ours; a few seconds are the way itself."""
        try:
            skew = parsedate_to_datetime(answer.headers.get("date", "")) - self._now()
        except (TypeError, ValueError):
            return
        self.skew = skew if abs(skew) > timedelta(seconds=30) else timedelta(0)


def _carries(video: Mapping[str, Any], marker: str, size_bytes: int) -> bool:
    """Say whether a video is ours: by its tag, or by the name and the size of its file."""
    if marker in (video.get("snippet", {}).get("tags") or []):
        return True
    details = video.get("fileDetails") or {}
    return details.get("fileName") == marker_file_name(marker) and details.get("fileSize") in (None, str(size_bytes))
