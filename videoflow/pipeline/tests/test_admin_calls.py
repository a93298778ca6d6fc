import re
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from videoflow.pipeline.models import ProviderCall
from videoflow.pipeline.money import money_shown
from videoflow.pipeline.tests.factories import ProjectFactory, task_failed

pytestmark = pytest.mark.django_db
LIST = "/admin/pipeline/providercall/"


@pytest.fixture
def staff(client: Client) -> Client:
    client.force_login(User.objects.create_superuser("ada", password="a long word"))
    return client


def call_make(**facts: Any) -> ProviderCall:
    project = facts.pop("project", None) or ProjectFactory.create()
    task = task_failed(project, "media_generation", "The answer was lost.", code="CALL_UNKNOWN")
    start = timezone.now() - timedelta(seconds=75)
    wanted = facts.pop("wanted", f"{ProviderCall.objects.count():064d}")
    values = {
        "key": f"{wanted}-{facts.get('attempt', 1)}",
        "wanted": wanted,
        "project": project,
        "task": task,
        "fence": 1,
        "stage": "media_generation",
        "purpose": "speech of line 12",
        "request_hash": "a" * 64,
        "provider": "lark",
        "model": "lark-2",
        "capability": "speech",
        "state": "done",
        "reserved_micros": 3000,
        "charged_micros": 2500,
        "created_at": start,
        "ended_at": start + timedelta(seconds=42),
        "remote_id": "job-7",
    }
    return ProviderCall.objects.create(**{**values, **facts})


def words(answer: Any) -> str:
    """The text of a page, tags gone, blanks joined."""
    return " ".join(re.sub(r"<[^>]+>", " ", answer.content.decode()).split())


def page_of(call: ProviderCall) -> str:
    return reverse("admin:pipeline_providercall_change", args=[call.pk])


def listed(client: Client, **filters: str) -> list[ProviderCall]:
    answer = client.get(LIST, filters)
    assert answer.status_code == 200, filters
    return list(answer.context["cl"].result_list)


class TestList:
    def test_ok(self, staff: Client) -> None:
        call_make()
        text = words(staff.get(LIST))
        for part in ("speech of line 12", "lark", "done", "0.0025 USD", "0.003 USD", "42 s", "Why everyone watches"):
            assert part in text

    def test_filters_and_search(self, staff: Client) -> None:
        mine = call_make(state="unknown", provider="wren", stage="script_generation", capability="writer", remote_id="")
        call_make()
        for name, value in (("state", "unknown"), ("provider", "wren"), ("stage", "script_generation"), ("capability", "writer")):
            assert listed(staff, **{f"{name}__exact" if name == "state" else name: value}) == [mine], name
        for query in (str(mine.pk), mine.key, str(mine.task_id), str(mine.project_id)):
            assert listed(staff, q=query) == [mine], query
        assert len(listed(staff, q="line 12")) == 2

    def test_queries_do_not_grow_with_rows(self, staff: Client, django_assert_max_num_queries: Any) -> None:
        for _ in range(8):
            call_make()
        with django_assert_max_num_queries(12):
            staff.get(LIST)

    def test_nothing_can_be_changed(self, staff: Client) -> None:
        call = call_make()
        page = staff.get(page_of(call)).content.decode()
        assert '<input type="text"' not in page.split('id="content"')[1]
        assert staff.post(page_of(call), {"state": "failed"}).status_code == 403
        assert staff.get(reverse("admin:pipeline_providercall_add")).status_code == 403
        assert staff.post(reverse("admin:pipeline_providercall_delete", args=[call.pk]), {"post": "yes"}).status_code == 403

    def test_a_call_whose_project_is_gone(self, staff: Client) -> None:
        call = call_make()
        ProviderCall.objects.update(project=None, task=None)
        assert "0.0025 USD" in words(staff.get(page_of(call)))
        assert staff.get(LIST).status_code == 200


class TestDecide:
    def test_ask_again(self, staff: Client) -> None:
        call = call_make(state="unknown")
        assert "Ask again and perhaps pay twice" in words(staff.get(page_of(call)))
        answer = staff.post(f"{LIST}{call.pk}/decide/ask_again/", follow=True)
        assert "The task asks again." in words(answer)
        call.refresh_from_db()
        assert (call.choice, call.task.status) == ("ask_again", "retrying")

    def test_leave(self, staff: Client) -> None:
        call = call_make(state="unknown")
        answer = staff.post(f"{LIST}{call.pk}/decide/leave/", follow=True)
        assert "Left as it is." in words(answer) and "Leave it" not in words(answer)
        call.refresh_from_db()
        assert (call.choice, call.task.status) == ("leave", "failed")

    def test_refusals(self, staff: Client) -> None:
        call = call_make(state="unknown", wanted="f" * 64)
        call_make(wanted="f" * 64, attempt=2, state="submitted", project=call.project)
        assert "Ask again" not in words(staff.get(page_of(call)))
        answer = staff.post(f"{LIST}{call.pk}/decide/ask_again/", follow=True)
        assert "This was asked again already." in words(answer)
        assert staff.get(f"{LIST}{call.pk}/decide/leave/").status_code == 405
        for path in (f"{call.pk}/decide/pay/", "nothing/decide/leave/", "1d0f6e6e-0000-4000-8000-000000000000/decide/leave/"):
            assert staff.post(f"{LIST}{path}").status_code == 404

    def test_needs_the_right_to_change_calls(self, client: Client) -> None:
        reader = User.objects.create_user("rea", password="a long word", is_staff=True)
        reader.user_permissions.add(Permission.objects.get(codename="view_providercall"))
        client.force_login(reader)
        call = call_make(state="unknown")
        assert "Ask again" not in words(client.get(page_of(call)))
        assert client.post(f"{LIST}{call.pk}/decide/ask_again/").status_code == 403
        call.refresh_from_db()
        assert call.choice == ""


@pytest.mark.parametrize(
    ("micros", "shown"), [(None, "–"), (0, "0.00 EUR"), (2500, "0.0025 EUR"), (1_500_000, "1.50 EUR"), (7, "0.000007 EUR")]
)
def test_money(micros: int | None, shown: str) -> None:
    assert money_shown(micros, "EUR") == shown
