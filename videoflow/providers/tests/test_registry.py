import subprocess
import sys

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


def test_providers_are_found_where_the_packages_of_tests_are_not_installed():
    """A studio installs ``requirements.txt`` alone; here these packages are there, so they are hidden."""
    hidden = "import sys; sys.modules['pytest'] = None"
    asked = f"{hidden}; from videoflow.providers.registry import provider_names; print(provider_names('speech'))"
    done = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, timeout=240, check=False)
    assert "'embedded'" in done.stdout, done.stderr
