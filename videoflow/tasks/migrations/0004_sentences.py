import videoflow.translation
from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [
        ("tasks", "0003_waiting_and_automatic_retries"),
    ]

    operations = [
        migrations.AlterField(
            model_name="progressevent",
            name="message",
            field=videoflow.translation.SentenceField(blank=True, default="", longest=500),
        ),
        migrations.AlterField(
            model_name="task",
            name="message",
            field=videoflow.translation.SentenceField(blank=True, default="", longest=500),
        ),
    ]
