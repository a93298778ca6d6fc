from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('pipeline', '0008_service_choices'),
    ]

    operations = [
        migrations.AddField(
            model_name='asset',
            name='source_key',
            field=models.CharField(blank=True, help_text='The same picture in every search: service:kind:id.', max_length=160),
        ),
        migrations.AddField(
            model_name='asset',
            name='page_url',
            field=models.CharField(blank=True, help_text='Where its source shows it.', max_length=1000),
        ),
        migrations.AddField(
            model_name='asset',
            name='author',
            field=models.CharField(blank=True, max_length=200),
        ),
        migrations.AddField(
            model_name='asset',
            name='licence_url',
            field=models.CharField(blank=True, max_length=500),
        ),
        migrations.AddField(
            model_name='asset',
            name='licence_refused',
            field=models.CharField(blank=True, help_text='Why it is not used unasked; empty: it may be used.', max_length=200),
        ),
        migrations.AddField(
            model_name='asset',
            name='licence_waived_at',
            field=models.DateTimeField(blank=True, help_text='When its user took the licence on themselves.', null=True),
        ),
        migrations.AddField(
            model_name='asset',
            name='fetched_at',
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name='asset',
            name='relevance',
            field=models.FloatField(blank=True, help_text='How well it fits the words, 0 to 1.', null=True),
        ),
        migrations.AddField(
            model_name='asset',
            name='relevance_why',
            field=models.CharField(blank=True, max_length=600),
        ),
        migrations.AddField(
            model_name='asset',
            name='fingerprint',
            field=models.CharField(blank=True, help_text='Of what it looks like; near ones are one picture.', max_length=16),
        ),
        migrations.AddField(
            model_name='asset',
            name='note',
            field=models.CharField(blank=True, help_text='What else its user should know, such as what failed before it.', max_length=600),
        ),
    ]

