import videoflow.translation
from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [
        ("pipeline", "0017_sentences_of_reports"),
    ]

    operations = [
        migrations.AlterField(
            model_name="asset",
            name="licence_refused",
            field=videoflow.translation.SentenceField(
                blank=True, default="", help_text="Why it is not used unasked; empty: it may be used.", longest=200
            ),
        ),
        migrations.AlterField(
            model_name="asset",
            name="relevance_why",
            field=videoflow.translation.SentenceField(blank=True, default="", longest=600),
        ),
    ]
