"""No migration from here on stops the version before it, or keeps a large table locked."""

from typing import Any

import pytest
from django.apps import apps
from django.db import connection
from django.db.migrations import (
    AddConstraint,
    AddField,
    AddIndex,
    AlterField,
    CreateModel,
    Migration,
    RemoveField,
    RenameModel,
    RunPython,
)
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.state import ProjectState
from django.db.models import CharField, CheckConstraint, Index, IntegerField, Q, TextField

from videoflow.postgresql.operations import AddIndexBeside
from videoflow.postgresql.tests.migration_rules import violations

pytestmark = pytest.mark.django_db

BASELINE = {"pipeline": "0024", "tasks": "0005", "creator_sessions": "0004", "vault": "0002"}
"""The last migration of each app that was made before there were rules."""
INDEX = Index(fields=("text",), name="thing_text")
POSITIVE = CheckConstraint(condition=Q(number__gt=0), name="number_positive")


def test_every_migration_since_keeps_to_the_rules():
    loader = MigrationLoader(connection)
    ours = {config.label for config in apps.get_app_configs() if config.name.startswith("videoflow.")}
    assert {app for app, _ in loader.disk_migrations} & ours <= set(BASELINE)
    found = {}
    for (app, name), migration in loader.disk_migrations.items():
        if app in BASELINE and name[:4] > BASELINE[app]:
            before = loader.project_state(migration.dependencies)
            if wrong := violations(migration, before):
                found[f"{app}.{name}"] = wrong
    assert found == {}


def found_in(*operations: Any, **attributes: Any) -> list[str]:
    before = ProjectState()
    fields: list[tuple[str, Any]] = [("id", IntegerField(primary_key=True)), ("text", CharField(max_length=20))]
    fields.append(("number", IntegerField(null=True)))
    CreateModel("Thing", fields).state_forwards("app", before)
    made = type("Migration", (Migration,), {"operations": list(operations), **attributes})
    return violations(made("0002_next", "app"), before)


def nothing(apps: Any, editor: Any) -> None: ...


@pytest.mark.parametrize(
    ("operation", "reason"),
    [
        (AddField("thing", "size", IntegerField(default=1)), "db_default"),
        (AddField("thing", "size", IntegerField(null=True, db_index=True)), "AddIndexBeside"),
        (RemoveField("thing", "text"), "unused since"),
        (RenameModel("Thing", "Object"), "unused since"),
        (AddIndex("thing", INDEX), "AddIndexBeside"),
        (AddIndexBeside("thing", INDEX), "atomic = False"),
        (AddConstraint("thing", POSITIVE), "locks the table"),
        (AlterField("thing", "number", IntegerField()), "still writes NULL"),
        (AlterField("thing", "text", CharField(max_length=10)), "written anew"),
        (AlterField("thing", "number", TextField(null=True)), "written anew"),
        (AlterField("thing", "text", CharField(max_length=20, unique=True)), "under a lock"),
        (RunPython(nothing), "no way back"),
    ],
)
def test_what_the_version_before_would_not_stand_is_refused(operation: Any, reason: str):
    (told,) = found_in(operation)
    assert reason in told


@pytest.mark.parametrize(
    "operation",
    [
        AddField("thing", "size", IntegerField(null=True)),
        AddField("thing", "size", IntegerField(default=1, db_default=1)),
        AlterField("thing", "text", CharField(max_length=30)),
        AlterField("thing", "text", TextField()),
        AlterField("thing", "text", CharField(max_length=20, help_text="Said otherwise.")),
        RunPython(nothing, nothing),
        CreateModel("Other", [("id", IntegerField(primary_key=True))]),
    ],
)
def test_what_goes_on_beside_it_is_let_through(operation: Any):
    assert found_in(operation) == []


def test_a_table_of_this_migration_may_be_indexed_and_bound_at_once():
    fields: list[tuple[str, Any]] = [("id", IntegerField(primary_key=True)), ("text", TextField()), ("number", IntegerField())]
    assert found_in(CreateModel("Other", fields), AddIndex("other", INDEX), AddConstraint("other", POSITIVE)) == []


def test_an_index_beside_and_what_went_out_of_use():
    assert found_in(AddIndexBeside("thing", INDEX), atomic=False) == []
    assert found_in(RemoveField("thing", "text"), unused_since="1.2") == []


def test_schema_and_data_are_apart():
    told = found_in(AddField("thing", "size", IntegerField(null=True)), RunPython(nothing, nothing))
    assert told == ["schema and data belong into migrations of their own"]
