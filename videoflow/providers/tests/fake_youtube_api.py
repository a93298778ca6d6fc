"""The fake's answers to the ordinary calls: lists, updates, thumbnails, captions, playlists."""

import secrets
from email.message import Message
from typing import Any

from videoflow.providers.tests.fake_youtube_world import Session, World

Answer = tuple[int, Any, dict[str, str]]
Query = dict[str, list[str]]
MUTABLE = ("snippet", "status", "localizations", "recordingDetails", "paidProductPlacementDetails")


class Api:
    def __init__(self, world: World, address: str) -> None:
        self.world = world
        self.address = address

    def answer(self, verb: str, path: str, query: Query, body: Any, media: bytes, channel: str, headers: Message) -> Answer:
        name = path.removeprefix("/v2/").split("/v3/")[-1].replace("/", "_")
        found = getattr(self, f"{verb.lower()}_{name}", None)
        if found is None:
            return self.refuse(404, "notFound")
        answered: Answer = found(query, body, media, channel, headers)
        return answered

    def refuse(self, status: int, reason: str) -> Answer:
        entry = {"message": reason, "domain": "youtube", "reason": reason}
        return status, {"error": {"code": status, "message": reason, "errors": [entry]}}, {}

    def post_videos(self, query: Query, body: Any, media: bytes, channel: str, headers: Message) -> Answer:
        if problem := self._metadata_fault(body):
            return self.refuse(400, problem)
        if body.get("status", {}).get("privacyStatus") != "private":
            self.world.complaints.append("a video is begun that is not private")
        total = int(headers["X-Upload-Content-Length"])
        if headers["X-Upload-Content-Type"] != "video/mp4":
            self.world.complaints.append("no type of content")
        upload_id = secrets.token_urlsafe(40)
        self.world.sessions[upload_id] = Session(body, total, str(headers.get("Slug", "")), channel)
        part = query["part"][0]
        location = f"{self.address}/upload/youtube/v3/videos?uploadType=resumable&part={part}&upload_id={upload_id}"
        return 200, None, {"Location": location}

    def _metadata_fault(self, body: Any) -> str:
        snippet = body.get("snippet", {})
        tags = snippet.get("tags", [])
        texts = [snippet.get("title", ""), snippet.get("description", "")]
        if not 1 <= len(texts[0]) <= 100 or any(sign in texts[0] for sign in "<>"):
            return "invalidTitle"
        if len(texts[1].encode()) > 5000 or any(sign in texts[1] for sign in "<>"):
            return "invalidDescription"
        if sum(len(tag) + (2 if " " in tag else 0) for tag in tags) + max(0, len(tags) - 1) > 500:
            return "invalidTags"
        if not snippet.get("categoryId"):
            return "invalidVideoMetadata"
        if body.get("localizations") and not snippet.get("defaultLanguage"):
            return "defaultLanguageNotSet"
        for row in body.get("localizations", {}).values():
            if not 1 <= len(row["title"]) <= 100 or len(row["description"].encode()) > 5000:
                return "invalidVideoMetadata"
        status = body.get("status", {})
        if status.get("publishAt") and status.get("privacyStatus") != "private":
            return "invalidPublishAt"
        return ""

    def get_videos(self, query: Query, body: Any, media: bytes, channel: str, headers: Message) -> Answer:
        parts = set(query["part"][0].split(","))
        items = []
        for video_id in query["id"][0].split(","):
            video = self.world.videos.get(video_id)
            if video is None:
                continue
            shown = {"id": video_id, **{part: video[part] for part in parts if part in video}}
            if shown.get("localizations"):  # the video's own language stands among them
                own = {name: video["snippet"].get(name, "") for name in ("title", "description")}
                shown["localizations"] = {video["snippet"]["defaultLanguage"]: own, **shown["localizations"]}
            if parts & {"processingDetails"}:
                video["polls"] += 1
                done = video["polls"] >= self.world.polls_until_processed
                state = dict(self.world.end_status) if done else {"uploadStatus": "uploaded"}
                shown["status"] = {**video["status"], **state}
                is_good = state["uploadStatus"] == "processed"
                processing = "succeeded" if is_good else ("failed" if done else "processing")
                shown["processingDetails"] = {"processingStatus": processing}
                if not done:
                    shown["processingDetails"]["processingProgress"] = {
                        "partsTotal": "100",
                        "partsProcessed": "40",
                        "timeLeftMs": "9000",
                    }
            items.append(shown)
        return 200, {"kind": "youtube#videoListResponse", "items": items}, {}

    def put_videos(self, query: Query, body: Any, media: bytes, channel: str, headers: Message) -> Answer:
        video = self.world.videos.get(body["id"])
        if video is None:
            return self.refuse(404, "videoNotFound")
        if "snippet" in body and (problem := self._metadata_fault({**body, "status": {}})):
            return self.refuse(400, problem)
        parts = query["part"][0].split(",")
        for part in MUTABLE:
            if part in parts:
                kept = {"channelId": channel} if part == "snippet" else {}
                video[part] = {**kept, **body.get(part, {})}
        if "status" in parts:
            video["status"] = {"license": "youtube", "privacyStatus": "public", **video["status"]}
        self.world.lock(body["id"])
        return 200, {"id": body["id"], **{part: body.get(part, {}) for part in parts}}, {}

    def get_reports(self, query: Query, body: Any, media: bytes, channel: str, headers: Message) -> Answer:
        """What viewers watch on average: kept with a video under ``stays``, as seconds and per cent."""
        if "yt-analytics.readonly" not in self.world.scope:
            return self.refuse(403, "insufficientPermissions")
        if query["ids"] != ["channel==MINE"] or query["dimensions"] != ["video"] or not query["startDate"] <= query["endDate"]:
            self.world.complaints.append(f"a report of another kind: {query}")
        names = ["video", *query["metrics"][0].split(",")]
        rows = []
        for video_id in query["filters"][0].removeprefix("video==").split(","):
            video = self.world.videos.get(video_id, {})
            if "stays" in video:
                facts = {"views": 7, "averageViewDuration": video["stays"][0], "averageViewPercentage": video["stays"][1]}
                rows.append([video_id, *(facts[name] for name in names[1:])])
        kinds = ["DIMENSION", *("METRIC" for _ in names[1:])]
        columns = [{"name": name, "columnType": kind} for name, kind in zip(names, kinds, strict=True)]
        return 200, {"kind": "youtubeAnalytics#resultTable", "columnHeaders": columns, **({"rows": rows} if rows else {})}, {}

    def get_channels(self, query: Query, body: Any, media: bytes, channel: str, headers: Message) -> Answer:
        title = self.world.channels[channel]
        uploads = {"relatedPlaylists": {"uploads": f"UU{channel[2:]}"}}
        return 200, {"items": [{"id": channel, "snippet": {"title": title}, "contentDetails": uploads}]}, {}

    def get_playlistItems(self, query: Query, body: Any, media: bytes, channel: str, headers: Message) -> Answer:
        playlist = query["playlistId"][0]
        if not playlist.startswith("UU"):
            entries = self.world.playlists.get(playlist, {"videos": []})["videos"]
            items = [{"id": f"{playlist}.{video_id}", "contentDetails": {"videoId": video_id}} for video_id in entries]
            wanted = query.get("videoId", entries)
            return 200, {"items": [item for item in items if item["contentDetails"]["videoId"] in wanted]}, {}
        listed = []
        for video in reversed(list(self.world.videos.values())):
            if video["channel"] != channel:
                continue
            video["looks"] += 1
            if video["looks"] > self.world.polls_until_listed:
                listed.append(video["id"])
        size, start = int(query.get("maxResults", ["5"])[0]), int(query.get("pageToken", ["0"])[0])
        items = [{"contentDetails": {"videoId": video_id}} for video_id in listed[start : start + size]]
        more = {"nextPageToken": str(start + size)} if start + size < len(listed) else {}
        return 200, {"items": items, **more}, {}

    def post_playlistItems(self, query: Query, body: Any, media: bytes, channel: str, headers: Message) -> Answer:
        snippet = body["snippet"]
        playlist = self.world.playlists.get(snippet["playlistId"])
        if playlist is None:
            return self.refuse(404, "playlistNotFound")
        video_id = snippet["resourceId"]["videoId"]
        if video_id in playlist["videos"]:
            return self.refuse(409, "videoAlreadyInPlaylist")
        playlist["videos"].append(video_id)
        return 200, {"id": secrets.token_hex(8)}, {}

    def delete_playlistItems(self, query: Query, body: Any, media: bytes, channel: str, headers: Message) -> Answer:
        playlist, _, video_id = query["id"][0].partition(".")
        videos = self.world.playlists.get(playlist, {"videos": []})["videos"]
        if video_id not in videos:
            return self.refuse(404, "playlistItemNotFound")
        videos.remove(video_id)
        return 204, None, {}

    def get_playlists(self, query: Query, body: Any, media: bytes, channel: str, headers: Message) -> Answer:
        items = [{"id": key, "snippet": {"title": row["title"]}} for key, row in self.world.playlists.items()]
        return 200, {"items": items}, {}

    def post_playlists(self, query: Query, body: Any, media: bytes, channel: str, headers: Message) -> Answer:
        key = f"PL{secrets.token_hex(8)}"
        self.world.playlists[key] = {"title": body["snippet"]["title"], "videos": []}
        return 200, {"id": key, "snippet": body["snippet"]}, {}

    def post_thumbnails_set(self, query: Query, body: Any, media: bytes, channel: str, headers: Message) -> Answer:
        if query["videoId"][0] not in self.world.videos:
            return self.refuse(404, "videoNotFound")
        if not media.startswith(b"\xff\xd8") or len(media) > 2_097_152:
            return self.refuse(400, "invalidImage")
        self.world.thumbnails[query["videoId"][0]] = media
        return 200, {"items": [{"default": {"url": "https://i.ytimg.com/vi/x/default.jpg"}}]}, {}

    def get_captions(self, query: Query, body: Any, media: bytes, channel: str, headers: Message) -> Answer:
        rows = [row for row in self.world.captions.values() if row["snippet"]["videoId"] == query["videoId"][0]]
        return 200, {"items": [{"id": row["id"], "snippet": row["snippet"]} for row in rows]}, {}

    def post_captions(self, query: Query, body: Any, media: bytes, channel: str, headers: Message) -> Answer:
        snippet = body["snippet"]
        if snippet["videoId"] not in self.world.videos:
            return self.refuse(404, "videoNotFound")
        for row in self.world.captions.values():
            if all(row["snippet"].get(name) == snippet.get(name) for name in ("videoId", "language", "name")):
                return self.refuse(409, "captionExists")
        key = secrets.token_hex(8)
        self.world.captions[key] = {"id": key, "snippet": snippet, "text": media}
        return 200, {"id": key, "snippet": snippet}, {}

    def put_captions(self, query: Query, body: Any, media: bytes, channel: str, headers: Message) -> Answer:
        row = self.world.captions.get(body["id"])
        if row is None:
            return self.refuse(404, "captionNotFound")
        row["text"] = media
        return 200, {"id": row["id"], "snippet": row["snippet"]}, {}

    def delete_captions(self, query: Query, body: Any, media: bytes, channel: str, headers: Message) -> Answer:
        if self.world.captions.pop(query["id"][0], None) is None:
            return self.refuse(404, "captionNotFound")
        return 204, None, {}
