from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("pipeline", "0012_video_retention"),
    ]

    operations = [
        migrations.AddField(
            model_name="asset",
            name="mood",
            field=models.CharField(blank=True, help_text="Of music of ours; empty for everything else.", max_length=40),
        ),
    ]
