from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("tasks", "0005_parts_of_tasks"),
    ]

    operations = [
        migrations.AddField(
            model_name="task",
            name="request_id",
            field=models.CharField(
                blank=True,
                db_default="",
                default="",
                help_text="The request that asked for it last, as logs name it.",
                max_length=64,
            ),
        ),
    ]
