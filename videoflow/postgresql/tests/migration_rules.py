"""What a migration may do while the version before it still runs, and with what it keeps nobody waiting."""

from typing import Any

from django.db import connection
from django.db.migrations import Migration, operations
from django.db.migrations.state import ProjectState

from videoflow.postgresql.operations import AddIndexBeside

_GOES = (
    operations.DeleteModel,
    operations.RemoveField,
    operations.RenameField,
    operations.RenameModel,
    operations.AlterModelTable,
    operations.RemoveConstraint,
)
_DATA = (operations.RunPython, operations.RunSQL)
_WHOLE_TABLE = (operations.AddConstraint, operations.AlterUniqueTogether, operations.AlterIndexTogether)
_HARMLESS = (operations.CreateModel, operations.RemoveIndex, operations.AlterModelOptions, operations.AlterModelManagers)


def violations(migration: Migration, before: ProjectState) -> list[str]:
    """Return a sentence for each thing that the version before, or those who wait, would not stand; changes ``before``."""
    made = {operation.name_lower for operation in migration.operations if isinstance(operation, operations.CreateModel)}
    found = []
    for operation in migration.operations:
        found += [f"{operation.describe()}: {reason}" for reason in _reasons(migration, operation, before, made)]
        operation.state_forwards(migration.app_label, before)
    data = [operation for operation in migration.operations if isinstance(operation, _DATA)]
    if data and len(data) < len(migration.operations):
        found.append("schema and data belong into migrations of their own")
    return found


def _reasons(migration: Migration, operation: Any, before: ProjectState, made: set[str]) -> list[str]:
    if isinstance(operation, _HARMLESS):
        return []
    if isinstance(operation, _GOES):
        told = "what goes must be unused since a release before: name it with unused_since"
        return [] if getattr(migration, "unused_since", "") else [told]
    if isinstance(operation, _DATA):
        return [] if operation.reversible else ["it has no way back"]
    if getattr(operation, "model_name_lower", "") in made:
        return []
    if isinstance(operation, operations.AddField):
        return _added(operation.field)
    if isinstance(operation, operations.AlterField):
        old = before.models[migration.app_label, operation.model_name_lower].get_field(operation.name)
        return _altered(old, operation.field)
    if isinstance(operation, operations.AddIndex):
        is_beside = isinstance(operation, AddIndexBeside) and not migration.atomic
        return [] if is_beside else ["an index of a table in use is made with AddIndexBeside and atomic = False"]
    if isinstance(operation, _WHOLE_TABLE):
        return ["it locks the table while it looks at every row"]
    return ["nobody has thought about this kind yet: add it to the rules"]


def _added(field: Any) -> list[str]:
    found = []
    if not (field.null or field.many_to_many or field.has_db_default()):
        found.append("the version before writes rows without it: make it null=True or give it a db_default")
    if field.unique or field.db_index:
        found.append("its index would be made under a lock: db_index=False, and AddIndexBeside after it")
    return found


def _altered(old: Any, new: Any) -> list[str]:
    found = []
    if old.null and not new.null:
        found.append("the version before still writes NULL")
    if (new.unique and not old.unique) or (new.db_index and not old.db_index):
        found.append("its index would be made under a lock: use AddIndexBeside")
    kinds = [field.db_parameters(connection)["type"] or "" for field in (old, new)]
    is_widened = kinds[0].startswith("varchar") and (
        kinds[1] == "text" or (kinds[1].startswith("varchar") and (new.max_length or 0) >= (old.max_length or 0))
    )
    if kinds[0] != kinds[1] and not is_widened:
        found.append(f"the table would be written anew, from {kinds[0]} to {kinds[1]}")
    return found
