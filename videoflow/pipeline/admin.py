"""Projects and what the stages made of them, to read: no row changes here, no file is served here.

What became of a paid call that nobody knows about is decided here, by whoever may change calls.
"""

from typing import Any, ClassVar
from uuid import UUID

from django.contrib import admin, messages
from django.contrib.admin.utils import unquote
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.defaultfilters import filesizeformat
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.views.decorators.http import require_POST

from videoflow.errors import BadInput
from videoflow.pipeline.admin_channels import ChannelAdmin as ChannelAdmin
from videoflow.pipeline.admin_prices import ServicePriceAdmin as ServicePriceAdmin
from videoflow.pipeline.models import (
    Asset,
    Project,
    ProviderCall,
    Publication,
    Scene,
    Script,
    SourceFile,
    Theme,
    TrendReport,
    Turn,
    Video,
)
from videoflow.pipeline.money import money_shown
from videoflow.pipeline.unknown_calls import call_ask_again, call_leave
from videoflow.sessions.admin import ReadOnlyAdmin, ReadOnlyInline, json_shown
from videoflow.tasks.admin import duration_shown, status_shown
from videoflow.tasks.models import Task


def _link(kind: str, row: Any) -> SafeString | str:
    """Return a link to a row's own page; a dash when there is none."""
    if row is None:
        return "–"
    return format_html('<a href="{}">{}</a>', reverse(f"admin:{kind}_change", args=[row.pk]), row)


class _OfProject(ReadOnlyAdmin):
    """What belongs to a project: found by its id or title, told apart by date.

    Without ``date_hierarchy``, which looks at each row's day: 10,000 projects' files took it half a second for every page.
    """

    list_select_related: ClassVar[tuple[str, ...]] = ("project",)

    @admin.display(description="project", ordering="project__title")
    def project_link(self, row: Any) -> SafeString | str:
        return _link("pipeline_project", row.project)

    @admin.display(description="task")
    def task_link(self, row: Any) -> SafeString | str:
        return _link("tasks_task", row.task)


class TaskInline(ReadOnlyInline):
    model = Task
    fields = ("link", "shown_status", "progress", "message", "attempt", "created_at", "completed_at")
    readonly_fields = fields
    ordering = ("created_at",)

    @admin.display(description="task")
    def link(self, task: Task) -> SafeString | str:
        return _link("tasks_task", task)

    @admin.display(description="status")
    def shown_status(self, task: Task) -> SafeString:
        return status_shown(task.status)


@admin.register(Project)
class ProjectAdmin(ReadOnlyAdmin):
    list_display = ("title", "id", "session_link", "aspect", "minimum", "language", "created", "updated_at")
    list_filter = ("aspect", "language", "created_at")
    list_select_related = ("session",)
    search_fields = ("id", "title", "session__id")
    search_help_text = "Words of a title, or the id of a project or session"
    inlines = (TaskInline,)
    fields = (
        *("id", "title", "session_link", "language", "aspect", "minimum", "seed", "shown_hosts", "shown_look"),
        *("last_panel", "created_at", "updated_at"),
    )

    @admin.display(description="session")
    def session_link(self, project: Project) -> SafeString | str:
        return _link("creator_sessions_creatorsession", project.session)

    @admin.display(description="minimum length", ordering="minimum_seconds")
    def minimum(self, project: Project) -> str:
        return duration_shown(project.minimum_seconds)

    @admin.display(description="hosts")
    def shown_hosts(self, project: Project) -> SafeString | str:
        return json_shown(project.hosts)

    @admin.display(description="look")
    def shown_look(self, project: Project) -> SafeString | str:
        return json_shown(project.look)


@admin.register(SourceFile)
class SourceFileAdmin(ReadOnlyAdmin):
    list_display = ("name", "session", "size", "created")
    list_select_related = ("session",)
    search_fields = ("id", "name", "session__id", "sha256")
    date_hierarchy = "created_at"
    fields = ("id", "name", "session", "path", "sha256", "size", "created_at")

    @admin.display(description="size", ordering="size_bytes")
    def size(self, file: SourceFile) -> str:
        return filesizeformat(file.size_bytes)


class ThemeInline(ReadOnlyInline):
    model = Theme
    fields = ("rank", "label", "category", "score", "views", "views_gained_per_day", "channels")
    readonly_fields = fields
    ordering = ("category", "rank")


@admin.register(TrendReport)
class TrendReportAdmin(_OfProject):
    list_display = ("source_label", "window", "project_link", "rows_used", "rows_read", "provider", "created")
    list_filter = ("window", "source_kind", "created_at")
    search_fields = ("source_label", "project__id", "project__title")
    inlines = (ThemeInline,)
    fields = (
        *("source_label", "source_kind", "project_link", "task_link", "window", "window_start", "window_end"),
        *("rows_read", "rows_used", "shown_left_out", "shown_categories", "measure", "provider", "created_at"),
    )

    @admin.display(description="rows left out")
    def shown_left_out(self, report: TrendReport) -> SafeString | str:
        return json_shown(report.rows_left_out)

    @admin.display(description="categories")
    def shown_categories(self, report: TrendReport) -> SafeString | str:
        return json_shown(report.categories)


