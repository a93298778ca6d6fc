import threading

import pytest
from django.contrib.auth.models import User
from django.contrib.auth.signals import user_logged_in
from django.db import connection, transaction

from videoflow.errors import BadInput
from videoflow.pipeline.budget import (
    Standing,
    budget_reserve,
    budget_set,
    month_standing,
    price_of,
    prices_set,
    project_budget_set,
    project_standing,
)
from videoflow.pipeline.ledger import Payer, paid_directly
from videoflow.pipeline.models import Budget, Project, ProviderCall
from videoflow.pipeline.services import project_create
from videoflow.pipeline.tests.paid_provider import PRICE_MICROS
from videoflow.providers.paid import CallRefused, PaidCall, Reply, request_hash
from videoflow.sessions.services import session_create

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def project() -> Project:
    return project_create(session=session_create(), seed=1)


def call(text: str = "one", **facts) -> PaidCall:
    """A call whose provider answers at once and says what it charged."""
    return PaidCall(
        **{
            "provider": "elevenlabs",
            "model": "m",
            "capability": "speech",
            "purpose": "speech of line 1",
            "request_hash": request_hash(text=text),
            "send": lambda key: Reply(b"{}", charged_micros=PRICE_MICROS),
            "reserved_micros": 3000,
            **facts,
        }
    )


def pay(project: Project, wanted: PaidCall) -> bytes:
    return paid_directly(Payer(project.session, "media_generation", project))(wanted)


class TestReserve:
    def test_ok(self, project):
        project_budget_set(project=project, micros=6000)
        assert pay(project, call()) == b"{}"
        row = ProviderCall.objects.get()
        assert (row.reserved_micros, row.charged_micros, row.task, row.owner) == (
            3000,
            2500,
            None,
            f"session:{project.session_id}",
        )
        project.refresh_from_db()
        assert project_standing(project) == Standing(limit_micros=6000, used_micros=2500)
        assert pay(project, call()) == b"{}"
        assert ProviderCall.objects.count() == 1, "the kept reply costs nothing"

    @pytest.mark.parametrize("scope", ["project", "month"])
    def test_a_call_over_the_budget_is_not_made(self, project, scope):
        if scope == "project":
            project_budget_set(project=project, micros=5000)
        else:
            budget_set(session=project.session, month_micros=5000, takes_unknown_prices=False)
        pay(project, call("one"))
        with pytest.raises(BadInput, match="Raise the budget") as caught:
            pay(project, call("two", send=lambda key: pytest.fail("nothing may be sent")))
        assert (caught.value.code, caught.value.details["scope"]) == ("BUDGET_REACHED", scope)
        assert caught.value.details["used_micros"] == 2500
        assert ProviderCall.objects.count() == 1

    def test_a_refused_call_gives_its_money_back(self, project):
        project_budget_set(project=project, micros=3000)

        def no(key: str) -> Reply:
            raise CallRefused("No.")

        with pytest.raises(CallRefused):
            pay(project, call("one", send=no))
        assert pay(project, call("two")) == b"{}"

    def test_what_was_reserved_for_a_lost_reply_stays_used(self, project):
        project_budget_set(project=project, micros=3000)

        def lose(key: str) -> Reply:
            raise OSError

        with pytest.raises(Exception, match="may have charged"):
            pay(project, call("one", send=lose))
        with pytest.raises(BadInput, match="budget"):
            pay(project, call("two"))

    def test_clicks_at_once_share_the_last_of_the_money(self, project):
        project_budget_set(project=project, micros=9000)
        barrier, refused = threading.Barrier(8), []

        def click(number: int) -> None:
            barrier.wait()
            try:
                pay(project, call(str(number), send=lambda key: Reply(b"{}")))
            except BadInput as error:
                refused.append(error.code)
            finally:
                connection.close()

        threads = [threading.Thread(target=click, args=(number,)) for number in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert refused == ["BUDGET_REACHED"] * 5
        assert project_standing(project).used_micros == 9000

    def test_another_owner_has_another_month(self, project):
        budget_set(session=project.session, month_micros=3000, takes_unknown_prices=False)
        pay(project, call("one"))
        other = project_create(session=session_create(), seed=1)
        assert pay(other, call("two")) == b"{}"
        assert month_standing(other.session).used_micros == 2500

    def test_a_price_nobody_knows(self, project):
        unknown = {"reserved_micros": None, "units": 0.5}
        assert pay(project, call("one", **unknown)) == b"{}", "without a budget it is made"
        budget_set(session=project.session, month_micros=10_000, takes_unknown_prices=False)
        with pytest.raises(BadInput) as caught:
            pay(project, call("two", **unknown))
        assert caught.value.code == "PRICE_UNKNOWN"
        budget_set(session=project.session, month_micros=10_000, takes_unknown_prices=True)
        assert pay(project, call("two", **unknown)) == b"{}"
        prices_set([("elevenlabs", "speech", "", 100_000)])
        with pytest.raises(BadInput) as caught:
            pay(project, call("three", **unknown))
        assert caught.value.details["needed_micros"] == 50_000


class TestSignIn:
    def test_a_limit_set_before_it_holds_after_it(self, project):
        user = User.objects.create_user("ada", password="a long word")
        budget_set(session=project.session, month_micros=3000, takes_unknown_prices=False)
        pay(project, call("one"))
        project.session.user = user
        project.session.save()
        user_logged_in.send(sender=User, user=user, request=None)
        assert (month_standing(project.session).limit_micros, month_standing(project.session).used_micros) == (3000, 2500)
        with pytest.raises(BadInput, match="this month"):
            pay(project, call("two"))

    def test_the_users_own_limit_stays(self, project):
        user = User.objects.create_user("ada", password="a long word")
        budget_set(session=project.session, month_micros=3000, takes_unknown_prices=False)
        project.session.user = user
        project.session.save()
        budget_set(session=project.session, month_micros=9000, takes_unknown_prices=False)
        user_logged_in.send(sender=User, user=user, request=None)
        assert month_standing(project.session).limit_micros == 9000
        assert Budget.objects.count() == 1


class TestPrices:
    def test_the_line_of_the_model_goes_before_that_of_the_service(self, db):
        assert price_of("pexels", "images").micros == 0
        assert price_of("openai", "speech").micros is None
        prices_set([("openai", "speech", "", 15_000), ("openai", "speech", "loud", 30_000)])
        assert [price_of("openai", "speech", model).micros for model in ("soft", "loud")] == [15_000, 30_000]
        prices_set([("openai", "speech", "loud", None)])
        assert price_of("openai", "speech", "loud").micros == 15_000
        assert price_of("openai", "speech").unit == "1,000 characters"

    def test_what_costs_nothing_passes_an_empty_budget(self, project):
        project_budget_set(project=project, micros=0)
        with transaction.atomic():
            free = call(provider="ollama", capability="writer", reserved_micros=None)
            assert budget_reserve(call=free, session=project.session, project=project) == 0
