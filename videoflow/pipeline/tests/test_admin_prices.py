import pytest
from django.contrib.auth.models import User
from django.test import Client

from videoflow.pipeline.budget import price_of
from videoflow.pipeline.models import ServicePrice

pytestmark = pytest.mark.django_db
LIST = "/admin/pipeline/serviceprice/"


@pytest.fixture
def staff(client: Client) -> Client:
    client.force_login(User.objects.create_superuser("ada", password="a long word"))
    return client


def test_ok(staff):
    assert b"OpenAI, speech: for 1,000 characters" in staff.get(f"{LIST}add/").content
    answer = staff.post(f"{LIST}add/", {"what": "openai/speech", "model": "", "dollars": "0.015"})
    assert answer.status_code == 302
    assert price_of("openai", "speech").micros == 15_000
    assert b"0.015 USD / 1,000 characters" in staff.get(LIST).content
    line = ServicePrice.objects.get()
    staff.post(f"{LIST}{line.pk}/change/", {"what": "openai/speech", "model": "loud", "dollars": "0.03"})
    assert (price_of("openai", "speech").micros, price_of("openai", "speech", "loud").micros) == (None, 30_000)


def test_a_second_line_for_the_same_is_refused(staff):
    for _ in range(2):
        answer = staff.post(f"{LIST}add/", {"what": "openai/speech", "model": "", "dollars": "0.015"})
    assert b"Change that one" in answer.content
    assert ServicePrice.objects.count() == 1


def test_not_for_everybody(client):
    assert client.get(f"{LIST}add/").status_code in (302, 403, 404)