class TurnInline(ReadOnlyInline):
    model = Turn
    fields = ("position", "speaker", "section", "words_shown", "pause_seconds", "measured_seconds", "shown_sources")
    readonly_fields = fields

    @admin.display(description="text")
    def words_shown(self, turn: Turn) -> SafeString:
        return format_html('<div class="vf-words">{}</div>', turn.text)

    @admin.display(description="sources")
    def shown_sources(self, turn: Turn) -> str:
        return ", ".join(map(str, turn.sources)) or "–"


@admin.register(Script)
class ScriptAdmin(_OfProject):
    list_display = ("title", "version", "project_link", "input_type", "length", "share", "provider", "created")
    list_filter = ("input_type", "provider", "created_at")
    search_fields = ("title", "topic", "project__id", "project__title")
    inlines = (TurnInline,)
    fields = (
        *("title", "version", "project_link", "task_link", "input_type", "topic", "keywords", "length", "share", "media_seconds"),
        *("shown_evidence", "shown_warnings", "provider", "created_at"),
    )

    @admin.display(description="length", ordering="measured_seconds")
    def length(self, script: Script) -> str:
        return duration_shown(script.measured_seconds)

    @admin.display(description="speaker A's share", ordering="share_a")
    def share(self, script: Script) -> str:
        return f"{script.share_a:.0%}"

    @admin.display(description="evidence")
    def shown_evidence(self, script: Script) -> SafeString | str:
        return format_html_join(
            "", "<p>{}: {} ({})</p>", ((e.get("key"), e.get("text"), e.get("source_label")) for e in script.evidence)
        )

    @admin.display(description="warnings")
    def shown_warnings(self, script: Script) -> SafeString | str:
        return json_shown(script.warnings)


@admin.register(Asset)
class AssetAdmin(_OfProject):
    list_display = ("name", "kind", "project_link", "origin", "licence", "pixels", "length", "size", "created")
    list_filter = ("kind", "origin", "created_at")
    search_fields = ("id", "name", "sha256", "project__id", "project__title")
    fields = (
        *("id", "name", "kind", "project_link", "task_link", "origin", "model", "licence", "credit", "alt", "path", "sha256"),
        *("size", "pixels", "length", "created_at"),
    )

    @admin.display(description="size", ordering="size_bytes")
    def size(self, asset: Asset) -> str:
        return filesizeformat(asset.size_bytes)

    @admin.display(description="pixels")
    def pixels(self, asset: Asset) -> str:
        return f"{asset.width_px} × {asset.height_px}" if asset.width_px and asset.height_px else "–"

    @admin.display(description="length", ordering="seconds")
    def length(self, asset: Asset) -> str:
        return duration_shown(asset.seconds)


@admin.register(Scene)
class SceneAdmin(ReadOnlyAdmin):
    list_display = ("position", "layout", "project", "start", "seconds", "motion", "transition")
    list_filter = ("layout", "motion", "transition")
    list_select_related = ("project",)
    search_fields = ("project__id", "project__title")
    fields = (
        *("project", "script", "asset", "position", "turn_positions", "start", "seconds", "layout", "motion", "transition"),
        *("focus_x", "focus_y", "shown_spec"),
    )

    @admin.display(description="spec")
    def shown_spec(self, scene: Scene) -> SafeString | str:
        return json_shown(scene.spec)


@admin.register(Video)
class VideoAdmin(_OfProject):
    list_display = ("id", "project_link", "verdict", "length", "size", "created")
    list_filter = ("created_at",)
    list_select_related = ("project", "file")
    search_fields = ("project__id", "project__title")
    fields = (
        *("project_link", "script_link", "task_link", "file_link", "thumbnail", "srt", "vtt", "length", "size", "verdict"),
        *("shown_quality", "shown_chapters", "created_at"),
    )

    @admin.display(description="script")
    def script_link(self, video: Video) -> SafeString | str:
        return _link("pipeline_script", video.script)

    @admin.display(description="file")
    def file_link(self, video: Video) -> SafeString | str:
        return _link("pipeline_asset", video.file)

    @admin.display(description="length", ordering="seconds")
    def length(self, video: Video) -> str:
        return duration_shown(video.seconds)

    @admin.display(description="size", ordering="file__size_bytes")
    def size(self, video: Video) -> str:
        return filesizeformat(video.file.size_bytes)

    @admin.display(description="verdict")
    def verdict(self, video: Video) -> str:
        return str(video.quality.get("verdict", "–"))

    @admin.display(description="quality")
    def shown_quality(self, video: Video) -> SafeString | str:
        return json_shown(video.quality)

    @admin.display(description="chapters")
    def shown_chapters(self, video: Video) -> SafeString | str:
        return json_shown(video.chapters)


