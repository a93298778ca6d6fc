"""Whose project it is: the one way from an address to a row, and back to a panel of its page."""

from uuid import UUID

from django.http import HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import reverse

from videoflow.pipeline.models import Project
from videoflow.pipeline.selectors import projects_of
from videoflow.sessions.middleware import Request


def project_get(request: Request, project_id: UUID) -> Project:
    """Return a project of the one who asks; somebody else's is a 404, as one that does not exist."""
    return get_object_or_404(projects_of(request.creator.sessions).select_related("session"), pk=project_id)


def to_panel(project: Project, name: str) -> HttpResponseRedirect:
    """Send the creator to a panel of the workflow page; without scripts only a panel that is asked for comes with its content."""
    return HttpResponseRedirect(f"{reverse('pipeline:project_detail', args=[project.pk])}?open={name}#panel-{name}")
