from django.db import models

from videoflow.translation import SentenceField


class Provenance(models.Model):
    """Where a file of somebody else's, or of a service, comes from, and why it was chosen; empty for what was drawn here."""

    source_key = models.CharField(max_length=160, blank=True, help_text="The same picture in every search: service:kind:id.")
    page_url = models.CharField(max_length=1000, blank=True, help_text="Where its source shows it.")
    author = models.CharField(max_length=200, blank=True)
    licence_url = models.CharField(max_length=500, blank=True)
    licence_refused = SentenceField(
        longest=200, blank=True, default="", help_text="Why it is not used unasked; empty: it may be used."
    )
    licence_waived_at = models.DateTimeField(null=True, blank=True, help_text="When its user took the licence on themselves.")
    fetched_at = models.DateTimeField(null=True, blank=True)
    relevance = models.FloatField(null=True, blank=True, help_text="How well it fits the words, 0 to 1.")
    relevance_why = SentenceField(longest=600, blank=True, default="")
    fingerprint = models.CharField(max_length=16, blank=True, help_text="Of what it looks like; near ones are one picture.")
    note = SentenceField(
        longest=600, blank=True, default="", help_text="What else its user should know, such as what failed before it."
    )

    class Meta:
        abstract = True

    @property
    def is_refused(self) -> bool:
        """Whether its licence stands against it and nobody has taken that on themselves."""
        return bool(self.licence_refused) and self.licence_waived_at is None
