import errno
from typing import Any

import pytest
from django.db import InterfaceError, OperationalError, connection
from django.test import Client

from videoflow.pipeline.tests.factories import session_of

pytestmark = pytest.mark.django_db


def page_without_rows(error: Exception) -> Any:
    """Ask for a page while every statement ends in this error."""
    client = Client(raise_request_exception=False)
    session_of(client)

    def refuse(*_: object) -> None:
        raise error

    with connection.execute_wrapper(refuse):
        return client.get("/projects/")


@pytest.mark.parametrize("error", [OperationalError("connection refused"), InterfaceError("the connection is closed")])
def test_a_database_that_is_away_is_said_and_passes_by_itself(error: Exception) -> None:
    page = page_without_rows(error)
    assert (page.status_code, page.headers["Retry-After"]) == (503, "30")
    assert "The database does not answer" in page.content.decode()


@pytest.mark.parametrize(
    "error", [OSError(errno.ENOSPC, "No space left on device"), OperationalError("database or disk is full")]
)
def test_a_full_disk_is_said(error: Exception) -> None:
    page = page_without_rows(error)
    assert page.status_code == 507
    assert "There is no room on the disk" in page.content.decode()


def test_anything_else_is_an_error_of_the_studio() -> None:
    page = page_without_rows(ValueError("wrong"))
    assert page.status_code == 500
    assert "Something went wrong here" in page.content.decode()
