import stat
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import pytest
from django.contrib.auth import get_user_model
from django.core.exceptions import ImproperlyConfigured
from django.core.management import CommandError, call_command
from django.db import IntegrityError

from videoflow.errors import BadInput
from videoflow.sessions.models import CreatorSession
from videoflow.sessions.services import session_create
from videoflow.vault.crypto import VaultKeyWrong, seal, unseal
from videoflow.vault.models import Credential
from videoflow.vault.services import (
    Owner,
    credential_delete,
    credential_masks,
    credential_read,
    credential_set,
    credentials_claim,
    credentials_count,
    credentials_rotate,
    credentials_stored,
)

pytestmark = pytest.mark.django_db
SECRET = "sk-canary-0a1b2c3d4e5f"
OLD, NEW = "old-master-key-" + "o" * 32, "new-master-key-" + "n" * 32


@pytest.fixture
def owner() -> Owner:
    return Owner(session_id=session_create().pk)


class TestCredential:
    def test_ok(self, owner):
        credential_set(owner=owner, provider="openai", secret=f" {SECRET}\n")
        assert credential_read(owner=owner, provider="openai") == SECRET
        assert credential_masks(owner=owner, providers=["openai", "gemini"]) == {"openai": "…4e5f", "gemini": None}

    def test_the_row_tells_no_more_than_the_mask(self, owner):
        credential_set(owner=owner, provider="openai", secret=SECRET)
        row = Credential.objects.get()
        assert SECRET not in f"{row} {row.__dict__}"
        assert b"canary" not in bytes(row.ciphertext)

    def test_the_same_key_is_never_sealed_alike(self, owner):
        credential_set(owner=owner, provider="openai", secret=SECRET)
        first = bytes(Credential.objects.get().ciphertext)
        credential_set(owner=owner, provider="openai", secret=SECRET)
        assert bytes(Credential.objects.get().ciphertext) != first

    def test_each_owner_and_provider_has_its_own(self, owner):
        user = get_user_model().objects.create_user("ana")
        signed_in = Owner(session_id=owner.session_id, user_id=user.pk)
        for who, provider, secret in ((owner, "openai", "a" * 9), (owner, "gemini", "b" * 9), (signed_in, "openai", "c" * 9)):
            credential_set(owner=who, provider=provider, secret=secret)
        assert credential_read(owner=owner, provider="openai") == "a" * 9
        assert credential_read(owner=owner, provider="gemini") == "b" * 9
        assert credential_read(owner=signed_in, provider="openai") == "c" * 9
        credential_delete(owner=owner, provider="openai")
        assert credential_read(owner=owner, provider="openai") is None
        assert credential_read(owner=signed_in, provider="openai") == "c" * 9

    def test_a_row_moved_to_another_owner_or_provider_stays_shut(self, owner):
        credential_set(owner=owner, provider="openai", secret=SECRET)
        other = Owner(session_id=session_create().pk)
        Credential.objects.update(session_id=other.session_id)
        with pytest.raises(VaultKeyWrong):
            credential_read(owner=other, provider="openai")
        Credential.objects.update(session_id=owner.session_id, provider="gemini")
        with pytest.raises(VaultKeyWrong):
            credential_read(owner=owner, provider="gemini")

    def test_a_row_has_exactly_one_owner(self):
        with pytest.raises(IntegrityError):
            Credential.objects.create(provider="openai", ciphertext=b"x", last4="abcd")

    @pytest.mark.parametrize("secret", ["", "short", "two words long", "schlüssel-0123", "tab\tkey-0123", "x" * 601, "…4e5f"])
    def test_what_cannot_be_a_key_is_refused_without_repeating_it(self, owner, secret):
        with pytest.raises(BadInput) as refusal:
            credential_set(owner=owner, provider="openai", secret=secret)
        assert not secret or secret not in f"{refusal.value} {refusal.value.details}"

    def test_deleting_a_session_deletes_its_keys(self):
        session = session_create()
        credential_set(owner=Owner(session_id=session.pk), provider="openai", secret=SECRET)
        session.delete()
        assert not Credential.objects.exists()


