from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from videoflow.pipeline.budget import price_of
from videoflow.providers.services import EMBEDDED, SERVICES

pytestmark = pytest.mark.django_db


def test_set_list_and_take_back(capsys: pytest.CaptureFixture[str]) -> None:
    call_command("service_prices", "elevenlabs", "speech", "0,30")
    call_command("service_prices", "elevenlabs", "speech", "0.10", model="flash")
    assert price_of("elevenlabs", "speech").micros == 300_000
    assert price_of("elevenlabs", "speech", "flash").micros == 100_000
    capsys.readouterr()
    call_command("service_prices")
    lines = [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()]
    assert "elevenlabs speech 0.30 USD for 1,000 characters" in lines
    assert "elevenlabs speech flash 0.10 USD for 1,000 characters" in lines
    assert "pexels images free" in lines
    assert "azure speech unknown for 1,000 characters" in lines
    call_command("service_prices", "elevenlabs", "speech", "unknown")
    assert price_of("elevenlabs", "speech").micros is None


@pytest.mark.parametrize("arguments", [("elevenlabs", "images", "1"), ("elevenlabs", "speech", "much"), ("elevenlabs", "speech")])
def test_what_cannot_be_is_refused(arguments: tuple[str, ...]) -> None:
    with pytest.raises(CommandError):
        call_command("service_prices", *arguments)
    assert price_of("elevenlabs", "speech").micros is None


def test_page_about_services_lists_each_with_its_setting() -> None:
    page = (Path(__file__).resolve().parents[3] / "docs" / "providers.md").read_text("utf-8")
    for service in SERVICES.values():
        if service.key != EMBEDDED:
            assert f"| {service.label} |" in page
            assert not service.needs_key or service.key_of or f"`{service.key_setting}`" in page
