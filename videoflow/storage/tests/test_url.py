import pytest
from django.core.exceptions import ImproperlyConfigured

from videoflow.storage.url import bucket_address, storage_settings


class TestBucketAddress:
    def test_ok(self):
        address = bucket_address("s3://films/studio/one?endpoint=https://s.example:9000&region=eu-central-1&reads=studio")
        assert (address.bucket, address.prefix, address.region, address.reads) == (
            "films",
            "studio/one",
            "eu-central-1",
            "studio",
        )
        assert (address.style, address.origin) == ("path", "https://s.example:9000")

    def test_none_is_this_hosts_folder(self):
        assert bucket_address("") is None
        assert storage_settings(None, key_id="", secret="") == {"BACKEND": "videoflow.storage.local.LocalStorage"}

    def test_amazons_own_has_the_bucket_in_its_name(self):
        assert bucket_address("s3://films?region=eu-west-1").origin == "https://films.s3.eu-west-1.amazonaws.com"

    def test_browsers_may_have_another_way_there(self):
        assert (
            bucket_address("s3://f?endpoint=http://storage:8333&public=https://media.example").origin == "https://media.example"
        )

    @pytest.mark.parametrize(
        ("url", "sentence"),
        [
            ("https://films", "must be empty or like s3://"),
            ("s3:///films", "must be empty or like s3://"),
            ("s3://key:secret@films", "holds a key"),
            ("s3://films?endpont=http://x", "knows no “endpont”"),
            ("s3://films?endpoint=storage:9000", "endpoint .* must be like https://"),
            ("s3://films?endpoint=http://x/path", "endpoint .* must be like https://"),
            ("s3://films?reads=maybe", "must be signed or studio"),
        ],
    )
    def test_refuses_what_it_cannot_use(self, url, sentence):
        with pytest.raises(ImproperlyConfigured, match=sentence):
            bucket_address(url)

    def test_half_a_key_is_refused(self):
        with pytest.raises(ImproperlyConfigured, match="Set both"):
            storage_settings(bucket_address("s3://films"), key_id="id", secret="")
