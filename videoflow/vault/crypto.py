"""Seal and open secrets with AES-256-GCM under the studio's master keys.

A sealed secret is ``version (1 byte) | key id (4) | nonce (12) | ciphertext and tag``; its context (owner and provider) is the
associated data, so that it opens nowhere else.
"""

import hashlib
import os
import re

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from videoflow.env import secret_file
from videoflow.errors import VideoflowError

VERSION = b"\x01"
KEY_ID_BYTES = 4
NONCE_BYTES = 12
SHORTEST_MASTER_KEY = 32  # characters


class VaultKeyWrong(VideoflowError):
    """No master key opens the secret, or the row was moved to another owner."""

    code = "VAULT_KEY_WRONG"


class _MasterKey:
    def __init__(self, text: str) -> None:
        key = HKDF(algorithm=SHA256(), length=32, salt=None, info=b"videoflow vault 1").derive(text.encode())
        self.key_id = hashlib.sha256(b"id" + key).digest()[:KEY_ID_BYTES]
        self.cipher = AESGCM(key)

    def __repr__(self) -> str:
        return f"<master key {self.key_id.hex()}>"


def _master_keys(*, to_seal: bool = False) -> list[_MasterKey]:
    """Return the master keys, the one that seals first; none where none is given and nothing was sealed yet.

    The first one is made in the data folder ``to_seal`` with, never to read: a new one opens nothing and would hide the loss.
    """
    kept = settings.VIDEOFLOW_DATA / "vault_keys"
    if not settings.VIDEOFLOW_VAULT_KEYS and not to_seal and not kept.exists():
        return []
    text = settings.VIDEOFLOW_VAULT_KEYS or secret_file(kept)
    parts = [part for part in re.split(r"[,\s]+", text) if part]
    if not parts or any(len(part) < SHORTEST_MASTER_KEY for part in parts):
        raise ImproperlyConfigured(f"Each key in VIDEOFLOW_VAULT_KEYS needs at least {SHORTEST_MASTER_KEY} characters.")
    return [_MasterKey(part) for part in parts]


def seal(secret: str, *, context: str) -> bytes:
    """Return the secret sealed under the first master key."""
    master = _master_keys(to_seal=True)[0]
    nonce = os.urandom(NONCE_BYTES)
    return VERSION + master.key_id + nonce + master.cipher.encrypt(nonce, secret.encode(), context.encode())


def unseal(sealed: bytes, *, context: str) -> str:
    """Return the secret.

    Raises:
        VaultKeyWrong: no master key fits, or the secret belongs to another context.
    """
    head = len(VERSION) + KEY_ID_BYTES
    key_id, nonce, body = sealed[len(VERSION) : head], sealed[head : head + NONCE_BYTES], sealed[head + NONCE_BYTES :]
    masters = [master for master in _master_keys() if master.key_id == key_id]
    try:
        if sealed[: len(VERSION)] == VERSION and masters:
            return masters[0].cipher.decrypt(nonce, body, context.encode()).decode()
    except (InvalidTag, ValueError):
        pass
    raise VaultKeyWrong(
        "A stored key cannot be read: the vault's master key has changed. Put the old one back into VIDEOFLOW_VAULT_KEYS, "
        "after the new one, or enter the key again."
    ) from None


def is_current(sealed: bytes) -> bool:
    """Say whether the secret is sealed under the key that seals now."""
    return any(sealed[len(VERSION) :].startswith(master.key_id) for master in _master_keys()[:1])
