"""What stands inside each open panel of the workflow page."""

from collections.abc import Callable, Mapping

from videoflow.pipeline.board import Board
from videoflow.pipeline.models import Project
from videoflow.pipeline.panels import composition, media, publish, script, trends
from videoflow.pipeline.panels.base import Content

CONTENTS: dict[str, Callable[[Project, Board], Content]] = {
    "script_generation": script.script_content,
    "media_generation": media.media_content,
    "video_composition": composition.composition_content,
    "youtube_upload": publish.publish_content,
}


def panel_content(project: Project, board: Board, name: str, query: Mapping[str, str]) -> Content:
    """Return what the panel of a stage shows; a stage without its own panel shows its task alone.

    ``query`` is the page's address: the board of trends is filtered by it.
    """
    if name == "trending_analysis":
        return trends.trends_content(project, board, query)
    content = CONTENTS.get(name)
    return content(project, board) if content else {}
