"""What the panels have in common."""

from typing import Any

from videoflow.pipeline.models import Project

Content = dict[str, Any]


def host_names(project: Project) -> dict[str, str]:
    """Return the speakers' names; plain ones while the script has not named them."""
    return {key: str(project.hosts.get(key, {}).get("name") or f"Speaker {key}") for key in ("A", "B")}
