import videoflow.translation
from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [
        ("pipeline", "0018_sentences_of_provenance"),
    ]

    operations = [
        migrations.AlterField(
            model_name="providercall",
            name="purpose",
            field=videoflow.translation.SentenceField(longest=200),
        ),
    ]
