from django.db import migrations

import videoflow.translation


class Migration(migrations.Migration):
    dependencies = [
        ("pipeline", "0013_asset_mood"),
    ]

    operations = [
        migrations.AlterField(
            model_name="channel",
            name="problem",
            field=videoflow.translation.SentenceField(
                blank=True, default="", help_text="Why it is lost, for its owner.", longest=500
            ),
        ),
        migrations.AlterField(
            model_name="providercall",
            name="error",
            field=videoflow.translation.SentenceField(blank=True, default="", longest=500),
        ),
        migrations.AlterField(
            model_name="script",
            name="warnings",
            field=videoflow.translation.SentencesField(default=list),
        ),
        migrations.AlterField(
            model_name="upload",
            name="error",
            field=videoflow.translation.SentenceField(blank=True, default="", longest=500),
        ),
    ]
