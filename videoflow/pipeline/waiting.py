"""Say why a task does not run yet, in a sentence that a creator can act on."""

from datetime import timedelta

from django.conf import settings
from django.utils import timezone
from django.utils.formats import time_format
from django.utils.translation import gettext, ngettext

from videoflow.pipeline import stages
from videoflow.tasks.models import Task, Worker
from videoflow.tasks.selectors import queue_position
from videoflow.translation import translated

WORKER_SILENT_AFTER = timedelta(seconds=40)
"""Every process of the studio reports each ten seconds."""


def waiting_reason(task: Task) -> str:
    """Return why a waiting task waits; five queries at most."""
    now = timezone.now()
    if not Worker.objects.filter(heartbeat_at__gte=now - WORKER_SILENT_AFTER).exists():
        return gettext("No worker has reported for 40 s. It starts as soon as the studio's workers run again.")
    if task.not_before and task.not_before > now:
        at = time_format(timezone.localtime(task.not_before), "H:i:s")
        return gettext("Tries again at %(time)s by itself. %(message)s") % {"time": at, "message": translated(task.message)}
    running = Task.objects.filter(status=Task.Status.IN_PROGRESS, lease_until__gte=now)
    if running.filter(session_id=task.session_id).count() >= settings.VIDEOFLOW_USER_RUNNING:
        return gettext("%(count)s of your steps run already; it starts when one of them ends.") % {
            "count": settings.VIDEOFLOW_USER_RUNNING
        }
    ahead = queue_position(task=task)
    holder = running.filter(queue=task.queue).select_related("project").order_by("attempt_started_at").first()
    if holder is None and not ahead:
        return gettext("Starts in a moment.")
    if holder is None:
        before = ngettext("%(count)s step is before it.", "%(count)s steps are before it.", ahead)
        return before % {"count": ahead}
    if holder.session_id == task.session_id:
        taken = gettext("The place is taken by %(stage)s of “%(title)s”, %(percent)s %% done.")
    else:
        taken = gettext("The place is taken by %(stage)s of somebody else's video, %(percent)s %% done.")
    said = taken % {"stage": stages.get(holder.task_type).label, "title": holder.project.title, "percent": holder.progress}
    return f"{said} {gettext('One video at a time keeps this machine usable.')}"
