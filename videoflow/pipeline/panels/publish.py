"""The uploader panel: the form's first values and what was published."""

from videoflow.pipeline.board import Board
from videoflow.pipeline.metadata import description_make, tags_make, title_make
from videoflow.pipeline.models import (
    Project,
)
from videoflow.pipeline.panels.base import Content
from videoflow.pipeline.selectors import project_videos


def publish_content(project: Project, board: Board) -> Content:
    """The form's first values and everything published so far."""
    videos = list(project_videos(project))
    if not videos:
        return {"video": None}
    video = videos[0]
    return {
        "video": video,
        "first_values": {
            "title": title_make(video.script),
            "description": description_make(video),
            "tags": ", ".join(tags_make(video.script)),
        },
        "publications": [publication for row in videos for publication in row.publications.all()],
    }
