from django.contrib import admin
from django.http import HttpRequest

from videoflow.tasks.models import ProgressEvent, Task, Worker


class ReadOnlyAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    """Rows are inspected here; they change through services only."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False


class EventInline(admin.TabularInline):  # type: ignore[type-arg]
    model = ProgressEvent
    fields = ("seq", "created_at", "event_type", "status", "progress", "message")
    readonly_fields = fields
    can_delete = False
    extra = 0
    max_num = 0


@admin.register(Task)
class TaskAdmin(ReadOnlyAdmin):
    list_display = ("id", "task_type", "status", "progress", "message", "attempt", "recoveries", "created_at", "completed_at")
    list_filter = ("status", "task_type", "queue")
    search_fields = ("id", "project__title", "message")
    date_hierarchy = "created_at"
    inlines = (EventInline,)


@admin.register(Worker)
class WorkerAdmin(ReadOnlyAdmin):
    list_display = ("worker_id", "kind", "host", "pid", "started_at", "heartbeat_at")
