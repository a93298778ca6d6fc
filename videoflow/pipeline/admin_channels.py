"""Channels, uploads with their journals, and what was spent of YouTube's allowance, to read. No token and no session address."""

from django.contrib import admin
from django.utils.html import format_html_join
from django.utils.safestring import SafeString

from videoflow.pipeline.models import Channel, QuotaUse, YouTubeUpload
from videoflow.sessions.admin import ReadOnlyAdmin


@admin.register(Channel)
class ChannelAdmin(ReadOnlyAdmin):
    list_display = ("title", "channel_id", "state", "connected_at")
    list_filter = ("state",)
    search_fields = ("title", "channel_id")
    fields = ("title", "channel_id", "session", "state", "problem", "scopes", "time_zone", "slots", "missed_rule", "connected_at")


@admin.register(YouTubeUpload)
class YouTubeUploadAdmin(ReadOnlyAdmin):
    list_display = ("marker", "channel", "state", "remote_id", "confirmed_bytes", "size_bytes", "sessions_begun", "begun_at")
    list_filter = ("state",)
    list_select_related = ("channel",)
    search_fields = ("marker", "remote_id", "sha256")
    fields = (
        *(
            "marker",
            "channel",
            "video",
            "task",
            "state",
            "remote_id",
            "run",
            "sha256",
            "size_bytes",
            "confirmed_bytes",
            "sent_bytes",
        ),
        *("sessions_begun", "is_whole_sent", "begun_at", "uploaded_at", "journal"),
    )

    @admin.display(description="journal")
    def journal(self, upload: YouTubeUpload) -> SafeString:
        rows = ((f"{note.created_at:%Y-%m-%d %H:%M:%S}", note.text) for note in upload.notes.all())
        return format_html_join("", "<div>{} {}</div>", rows)


@admin.register(QuotaUse)
class QuotaUseAdmin(ReadOnlyAdmin):
    list_display = ("day", "bucket", "used", "is_spent")
    list_filter = ("bucket", "is_spent")
    date_hierarchy = "day"
    fields = ("day", "bucket", "used", "is_spent", "client")
