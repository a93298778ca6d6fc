"""Every provider of a service through the studio's own door: no reply paid for twice unasked, no key where it does not belong."""

import logging
import subprocess
import time
from collections.abc import Callable, Collection, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from django.conf import settings as studio
from django.contrib.auth.models import User
from django.db import connection
from django.urls import reverse
from redis import Redis

from videoflow.errors import VideoflowError
from videoflow.pipeline import runner
from videoflow.pipeline.connections import Choice, owner_of, provider_open
from videoflow.pipeline.ledger import Payer, paid_directly
from videoflow.pipeline.models import Project, ProviderCall
from videoflow.pipeline.services import stage_start
from videoflow.pipeline.tests import factories
from videoflow.providers.net import gate
from videoflow.providers.picturing.tests import fake_pictures
from videoflow.providers.services import SERVICES
from videoflow.providers.tests.fake_service import Asked, FakeService, Fault, Told
from videoflow.providers.tests.fault_drivers import Driver, drivers
from videoflow.tasks.models import Task
from videoflow.tasks.services import task_claim
from videoflow.vault.services import credential_set

pytestmark = pytest.mark.django_db(transaction=True)

QUICK: tuple[Fault, ...] = ("429-date", "lost", "200-error")
DRIVERS = {driver.name: driver for driver in drivers()}


@pytest.fixture
def project(client) -> Project:
    made: Project = factories.ProjectFactory.create(session=factories.session_of(client))
    return made


@pytest.fixture
def fake(monkeypatch) -> Iterator[FakeService]:
    waited: list[float] = []
    monkeypatch.setattr(gate, "_wait", lambda seconds, cancelled: waited.append(seconds))
    monkeypatch.setattr(gate, "_now", lambda: sum(waited))
    numbered = fake_pictures._number
    monkeypatch.setattr(fake_pictures, "_number", lambda query, at: numbered(query, at) % 3)
    service = FakeService(drip_seconds=0.05)
    yield service
    service.close()


@pytest.fixture
def opened(project, fake, settings) -> Callable[[Driver], Any]:
    """A driver's provider, as a stage of the project gets it: its key from the vault, its calls in the book."""

    def make(driver: Driver) -> Any:
        driver.routes(fake)
        settings.VIDEOFLOW_SERVICE_URLS = {**settings.VIDEOFLOW_SERVICE_URLS, driver.service: fake.url + driver.path}
        if driver.key and SERVICES[driver.service].key_setting:
            credential_set(owner=owner_of(project), provider=SERVICES[driver.service].key_service, secret=driver.key)
        pay = paid_directly(Payer(project.session, "media_generation", project))
        choice = Choice(driver.service, driver.model, driver.options)
        return provider_open(project, driver.capability, pay=pay, cancelled=lambda: False, choice=choice)

    return make


@pytest.mark.parametrize("name", [name for name, driver in DRIVERS.items() if driver.makes_things])
def test_a_lost_reply_is_not_asked_for_again_unasked(name, opened, fake, project, tmp_path):
    driver = DRIVERS[name]
    provider = opened(driver)
    driver.call(provider, 0, tmp_path)
    asked = fake.answered["POST"]
    fake.fault("lost")
    with pytest.raises(VideoflowError):
        driver.call(provider, 1, tmp_path)
    assert fake.faulted["lost"] == 1
    price = SERVICES[driver.service].price[driver.capability]
    if price.micros == 0:
        driver.call(provider, 1, tmp_path)
        return
    assert fake.answered["POST"] == asked + 1
    for _ in range(2):
        with pytest.raises(VideoflowError) as caught:
            driver.call(provider, 1, tmp_path)
        assert caught.value.code == "CALL_UNKNOWN"
    assert fake.answered["POST"] == asked + 1, "paid for once, and nobody asked again"
    assert ProviderCall.objects.get(state="unknown").project == project


