"""What the fake YouTube knows, how it behaves, and which faults are queued."""

import hashlib
import secrets
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

Faults = Callable[[str], str]
"""``faults(operation)``: the fault of the next such request, or an empty text."""


@dataclass
class Session:
    resource: dict[str, Any]
    total: int
    file_name: str
    channel: str
    stored: bytearray = field(default_factory=bytearray)
    video_id: str = ""
    is_gone: bool = False


@dataclass
class World:
    """What YouTube knows, and how it behaves."""

    channels: dict[str, str] = field(default_factory=lambda: {"UCfakechannel000000000001": "Tiny forests"})
    channel: str = "UCfakechannel000000000001"
    """The one that a new sign-in chooses."""
    scope: str = "https://www.googleapis.com/auth/youtube.force-ssl https://www.googleapis.com/auth/yt-analytics.readonly"
    videos: dict[str, dict[str, Any]] = field(default_factory=dict)
    sessions: dict[str, Session] = field(default_factory=dict)
    playlists: dict[str, dict[str, Any]] = field(default_factory=dict)
    captions: dict[str, dict[str, Any]] = field(default_factory=dict)
    thumbnails: dict[str, bytes] = field(default_factory=dict)
    refresh_tokens: dict[str, str] = field(default_factory=dict)
    access_tokens: dict[str, str] = field(default_factory=dict)
    codes: dict[str, dict[str, str]] = field(default_factory=dict)
    polls_until_processed: int = 1
    polls_until_listed: int = 0
    """So many looks into the uploads playlist before a new video stands in it."""
    end_status: dict[str, str] = field(default_factory=lambda: {"uploadStatus": "processed"})
    lock_private: bool = False
    rotate_location: bool = False
    faults: deque[tuple[str, str]] = field(default_factory=deque)
    fault_of: Faults | None = None
    landed: list[tuple[str, str]] = field(default_factory=list)
    requests: list[tuple[str, str, int]] = field(default_factory=list)
    """(operation, path with query, status) in their order."""
    body_bytes: int = 0
    """Of videos, as far as they came."""
    wire_bytes: int = 0
    """All that came: request lines, headers and bodies."""
    complaints: list[str] = field(default_factory=list)

    def fault(self, operation: str, kind: str) -> None:
        """Let the next request of that operation go wrong; several queue up."""
        self.faults.append((operation, kind))

    def fault_take(self, operation: str) -> str:
        kind = ""
        for entry in self.faults:
            if entry[0] == operation:
                self.faults.remove(entry)
                kind = entry[1]
                break
        if not kind and self.fault_of:
            kind = self.fault_of(operation)
        if kind:
            self.landed.append((operation, kind))
        return kind

    def token_make(self, channel: str) -> str:
        token = f"ya29.{secrets.token_urlsafe(40)}"
        self.access_tokens[token] = channel
        return token

    def video_add(self, session: Session) -> str:
        video_id = secrets.token_urlsafe(8)[:11]
        wanted = session.resource
        self.videos[video_id] = {
            "id": video_id,
            "channel": session.channel,
            "sha256": hashlib.sha256(session.stored).hexdigest(),
            "snippet": {"channelId": session.channel, **wanted.get("snippet", {})},
            "status": {"embeddable": True, "license": "youtube", "privacyStatus": "public", **wanted.get("status", {})},
            "localizations": wanted.get("localizations", {}),
            "fileDetails": {"fileName": session.file_name, "fileSize": str(session.total)},
            "statistics": {"viewCount": "0", "likeCount": "0", "commentCount": "0"},
            "polls": 0,
            "looks": 0,
            "was_public_before_processed": False,
        }
        self.lock(video_id)
        session.video_id = video_id
        session.stored = bytearray()
        return video_id

    def lock(self, video_id: str) -> None:
        status = self.videos[video_id]["status"]
        if self.lock_private:
            status["privacyStatus"] = "private"
            status.pop("publishAt", None)
        if status["privacyStatus"] == "public" and self.videos[video_id]["polls"] < self.polls_until_processed:
            self.videos[video_id]["was_public_before_processed"] = True