class TestStored:
    def test_ok(self, owner):
        assert credentials_stored(owner=owner) == {}
        credential_set(owner=owner, provider="openai", secret=SECRET, label="  work \n account ")
        stored = credentials_stored(owner=owner)["openai"]
        assert (stored.mask, stored.label, stored.last_used_at, stored.problem) == ("…4e5f", "work account", None, "")

    def test_a_use_is_noted_to_the_minute(self, owner):
        credential_set(owner=owner, provider="openai", secret=SECRET)
        credential_read(owner=owner, provider="openai")
        first = credentials_stored(owner=owner)["openai"].last_used_at
        assert first is not None
        credential_read(owner=owner, provider="openai")
        assert credentials_stored(owner=owner)["openai"].last_used_at == first
        Credential.objects.update(last_used_at=first - timedelta(minutes=2))
        credential_read(owner=owner, provider="openai")
        again = credentials_stored(owner=owner)["openai"].last_used_at
        assert again is not None
        assert again > first

    def test_looking_at_the_keys_is_no_use(self, owner, django_assert_num_queries):
        for provider in ("openai", "gemini", "pexels"):
            credential_set(owner=owner, provider=provider, secret=SECRET)
        with django_assert_num_queries(1):
            credentials_stored(owner=owner)
        assert not Credential.objects.exclude(last_used_at=None).exists()

    def test_a_new_key_has_not_been_used(self, owner):
        credential_set(owner=owner, provider="openai", secret=SECRET, label="old")
        credential_read(owner=owner, provider="openai")
        credential_set(owner=owner, provider="openai", secret="sk-another-0123")
        stored = credentials_stored(owner=owner)["openai"]
        assert (stored.mask, stored.label, stored.last_used_at) == ("…0123", "", None)

    def test_one_that_cannot_be_opened_says_so_beside_the_others(self, owner, settings):
        settings.VIDEOFLOW_VAULT_KEYS = OLD
        credential_set(owner=owner, provider="openai", secret=SECRET)
        settings.VIDEOFLOW_VAULT_KEYS = NEW
        credential_set(owner=owner, provider="gemini", secret=SECRET)
        stored = credentials_stored(owner=owner)
        assert "master key has changed" in stored["openai"].problem
        assert stored["openai"].mask == "…4e5f"
        assert stored["gemini"].problem == ""
        assert credentials_count() == (2, 1)


class TestClaim:
    @pytest.fixture
    def user(self):
        return get_user_model().objects.create_user("ana")

    def test_a_key_from_before_the_sign_in_goes_on_working_after_it(self, owner, user, client):
        credential_set(owner=owner, provider="openai", secret=SECRET)
        CreatorSession.objects.filter(pk=owner.session_id).update(user=user)
        client.force_login(user)
        signed_in = Owner(session_id=uuid4(), user_id=user.pk)
        assert credential_read(owner=signed_in, provider="openai") == SECRET
        assert credential_read(owner=owner, provider="openai") is None
        assert Credential.objects.count() == 1

    def test_the_users_own_key_wins(self, owner, user):
        signed_in = Owner(session_id=owner.session_id, user_id=user.pk)
        credential_set(owner=owner, provider="openai", secret="a" * 9)
        credential_set(owner=signed_in, provider="openai", secret="b" * 9)
        CreatorSession.objects.filter(pk=owner.session_id).update(user=user)
        credentials_claim(user_id=user.pk)
        assert credential_read(owner=signed_in, provider="openai") == "b" * 9
        assert Credential.objects.count() == 1

    def test_a_key_of_a_lost_master_key_does_not_stop_the_sign_in(self, owner, user, settings):
        settings.VIDEOFLOW_VAULT_KEYS = OLD
        credential_set(owner=owner, provider="openai", secret=SECRET)
        settings.VIDEOFLOW_VAULT_KEYS = NEW
        CreatorSession.objects.filter(pk=owner.session_id).update(user=user)
        credentials_claim(user_id=user.pk)
        assert Credential.objects.get().session_id == owner.session_id

    def test_others_keys_stay_theirs(self, owner, user):
        credential_set(owner=owner, provider="openai", secret=SECRET)
        credentials_claim(user_id=user.pk)
        assert credential_read(owner=owner, provider="openai") == SECRET


