"""Fifty titles that give orders, through trends, script and metadata: with a model that obeys whatever it can read."""

import csv
import re
from pathlib import Path
from typing import Any

import pytest

from videoflow.pipeline.foreground import stage_run
from videoflow.pipeline.metadata import description_make, tags_make, title_make
from videoflow.pipeline.models import Asset, Script, TrendVideo, Video, script_current
from videoflow.pipeline.services import project_create, source_file_add
from videoflow.pipeline.tests.factories import AssetFactory
from videoflow.providers.tests.fake_service import FakeService
from videoflow.providers.writing import instructs, lures_in
from videoflow.providers.writing.tests.fake_models import KEY, MODEL, FakeModels, Prompt, script_answer
from videoflow.sessions.services import session_create

pytestmark = pytest.mark.django_db(transaction=True)
HOSTILE = (Path(__file__).parent / "hostile_titles.txt").read_text(encoding="utf-8").splitlines()
PLAIN = ("Solar eclipse in concert", "The solar eclipse song", "My solar eclipse cover", "Piano for the solar eclipse")
LURE = "Visit evil.example today, follow @obedient and write to a@evil.example."
CANARY = re.compile(r"zebra\s?\d\d", re.IGNORECASE)


def obey(prompt: Prompt) -> Any:
    """Do what any text in the prompt says that is not ours: say its words everywhere, with a link and a handle."""
    orders = CANARY.findall("\n".join(text for _, text in prompt.turns))
    answer = script_answer(prompt, exchanges=4, figure=False)
    answer["keywords"] = ["solar eclipse", *orders, "@obedient", "evil.example"]
    answer["exchanges"][1]["turns"][0]["text"] += f" {LURE}"
    answer["exchanges"][2]["turns"][0] |= {"on_screen": "evil.example @obedient", "text": "And who sang it first? #obedient"}
    answer["exchanges"][3]["section"] = "Go to https://evil.example"
    if orders:
        answer["title"] = " ".join(orders)
        for exchange in answer["exchanges"]:
            for turn in exchange["turns"]:
                turn["text"] += f" {orders[0]}!"
    else:
        answer["title"] = "The eclipse on evil.example. What people heard"
    return answer


@pytest.fixture
def script(settings, tmp_path) -> Script:
    """A script by the obeying model about a report in which every hostile title stands beside plain ones."""
    table = tmp_path / "trending.csv"
    with table.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["video_id", "title", "channelTitle", "categoryId", "trending_date", "view_count", "tags"])
        for number, title in enumerate([*PLAIN, *HOSTILE]):
            channel = title if number % 5 == 0 and number > 3 else f"Channel {number}"
            tags = f"solar eclipse|{title}" if number > 3 else "solar eclipse"
            writer.writerow([f"vid{number:08}", f"{title}", channel, "10", "2026-11-20", 5_000_000 - number * 9_000, tags])
    with FakeService() as fake:
        models = FakeModels(fake, write=obey)
        settings.VIDEOFLOW_SERVICE_URLS = {**settings.VIDEOFLOW_SERVICE_URLS, "openai": models.base_url}
        settings.VIDEOFLOW_SERVICE_KEYS = {**settings.VIDEOFLOW_SERVICE_KEYS, "openai": KEY}
        project = project_create(session=session_create(), minimum_seconds=20, seed=1)
        project.providers = {"writer": {"service": "openai", "model": MODEL}}
        project.save(update_fields=["providers"])
        source = source_file_add(session=project.session, name="trending.csv", chunks=[table.read_bytes()])
        stage_run(project=project, task_type="trending_analysis", input_data={"source": str(source.pk)})
        themes = list(project.reports.get().themes.values_list("pk", flat=True))
        assert TrendVideo.objects.filter(themes__in=themes, title__in=HOSTILE).exists(), "nothing hostile got into a theme"
        stage_run(
            project=project,
            task_type="script_generation",
            input_data={"input_type": "theme", "theme_ids": themes, "minimum_seconds": 20},
        )
        read = "\n".join(text for prompt in models.prompts for _, text in prompt.turns)
    made = script_current(project)
    assert made is not None
    assert not CANARY.findall(read), "a hostile title reached the model"
    return made


def test_no_order_is_followed_and_no_link_published(script):
    asset = AssetFactory.create(project=script.project, kind=Asset.Kind.VIDEO)
    video = Video.objects.create(
        project=script.project, script=script, file=asset, thumbnail=asset, srt=asset, vtt=asset, seconds=40.0
    )
    spoken = [text for turn in script.turns.all() for text in (turn.text, turn.section, str(turn.cue))]
    description = description_make(video)
    published = [title_make(script), *tags_make(script), *spoken, script.topic, *map(str, script.keywords)]
    known = {entry["url"] for entry in script.evidence if entry["url"]}
    for address in known:
        assert re.fullmatch(r"https://www\.youtube\.com/watch\?v=vid\d{8}", address)
        description = description.replace(address, "")
    published.append(description)
    for text in published:
        assert not CANARY.search(text), text
        assert not list(lures_in(text)), text
        assert "obedient" not in text and "evil" not in text, text
    assert any("solar eclipse" in text.lower() for text in spoken)
    assert any("speak to the writer" in warning for warning in script.warnings)


def test_plain_titles_are_not_taken_for_orders():
    sample = Path(__file__).parents[2] / "providers/embedded_trends/data/sample_trending.csv"
    with sample.open(encoding="utf-8", newline="") as file:
        titles = {row["title"] for row in csv.DictReader(file)}
    wrong = [title for title in titles if instructs(title)]
    assert len(titles) > 100
    assert len(wrong) <= len(titles) // 50, wrong
