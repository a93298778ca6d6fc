"""How much of the studio's storage one creator may use: a setting of the operator, nobody's at the start."""

from django.conf import settings
from django.db.models import Sum

from videoflow.errors import BadInput
from videoflow.pipeline.models import Asset, Project, SourceFile
from videoflow.sentences import Sentence
from videoflow.sessions.models import CreatorSession


def bytes_used(session: CreatorSession) -> int:
    """Return the bytes of the owner's files: the user's of all sessions, or the session's own while nobody is signed in.

    Projects that were deleted do not count, though they can be had back for a day: whoever makes room has made it.
    """
    sessions = CreatorSession.objects.filter(pk=session.pk)
    if session.user_id is not None:
        sessions = CreatorSession.objects.filter(user_id=session.user_id)
    projects = Project.objects.filter(session__in=sessions, deleted_at__isnull=True)
    files = Asset.objects.filter(project__in=projects).aggregate(size=Sum("size_bytes"))["size"] or 0
    sources = SourceFile.objects.filter(session__in=sessions).aggregate(size=Sum("size_bytes"))["size"] or 0
    return int(files + sources)


def quota_check(session: CreatorSession, *, added_bytes: int = 0) -> None:
    """Refuse to make or keep more when the owner's files take what the operator allows.

    Raises:
        BadInput: with what can be done about it.
    """
    limit = settings.VIDEOFLOW_USER_BYTES
    if not limit:
        return
    used = bytes_used(session)
    if used + added_bytes > limit:
        raise BadInput(
            Sentence(
                "Your files take %(used)s GB of the %(limit)s GB that you have here. Delete a project that you no longer need.",
                used=f"{used / 1e9:.1f}",
                limit=f"{limit / 1e9:.1f}",
            ),
            code="QUOTA_FULL",
            details={"used_bytes": used, "limit_bytes": limit},
        )
