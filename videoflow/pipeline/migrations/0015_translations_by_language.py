"""Drafts keep title and description in other languages by language, any number of them; there was one before."""

from collections.abc import Callable
from typing import Any

from django.apps.registry import Apps
from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

OLD = ("other_language", "other_title", "other_description")


def by_language(draft: dict[str, Any]) -> dict[str, Any]:
    kept = {name: value for name, value in draft.items() if name not in OLD}
    if language := draft.get("other_language"):
        written = {"title": draft.get("other_title"), "description": draft.get("other_description")}
        kept |= {f"{name}_{language}": text for name, text in written.items() if text}
    return kept


def first_alone(draft: dict[str, Any]) -> dict[str, Any]:
    """Return a draft as it was kept before: with the first of its translations."""
    languages = [name.removeprefix("title_") for name in draft if name.startswith("title_")]
    kept = {name: value for name, value in draft.items() if not name.startswith(("title_", "description_"))}
    if languages:
        first = languages[0]
        texts = {"other_title": draft[f"title_{first}"], "other_description": draft.get(f"description_{first}", "")}
        kept |= {"other_language": first, **texts}
    return kept


def forwards(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    _drafts_change(apps, by_language)


def backwards(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    _drafts_change(apps, first_alone)


def _drafts_change(apps: Apps, change: Callable[[dict[str, Any]], dict[str, Any]]) -> None:
    for project in apps.get_model("pipeline", "Project").objects.exclude(publish_draft={}).iterator():
        project.publish_draft = change(project.publish_draft)
        project.save(update_fields=["publish_draft"])
    for step in apps.get_model("pipeline", "EditStep").objects.filter(part="publish").iterator():
        step.before = {name: change(value) if name == "publish_draft" else value for name, value in step.before.items()}
        step.after = {name: change(value) if name == "publish_draft" else value for name, value in step.after.items()}
        step.save(update_fields=["before", "after"])


class Migration(migrations.Migration):
    dependencies = [
        ("pipeline", "0014_sentences"),
    ]

    operations = [
        migrations.RunPython(forwards, backwards),
    ]
