import videoflow.translation
from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [
        ("pipeline", "0016_sentences_kept"),
    ]

    operations = [
        migrations.AlterField(
            model_name="trendreport",
            name="measure",
            field=videoflow.translation.SentenceField(longest=400),
        ),
        migrations.AlterField(
            model_name="trendreport",
            name="source_label",
            field=videoflow.translation.SentenceField(longest=255),
        ),
    ]
