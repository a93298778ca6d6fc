"""Whose project it is: the one way from an address to a row."""

from uuid import UUID

from django.shortcuts import get_object_or_404

from videoflow.http import Request
from videoflow.pipeline.models import Project
from videoflow.pipeline.selectors import projects_of


def project_get(request: Request, project_id: UUID) -> Project:
    """Return a project of the one who asks; somebody else's is a 404, as one that does not exist."""
    return get_object_or_404(projects_of(request.creator.sessions).select_related("session"), pk=project_id)
