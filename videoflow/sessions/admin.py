"""What the admin shows of sessions, and how all of it is shown: to read, without any secret."""

import json
import re
from typing import Any

from django.contrib import admin
from django.contrib.auth.admin import GroupAdmin, UserAdmin
from django.contrib.auth.models import Group, User
from django.db.models import Count, OuterRef, QuerySet, Subquery
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString

from videoflow.sessions.models import CreatorSession

_SECRET_NAME = re.compile(r"(?i)key|token|secret|password|credential")
_SECRET_FIELD = re.compile(r"hash|token|cipher|secret|password")
_LONGEST_TEXT = 20_000

admin.site.site_header = "videoflow"
admin.site.site_title = "videoflow admin"
admin.site.index_title = "Everything the studio keeps"


admin.site.unregister((User, Group))


@admin.register(User)
class AccountAdmin(UserAdmin):  # type: ignore[type-arg]
    """Times are to read, and lists are the browser's own: Django's two halves have parts without a name."""

    readonly_fields = ("last_login", "date_joined")
    filter_horizontal = ()


@admin.register(Group)
class AccountGroupAdmin(GroupAdmin):
    filter_horizontal = ()


class ReadOnlyAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    """Rows are inspected here; they change through services only."""

    show_full_result_count = False
    list_per_page = 50

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False

    @admin.display(description="created", ordering="created_at")
    def created(self, row: Any) -> str:
        """Short and sortable by eye; the detail page has the long form."""
        return f"{row.created_at:%Y-%m-%d %H:%M}"

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest | None = None) -> bool:
        """Refuse to filter by what is not shown: ``cookie_hash__startswith`` would tell a hash letter by letter."""
        return not _SECRET_FIELD.search(lookup) and bool(super().lookup_allowed(lookup, value, request))


class ReadOnlyInline(admin.TabularInline):  # type: ignore[type-arg]
    """Rows that belong to the one shown."""

    template = "admin/edit_inline/rows.html"
    can_delete = False
    extra = 0
    max_num = 0

    def has_add_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False


def _unsecret(value: object) -> object:
    """Return a JSON value in which everything that is named like a secret is masked."""
    if isinstance(value, dict):
        return {name: "…" if _SECRET_NAME.search(name) and part else _unsecret(part) for name, part in value.items()}
    if isinstance(value, list):
        return [_unsecret(part) for part in value]
    return value


def json_shown(value: object) -> SafeString | str:
    """Return a JSON value as indented text, without secrets; a dash for nothing."""
    if value in (None, {}, []):
        return "–"
    text = json.dumps(_unsecret(value), ensure_ascii=False, indent=2)
    if len(text) > _LONGEST_TEXT:
        text = text[:_LONGEST_TEXT] + "\n… (cut)"
    return format_html('<pre class="vf-json" tabindex="0">{}</pre>', text)


def _counted(relation: str) -> Subquery:
    """Count related rows beside each session; asked for the rows of a page only, unlike a join."""
    same = CreatorSession.objects.filter(pk=OuterRef("pk")).order_by()
    return Subquery(same.annotate(n=Count(relation)).values("n"))


@admin.register(CreatorSession)
class CreatorSessionAdmin(ReadOnlyAdmin):
    """Sessions by their id: the hashes that open them are never shown."""

    list_display = ("short_id", "owner", "project_count", "task_count", "created", "last_activity", "expires_at")
    list_filter = (("user", admin.EmptyFieldListFilter), "last_activity")
    search_fields = ("id", "user__username")
    search_help_text = "Id of a session, or a user's name"
    date_hierarchy = "created_at"
    list_select_related = ("user",)
    fields = ("id", "owner", "shown_preferences", "head_seq", "created_at", "last_activity", "expires_at")

    def get_queryset(self, request: HttpRequest) -> "QuerySet[CreatorSession]":
        rows: QuerySet[CreatorSession] = super().get_queryset(request)
        return rows.annotate(projects_n=_counted("projects"), tasks_n=_counted("tasks"))

    @admin.display(description="session", ordering="id")
    def short_id(self, session: CreatorSession) -> str:
        return str(session.pk)[:8]

    @admin.display(description="owner", ordering="user__username")
    def owner(self, session: CreatorSession) -> str:
        if session.user_id:
            return str(session.user)
        holders = [name for name, held in (("a browser", session.cookie_hash), ("a program", session.bearer_hash)) if held]
        return " and ".join(holders) or "nobody"

    @admin.display(description="projects", ordering="projects_n")
    def project_count(self, session: Any) -> int:
        return int(session.projects_n)

    @admin.display(description="tasks", ordering="tasks_n")
    def task_count(self, session: Any) -> int:
        return int(session.tasks_n)

    @admin.display(description="preferences")
    def shown_preferences(self, session: CreatorSession) -> SafeString | str:
        return json_shown(session.preferences)