class TestMasterKeys:
    def test_made_at_first_use_for_the_owner_only(self, owner, settings, tmp_path: Path):
        settings.VIDEOFLOW_DATA = tmp_path
        credential_masks(owner=owner, providers=["openai"])
        assert not (tmp_path / "vault_keys").exists()
        credential_set(owner=owner, provider="openai", secret=SECRET)
        assert stat.S_IMODE((tmp_path / "vault_keys").stat().st_mode) == 0o600
        assert credential_read(owner=owner, provider="openai") == SECRET

    def test_a_lost_one_is_told_and_none_is_made_in_its_place(self, owner, settings, tmp_path: Path):
        settings.VIDEOFLOW_VAULT_KEYS, settings.VIDEOFLOW_DATA = "", tmp_path
        credential_set(owner=owner, provider="openai", secret=SECRET)
        (tmp_path / "vault_keys").unlink()
        with pytest.raises(VaultKeyWrong):
            credential_read(owner=owner, provider="openai")
        assert not (tmp_path / "vault_keys").exists()

    def test_the_wrong_one_is_a_clear_refusal(self, owner, settings):
        settings.VIDEOFLOW_VAULT_KEYS = OLD
        credential_set(owner=owner, provider="openai", secret=SECRET)
        settings.VIDEOFLOW_VAULT_KEYS = NEW
        with pytest.raises(VaultKeyWrong, match="VIDEOFLOW_VAULT_KEYS") as refusal:
            credential_read(owner=owner, provider="openai")
        assert OLD not in str(refusal.value)
        assert NEW not in str(refusal.value)

    def test_rotation_seals_under_the_first_key_so_that_the_old_one_can_go(self, owner, settings):
        settings.VIDEOFLOW_VAULT_KEYS = OLD
        credential_set(owner=owner, provider="openai", secret=SECRET)
        before = Credential.objects.get().rotated_at
        settings.VIDEOFLOW_VAULT_KEYS = f"{NEW},{OLD}"
        assert credential_read(owner=owner, provider="openai") == SECRET
        assert (credentials_rotate(), credentials_rotate()) == (1, 0)
        assert Credential.objects.get().rotated_at > before
        settings.VIDEOFLOW_VAULT_KEYS = NEW
        assert credential_read(owner=owner, provider="openai") == SECRET

    def test_the_command_rotates_or_says_why_not(self, owner, settings, capsys):
        settings.VIDEOFLOW_VAULT_KEYS = OLD
        credential_set(owner=owner, provider="openai", secret=SECRET)
        settings.VIDEOFLOW_VAULT_KEYS = NEW
        with pytest.raises(CommandError, match="Put the old one back"):
            call_command("vault_rotate")
        settings.VIDEOFLOW_VAULT_KEYS = f"{NEW},{OLD}"
        call_command("vault_rotate")
        assert "1 stored keys" in capsys.readouterr().out

    def test_a_weak_one_is_refused(self, settings):
        settings.VIDEOFLOW_VAULT_KEYS = "password"
        with pytest.raises(ImproperlyConfigured, match="32"):
            seal(SECRET, context="x")

    def test_a_changed_byte_is_noticed(self):
        context = f"session:{uuid4()}|openai"
        sealed = bytearray(seal(SECRET, context=context))
        assert unseal(bytes(sealed), context=context) == SECRET
        for position in range(len(sealed)):
            broken = bytearray(sealed)
            broken[position] ^= 1
            with pytest.raises(VaultKeyWrong):
                unseal(bytes(broken), context=context)
        with pytest.raises(VaultKeyWrong):
            unseal(b"", context=context)
