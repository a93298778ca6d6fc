"""What stands inside each open panel of the workflow page."""

from collections.abc import Callable

from videoflow.pipeline.board import Board
from videoflow.pipeline.models import Project
from videoflow.pipeline.panels import composition, media, publish, script, trends
from videoflow.pipeline.panels.base import Content

CONTENTS: dict[str, Callable[[Project, Board], Content]] = {
    "trending_analysis": trends.trends_content,
    "script_generation": script.script_content,
    "media_generation": media.media_content,
    "video_composition": composition.composition_content,
    "youtube_upload": publish.publish_content,
}


def panel_content(project: Project, board: Board, name: str) -> Content:
    """Return what the panel of a stage shows; a stage without its own panel shows its task alone."""
    content = CONTENTS.get(name)
    return content(project, board) if content else {}
