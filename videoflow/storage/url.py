"""Where finished files live, read from one address: a folder of this host, or a bucket that speaks the S3 protocol."""

from dataclasses import dataclass
from typing import Literal, cast
from urllib.parse import parse_qsl, unquote, urlsplit

from django.core.exceptions import ImproperlyConfigured

Reads = Literal["signed", "studio"]
_OPTIONS = frozenset({"endpoint", "region", "public", "reads", "addressing", "checksums"})
_EXAMPLE = "s3://bucket/prefix?endpoint=https://storage.example&region=eu-central-1"


@dataclass(frozen=True, slots=True)
class BucketAddress:
    """What ``VIDEOFLOW_STORAGE_URL`` says of a bucket."""

    bucket: str
    prefix: str = ""
    endpoint: str = ""
    """Empty: Amazon's own, by ``region``."""
    region: str = "us-east-1"
    public: str = ""
    """Where browsers reach the endpoint, when that is another address than the studio's own way to it."""
    reads: Reads = "signed"
    """``signed``: browsers are sent to the bucket, with an address valid for minutes. ``studio``: the studio passes files on."""
    addressing: str = ""
    """``path`` or ``virtual``; empty: ``path`` where an endpoint is named, else ``virtual``."""
    checksums: str = "when_supported"
    """``when_required`` for older servers that know no checksums after the content."""

    @property
    def style(self) -> str:
        return self.addressing or ("path" if self.endpoint else "virtual")

    @property
    def origin(self) -> str:
        """Scheme and host that browsers are sent to."""
        base = urlsplit(self.public or self.endpoint or f"https://s3.{self.region}.amazonaws.com")
        host = base.netloc if self.style == "path" else f"{self.bucket}.{base.netloc}"
        return f"{base.scheme}://{host}"


def bucket_address(url: str) -> BucketAddress | None:
    """Return the bucket that an address names; None for an empty one, which means this host's own folder.

    Raises:
        ImproperlyConfigured: the address cannot be used; the sentence says which part.
    """
    if not url:
        return None
    parts = urlsplit(url)
    if parts.scheme != "s3" or not parts.hostname:
        raise ImproperlyConfigured(f"VIDEOFLOW_STORAGE_URL must be empty or like {_EXAMPLE}.")
    if parts.username or parts.password:
        raise ImproperlyConfigured(
            "VIDEOFLOW_STORAGE_URL holds a key. Put it into VIDEOFLOW_STORAGE_KEY_ID and VIDEOFLOW_STORAGE_SECRET instead."
        )
    options = dict(parse_qsl(parts.query, keep_blank_values=True))
    if unknown := sorted(options.keys() - _OPTIONS):
        raise ImproperlyConfigured(f"VIDEOFLOW_STORAGE_URL knows no “{unknown[0]}”; it takes {', '.join(sorted(_OPTIONS))}.")
    for name in ("endpoint", "public"):
        named = urlsplit(options.get(name, ""))
        if options.get(name) and (named.scheme not in {"http", "https"} or not named.netloc or named.path.strip("/")):
            raise ImproperlyConfigured(f"{name} in VIDEOFLOW_STORAGE_URL must be like https://storage.example:9000.")
    choices = {"reads": ("signed", "studio"), "addressing": ("path", "virtual"), "checksums": ("when_supported", "when_required")}
    for name, words in choices.items():
        if options.get(name) and options[name] not in words:
            raise ImproperlyConfigured(f"{name} in VIDEOFLOW_STORAGE_URL must be {' or '.join(words)}, not {options[name]!r}.")
    given = {name: value.rstrip("/") for name, value in options.items() if value}
    reads = cast(Reads, given.pop("reads", "signed"))
    return BucketAddress(bucket=parts.hostname, prefix=unquote(parts.path).strip("/"), reads=reads, **given)


def storage_settings(address: BucketAddress | None, *, key_id: str, secret: str) -> dict[str, object]:
    """Return Django's settings of the storage for finished files.

    Raises:
        ImproperlyConfigured: half of a key was given.
    """
    if address is None:
        return {"BACKEND": "videoflow.storage.local.LocalStorage"}
    if bool(key_id) != bool(secret):
        raise ImproperlyConfigured("Set both VIDEOFLOW_STORAGE_KEY_ID and VIDEOFLOW_STORAGE_SECRET, or neither.")
    return {
        "BACKEND": "videoflow.storage.bucket.BucketStorage",
        "OPTIONS": {"address": address, "access_key": key_id or None, "secret_key": secret or None},
    }
