import videoflow.translation
from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [
        ("pipeline", "0015_translations_by_language"),
    ]

    operations = [
        migrations.AlterField(
            model_name="asset",
            name="note",
            field=videoflow.translation.SentenceField(
                blank=True, default="", help_text="What else its user should know, such as what failed before it.", longest=600
            ),
        ),
        migrations.AlterField(
            model_name="uploadnote",
            name="text",
            field=videoflow.translation.SentenceField(longest=400),
        ),
        migrations.AlterField(
            model_name="video",
            name="quality",
            field=videoflow.translation.SentencesField(default=dict, help_text="Verdict, findings with their times, figures."),
        ),
        migrations.AlterField(
            model_name="youtubeupload",
            name="steps",
            field=videoflow.translation.SentencesField(
                default=dict, help_text="What was done after the upload: {step: sentence}."
            ),
        ),
    ]
