"""Tasks in the admin: found, read as a timeline, cancelled and retried; nothing else can be changed."""

from collections.abc import Callable
from textwrap import shorten
from typing import Any
from uuid import UUID

from django.contrib import admin, messages
from django.contrib.admin.utils import unquote
from django.core.exceptions import PermissionDenied, ValidationError
from django.db.models import Exists, OuterRef, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.views.decorators.http import require_POST

from videoflow.errors import VideoflowError
from videoflow.sessions.admin import ReadOnlyAdmin, ReadOnlyInline, json_shown
from videoflow.sessions.models import CreatorSession
from videoflow.tasks.history import attempts_of
from videoflow.tasks.models import ProgressEvent, Task, TaskPart, Worker
from videoflow.tasks.services import MAX_USER_RETRIES, task_cancel, task_retry

_SESSIONS_OFFERED = 15
_EVENTS_READ = 5000
_OPERATIONS: dict[str, Callable[..., Task]] = {"cancel": task_cancel, "retry": task_retry}


def duration_shown(seconds: float | None) -> str:
    """Return a time span as people read it: 0.4 s, 42 s, 3:07 min, 1:02:07 h."""
    if seconds is None:
        return "–"
    if seconds < 10:
        return f"{max(0.0, seconds):.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    minutes, rest = divmod(whole, 60)
    return f"{minutes}:{rest:02} min" if minutes < 60 else f"{minutes // 60}:{minutes % 60:02}:{rest:02} h"


def status_shown(status: str) -> SafeString:
    return format_html('<span class="vf-status vf-status-{}">{}</span>', status, status.replace("_", " "))


class SessionFilter(admin.SimpleListFilter):
    """The sessions with tasks that were used last; any other one is found through its id in the search."""

    title = "session"
    parameter_name = "session"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        recent = CreatorSession.objects.filter(Exists(Task.objects.filter(session=OuterRef("pk")))).order_by("-last_activity")
        ids = [str(pk) for pk in recent.values_list("pk", flat=True)[:_SESSIONS_OFFERED]]
        chosen = self.value()
        if chosen and chosen not in ids:
            ids.append(chosen)
        return [(pk, pk[:8]) for pk in ids]

    def queryset(self, request: HttpRequest, queryset: "QuerySet[Task]") -> "QuerySet[Task]":
        chosen = self.value()
        if not chosen:
            return queryset
        try:
            return queryset.filter(session_id=UUID(chosen))
        except ValueError:
            return queryset.none()


class PartInline(ReadOnlyInline):
    """Who made which piece of a task; there are some where several hosts make one video."""

    model = TaskPart
    fields = readonly_fields = ("number", "state", "done", "worker_id", "attempts", "claimed_at", "done_at", "needs", "problem")
    verbose_name_plural = "parts"

    @admin.display(description="done")
    def done(self, part: TaskPart) -> str:
        return f"{part.size_done} of {part.size}"


