from django.contrib import admin
from django.http import HttpRequest

from videoflow.pipeline.models import Asset, Project, Publication, Script, TrendReport, Video


@admin.register(Project, Script, TrendReport, Asset, Video, Publication)
class InspectAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    """Rows are inspected here; they change through services only."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False