@admin.register(Publication)
class PublicationAdmin(ReadOnlyAdmin):
    list_display = ("location", "target", "state", "video_link", "created")
    list_filter = ("target", "state", "created_at")
    list_select_related = ("video__project",)
    search_fields = ("location", "video__project__id", "video__project__title")
    date_hierarchy = "created_at"
    fields = ("video_link", "task", "target", "state", "location", "shown_files", "shown_metadata", "created_at")

    def get_queryset(self, request: HttpRequest) -> "QuerySet[Publication]":
        rows: QuerySet[Publication] = super().get_queryset(request)
        return rows.select_related("video__project", "task")

    @admin.display(description="video")
    def video_link(self, publication: Publication) -> SafeString | str:
        return _link("pipeline_video", publication.video)

    @admin.display(description="files")
    def shown_files(self, publication: Publication) -> SafeString | str:
        return json_shown(publication.files)

    @admin.display(description="metadata")
    def shown_metadata(self, publication: Publication) -> SafeString | str:
        return json_shown(publication.metadata)


@admin.register(ProviderCall)
class ProviderCallAdmin(_OfProject):
    """The books: what was asked of whom, what became of it and what it cost. Replies are not shown."""

    list_display = ("purpose", "provider", "model", "state_shown", "project_link", "charged", "reserved", "created", "duration")
    list_filter = ("state", "provider", "stage", "capability", "created_at")
    list_select_related = ("project", "task")
    search_fields = ("id", "key", "remote_id", "purpose", "task__id", "project__id", "project__title")
    search_help_text = "Id of a call, task or project; a key; the provider's id; words of a purpose or title"
    fieldsets = (
        (None, {"fields": (("state_shown", "shown_choice", "duration"), "purpose", "shown_error")}),
        ("Asked of", {"fields": (("provider", "model", "capability"), "remote_id")}),
        ("Cost", {"fields": (("charged", "reserved"),)}),
        ("For", {"fields": ("project_link", "task_link", ("stage", "fence"))}),
        ("Time", {"fields": (("created_at", "submitted_at", "ended_at"),)}),
        ("Identity", {"fields": ("id", "key", "request_hash", ("run", "attempt"))}),
        ("Reply kept", {"fields": (("size", "reply_type"), "reply_sha256")}),
    )

    def has_decide_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.has_perm("pipeline.change_providercall"))

    def get_urls(self) -> list[URLPattern]:
        decide = self.admin_site.admin_view(require_POST(self.decide))
        return [path("<path:object_id>/decide/<slug:choice>/", decide, name="pipeline_providercall_decide"), *super().get_urls()]

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Show the call; the buttons that would be refused are left out."""
        call = self.get_object(request, unquote(object_id))
        context: dict[str, Any] = {**(extra_context or {}), "title": "Provider call", "show_close": False}
        if isinstance(call, ProviderCall) and self.has_decide_permission(request):
            is_newest = not ProviderCall.objects.filter(wanted=call.wanted, attempt__gt=call.attempt).exists()
            is_unknown = is_newest and call.state == ProviderCall.State.UNKNOWN
            context |= {
                "can_ask_again": is_unknown or (is_newest and call.state == ProviderCall.State.DONE),
                "can_leave": is_unknown and call.choice != ProviderCall.Choice.LEAVE,
            }
        return super().change_view(request, object_id, form_url, context)

    def decide(self, request: HttpRequest, object_id: str, choice: str) -> HttpResponse:
        """Ask the provider again, or leave it, and show the call again."""
        if not self.has_decide_permission(request):
            raise PermissionDenied
        try:
            call_id = UUID(unquote(object_id))
            if choice == ProviderCall.Choice.LEAVE:
                call_leave(call_id=call_id)
                done = "Left as it is."
            elif choice == ProviderCall.Choice.ASK_AGAIN:
                task = call_ask_again(call_id=call_id)
                done = "The task asks again." if task else "It is asked again when its step is started anew."
            else:
                raise Http404
        except (ValueError, ProviderCall.DoesNotExist):
            raise Http404 from None
        except BadInput as error:
            self.message_user(request, str(error), messages.ERROR)
        else:
            self.message_user(request, done, messages.SUCCESS)
        return HttpResponseRedirect(reverse("admin:pipeline_providercall_change", args=[call_id]))

    @admin.display(description="state", ordering="state")
    def state_shown(self, call: ProviderCall) -> SafeString:
        return status_shown(call.state)

    @admin.display(description="decided")
    def shown_choice(self, call: ProviderCall) -> str:
        return ProviderCall.Choice(call.choice).label if call.choice else "–"

    @admin.display(description="charged", ordering="charged_micros")
    def charged(self, call: ProviderCall) -> str:
        return money_shown(call.charged_micros, call.currency)

    @admin.display(description="reserved", ordering="reserved_micros")
    def reserved(self, call: ProviderCall) -> str:
        return money_shown(call.reserved_micros, call.currency)

    @admin.display(description="duration")
    def duration(self, call: ProviderCall) -> str:
        """From the intent to the end, or until now."""
        return duration_shown(((call.ended_at or timezone.now()) - call.created_at).total_seconds())

    @admin.display(description="error")
    def shown_error(self, call: ProviderCall) -> str:
        return f"{call.error_code}: {call.error}".strip(": ") or "–"

    @admin.display(description="size")
    def size(self, call: ProviderCall) -> str:
        return filesizeformat(call.reply_bytes) if call.reply_bytes is not None else "–"