class TestCanary:
    def test_no_key_is_found_where_it_does_not_belong(self, client, opened, fake, project, tmp_path, caplog, settings):
        caplog.set_level(logging.DEBUG)
        began = time.time() - 2
        errors = []
        for number, driver in enumerate(DRIVERS.values()):
            provider = opened(driver)
            for step, fault in enumerate(("", *QUICK)):
                fake.fault(fault)
                try:
                    driver.call(provider, 100 * number + step, tmp_path)
                except VideoflowError as error:
                    errors.append(f"{error!r} {error.details} {error.__cause__!r} {error.__context__!r}")
                fake.faults_clear()
        fake.problems.clear()
        keys = {driver.key for driver in DRIVERS.values()} - {""}
        assert len(keys) == 4 and all(key in str([asked.headers for asked in fake.requests]) for key in keys), "keys were sent"

        for method in ("GET", "POST"):  # a service that says everything back that it was told
            fake.route(method, ".*")(_echo)
        for driver in DRIVERS.values():
            try:
                driver.call(opened(driver), 7777, tmp_path)
            except VideoflowError as error:
                errors.append(f"{error} {error.details}")
            for method in ("GET", "POST"):
                fake.route(method, ".*")(_echo)
        tasks = self._stage_fails(project)
        pages = self._pages(client, project)
        places = {
            "errors": "\n".join(errors),
            "log": caplog.text + "".join(str(vars(record)) for record in caplog.records),
            "rows": _rows(),
            "redis": _redis(),
            "pages": pages,
            "task arguments": str(list(Task.objects.values_list("input_data", "error", "result_data", "message"))),
        }
        assert "It said" in places["errors"] and tasks == "failed" and len(pages) > 10_000
        assert not _files(keys, began)
        for place, text in places.items():
            for key in keys:
                for form in {key, quote(key, safe="")}:
                    assert form not in text, f"a key stands in {place}: …{text[text.index(form) - 200 : text.index(form)]}"

    def _stage_fails(self, project: Project) -> str:
        """Let a stage of the project fail at the service that says everything back."""
        project.providers = {"writer": {"service": "openai", "model": "m"}}
        project.save()
        task = stage_start(
            project=project, task_type="script_generation", input_data={"input_type": "topic", "topic": "Tiny forests"}
        )
        claim = task_claim(queue=task.queue, worker_id=runner.worker_id_make("test"))
        assert claim is not None
        return str(runner.task_run(claim=claim).status)

    def _pages(self, client: Any, project: Project) -> str:
        user = User.objects.create_superuser("operator", password="a long passphrase")
        told = [
            client.get(reverse("pipeline:project_detail", args=[project.pk])),
            client.get(reverse("pipeline:panel", args=[project.pk, "script_generation"])),
            client.get(reverse("pipeline:log_file", args=[project.pk])),
            client.get("/settings/"),
            client.get("/tasks/"),
            client.get(f"/api/tasks?session_id={project.session_id}"),
        ]
        client.force_login(user)
        told += [client.get(f"/admin/pipeline/providercall/{call.pk}/change/") for call in ProviderCall.objects.all()[:10]]
        told += [client.get(f"/admin/{name}/") for name in ("pipeline/providercall", "pipeline/project", "tasks/task")]
        assert all(answer.status_code == 200 for answer in told), [
            (answer.request["PATH_INFO"], answer.status_code) for answer in told
        ]
        return "".join(b"".join(answer).decode() if answer.streaming else answer.content.decode() for answer in told)


def _echo(asked: Asked) -> Told:
    said = f"What is {dict(asked.headers)} and {dict(asked.query)}?"
    return Told({"error": {"message": said, "code": "invalid_api_key"}, "detail": said}, 401)


def _rows() -> str:
    """Return every row of every table but what the vault sealed."""
    found = []
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f"SELECT * FROM {connection.ops.quote_name(table)}")
            found += [repr(row) for row in cursor.fetchall()]
    return "\n".join(found)


def _redis() -> str:
    """Return every key and value that Redis holds."""
    client = Redis.from_url(studio.REDIS_URL)
    read: dict[bytes, Callable[[bytes], Any]] = {
        b"string": client.get,
        b"list": lambda key: client.lrange(key, 0, -1),
        b"hash": client.hgetall,
        b"set": client.smembers,
        b"zset": lambda key: client.zrange(key, 0, -1, withscores=True),
        b"stream": client.xrange,
    }
    with client:
        return repr([(key, read[client.type(key)](key)) for key in client.scan_iter(count=1000)])


def _files(keys: Collection[str], since: float) -> list[str]:
    """Return the files of the data folder, the database's own among them, that were written since and hold a key."""
    found = []
    for path in Path(studio.VIDEOFLOW_DATA).rglob("*"):
        if path.is_file() and not path.is_symlink() and path.stat().st_mtime >= since:
            # By another process: when one closes a file of an SQLite database that it also has open, it loses its locks on it.
            content = subprocess.run(["cat", str(path)], capture_output=True, check=True, timeout=240).stdout
            found += [f"{path.name}: {key}" for key in keys if key.encode() in content]
    return found
