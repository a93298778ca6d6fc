import pytest

from videoflow.providers.base import ProviderError
from videoflow.providers.registry import provider_get, provider_names


@pytest.mark.parametrize("capability", ["writer", "speech", "images", "music"])
def test_every_capability_has_its_embedded_provider(capability):
    assert "embedded" in provider_names(capability)
    assert provider_get(capability, "embedded").name == "embedded"


def test_an_unknown_name_lists_what_there_is():
    with pytest.raises(ProviderError, match=r"Installed: .*embedded"):
        provider_get("speech", "nobody")
