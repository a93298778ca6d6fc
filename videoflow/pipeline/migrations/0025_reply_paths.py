from django.db import migrations, models

from videoflow.postgresql.operations import AddIndexBeside


class Migration(migrations.Migration):
    atomic = False  # the index is made beside a running studio

    dependencies = [
        ("pipeline", "0024_step_sentences"),
    ]

    operations = [
        AddIndexBeside(
            model_name="providercall",
            index=models.Index(fields=["reply_path"], name="call_reply"),
        ),
    ]
