from django.db import migrations

from videoflow.postgresql.searching import search_index_drop, search_index_make


def make(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        with schema_editor.connection.cursor() as cursor:
            search_index_make(cursor)


def drop(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        with schema_editor.connection.cursor() as cursor:
            search_index_drop(cursor)


class Migration(migrations.Migration):
    atomic = False  # the index is made beside a running studio

    dependencies = [
        ("pipeline", "0022_shared_segments"),
    ]

    operations = [
        migrations.RunPython(make, drop),
    ]
