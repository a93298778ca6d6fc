from urllib.parse import urlencode

import pytest
from django.test import Client
from django.urls import reverse

from videoflow.http import LARGEST_NUMBER, whole_number


@pytest.mark.parametrize(
    ("text", "number"),
    [
        *(("0", 0), ("7", 7), ("007", 7), ("100", 100), ("101", 100)),
        *((text, None) for text in ("", "-1", "+1", " 1", "1.0", "1_0", "٣", "²", "x")),
        *((pytest.param("9" * 5000, 100, id="5,000 nines"), pytest.param("0" * 5000 + "5", 5, id="5,000 zeros and a five"))),
    ],
)
def test_whole_number(text: str, number: int | None) -> None:
    assert whole_number(text, most=100) == number


def test_whole_number_fits_a_database() -> None:
    assert whole_number("9" * 19) == LARGEST_NUMBER


@pytest.mark.django_db
class TestStorableText:
    @pytest.mark.parametrize("address", ["/projects/?q=a%00b", "/tasks/?status=%00", "/api/tasks?session_id=%00"])
    def test_a_query_with_nul_is_refused(self, address: str) -> None:
        answer = Client().get(address)
        assert answer.status_code == 400

    @pytest.mark.parametrize("multipart", [True, False])
    def test_a_form_with_nul_is_refused_and_another_taken(self, multipart: bool) -> None:
        client = Client(enforce_csrf_checks=True)
        client.get(reverse("pipeline:start"))
        token = client.cookies["csrftoken"].value
        answers = []
        for word in ("dark", "da\0rk"):
            form = {"theme": word, "csrfmiddlewaretoken": token}
            kind = {} if multipart else {"content_type": "application/x-www-form-urlencoded"}
            answers.append(client.post(reverse("pipeline:theme"), form if multipart else urlencode(form), **kind))
        assert [answer.status_code for answer in answers] == [302, 400]
        assert "could not be understood" in answers[1].content.decode()