@admin.register(Task)
class TaskAdmin(ReadOnlyAdmin):
    list_display = ("short_id", "task_type", "state", "project_title", "note", "tries", "created", "duration")
    list_filter = ("status", "task_type", "queue", SessionFilter, "created_at")
    search_fields = ("id", "session__id", "project__id", "project__title", "message", "worker_id", "request_id")
    search_help_text = "Id of a task, session or project; words of a title or message; a worker; a reference"
    ordering = ("-created_at",)
    actions = ("cancel_tasks", "retry_tasks")
    inlines = (PartInline,)
    fieldsets = (
        (None, {"fields": (("shown_status", "percent", "duration"), "message", "shown_error")}),
        ("Whose", {"fields": ("id", "task_type", "session_link", "project_link", ("queue", "shown_priority"), "request_id")}),
        (
            "Time",
            {"fields": (("created_at", "started_at", "completed_at"), ("not_before", "cancel_requested_at", "lease_until"))},
        ),
        ("Attempts", {"fields": (("attempt", "recoveries", "retry_count"), "worker_id", ("dispatched_at", "hint_count"))}),
        ("Input and result", {"fields": ("shown_input", "shown_result")}),
    )

    def get_queryset(self, request: HttpRequest) -> "QuerySet[Task]":
        """Read the projects of a page's tasks after them: with a join all tasks' projects are looked up to sort the tasks."""
        rows: QuerySet[Task] = super().get_queryset(request)
        return rows.prefetch_related("project")

    def has_operate_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.has_perm("tasks.change_task"))

    def get_urls(self) -> list[URLPattern]:
        operate = self.admin_site.admin_view(require_POST(self.operate))
        return [path("<path:object_id>/operate/<slug:operation>/", operate, name="tasks_task_operate"), *super().get_urls()]

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Show the task with its attempts; the buttons that would be refused are left out."""
        task = self.get_object(request, unquote(object_id))
        context: dict[str, Any] = {**(extra_context or {}), "title": "Task", "show_close": False}
        if isinstance(task, Task):
            events = ProgressEvent.objects.filter(task=task).order_by("-seq")[:_EVENTS_READ]
            attempts = attempts_of(reversed(events))
            is_operator = self.has_operate_permission(request)
            context |= {
                "attempts": [(attempt, duration_shown(attempt.seconds)) for attempt in reversed(attempts)],
                "can_cancel": is_operator and not task.has_ended,
                "can_retry": is_operator
                and task.status in (Task.Status.FAILED, Task.Status.CANCELLED)
                and task.retry_count < MAX_USER_RETRIES,
            }
        return super().change_view(request, object_id, form_url, context)

    def operate(self, request: HttpRequest, object_id: str, operation: str) -> HttpResponse:
        """Cancel or retry one task and show it again."""
        if not self.has_operate_permission(request):
            raise PermissionDenied
        try:
            act, task_id = _OPERATIONS[operation], UUID(unquote(object_id))
            act(task_id=task_id)
        except (KeyError, ValueError, ValidationError, Task.DoesNotExist):
            raise Http404 from None
        except VideoflowError as error:
            self.message_user(request, str(error), messages.ERROR)
        else:
            done = "Cancelled." if operation == "cancel" else "Waiting for a worker again."
            self.message_user(request, done, messages.SUCCESS)
        return HttpResponseRedirect(reverse("admin:tasks_task_change", args=[task_id]))

    def _operate_all(self, request: HttpRequest, tasks: "QuerySet[Task]", operation: str, done: str) -> None:
        refusals: dict[str, int] = {}
        changed = 0
        for task_id in tasks.order_by("created_at").values_list("pk", flat=True):
            try:
                _OPERATIONS[operation](task_id=task_id)
            except VideoflowError as error:
                refusals[str(error)] = refusals.get(str(error), 0) + 1
            else:
                changed += 1
        if changed:
            self.message_user(request, f"{changed} {'task' if changed == 1 else 'tasks'} {done}.", messages.SUCCESS)
        for sentence, count in refusals.items():
            self.message_user(request, f"{count} left as {'it is' if count == 1 else 'they are'}: {sentence}", messages.WARNING)

    @admin.action(description="Cancel the selected tasks", permissions=["operate"])
    def cancel_tasks(self, request: HttpRequest, queryset: "QuerySet[Task]") -> None:
        self._operate_all(request, queryset, "cancel", "cancelled")

    @admin.action(description="Retry the selected tasks", permissions=["operate"])
    def retry_tasks(self, request: HttpRequest, queryset: "QuerySet[Task]") -> None:
        self._operate_all(request, queryset, "retry", "waiting for a worker again")

    @admin.display(description="task", ordering="id")
    def short_id(self, task: Task) -> str:
        return str(task.pk)[:8]

    @admin.display(description="status", ordering="status")
    def shown_status(self, task: Task) -> SafeString:
        return status_shown(task.status)

    @admin.display(description="status", ordering="status")
    def state(self, task: Task) -> SafeString:
        return format_html("{} {}", status_shown(task.status), "" if task.has_ended else self.percent(task))

    @admin.display(description="progress", ordering="progress")
    def percent(self, task: Task) -> str:
        return f"{task.progress} %"

    @admin.display(description="project", ordering="project__title")
    def project_title(self, task: Task) -> str:
        return shorten(str(task.project), 40, placeholder="…")

    @admin.display(description="message")
    def note(self, task: Task) -> str:
        return shorten(task.message, 70, placeholder="…")

    @admin.display(description="attempts", ordering="attempt")
    def tries(self, task: Task) -> str:
        """The claims, and why there was more than one."""
        causes = [f"{task.recoveries} lost"] * bool(task.recoveries) + [f"{task.retry_count} asked for"] * bool(task.retry_count)
        return f"{task.attempt} ({', '.join(causes)})" if causes else str(task.attempt)

    @admin.display(description="duration")
    def duration(self, task: Task) -> str:
        """The latest attempt, to its end or until now."""
        if task.attempt_started_at is None or task.status in Task.WAITING:
            return "–"
        return duration_shown(((task.completed_at or timezone.now()) - task.attempt_started_at).total_seconds())

    @admin.display(description="priority")
    def shown_priority(self, task: Task) -> str:
        return str(Task.Priority(task.priority).label)

    @admin.display(description="session")
    def session_link(self, task: Task) -> SafeString:
        url = reverse("admin:creator_sessions_creatorsession_change", args=[task.session_id])
        return format_html('<a href="{}">{}</a>', url, task.session_id)

    @admin.display(description="project")
    def project_link(self, task: Task) -> SafeString:
        url = reverse("admin:pipeline_project_change", args=[task.project_id])
        return format_html('<a href="{}">{}</a> ({})', url, task.project, task.project_id)

    @admin.display(description="error")
    def shown_error(self, task: Task) -> SafeString | str:
        return json_shown(task.error)

    @admin.display(description="input")
    def shown_input(self, task: Task) -> SafeString | str:
        return json_shown(task.input_data)

    @admin.display(description="result")
    def shown_result(self, task: Task) -> SafeString | str:
        return json_shown(task.result_data)


@admin.register(Worker)
class WorkerAdmin(ReadOnlyAdmin):
    list_display = ("worker_id", "kind", "host", "pid", "started_at", "heartbeat_at")
    list_filter = ("kind", "host")
    search_fields = ("worker_id",)
