from collections.abc import Callable

from django.conf import settings
from redis.exceptions import RedisError

from videoflow import redis
from videoflow.redis import Breaker


class World:
    """A clock and a Redis that the test moves by hand."""

    def __init__(self, *, answers: bool) -> None:
        self.now = 100.0
        self.answers = answers
        self.probes = 0

    def probe(self) -> bool:
        self.probes += 1
        return self.answers

    def breaker(self) -> Breaker:
        return Breaker(self.probe, clock=lambda: self.now, spawn=_at_once)


def _at_once(look: Callable[[], None]) -> None:
    look()


class TestBreaker:
    def test_ok(self) -> None:
        world = World(answers=True)
        breaker = world.breaker()
        assert breaker.allows()
        assert breaker.allows()
        assert world.probes == 1

    def test_absent_at_start(self) -> None:
        assert not World(answers=False).breaker().allows()

    def test_two_failures_open(self) -> None:
        breaker = World(answers=True).breaker()
        assert breaker.allows()
        breaker.failed()
        assert breaker.allows()
        breaker.failed()
        assert not breaker.allows()

    def test_two_failures_far_apart_do_not(self) -> None:
        world = World(answers=True)
        breaker = world.breaker()
        breaker.allows()
        breaker.failed()
        world.now += 60
        breaker.failed()
        assert breaker.allows()

    def test_two_successful_probes_close(self) -> None:
        world = World(answers=False)
        breaker = world.breaker()
        assert not breaker.allows()
        world.answers = True
        world.now += 5.1
        breaker.allows()
        assert not breaker.allows()
        world.now += 1.1
        breaker.allows()
        assert breaker.allows()

    def test_open_probes_every_five_seconds_only(self) -> None:
        world = World(answers=False)
        breaker = world.breaker()
        for _ in range(50):
            world.now += 0.25
            breaker.allows()
        assert world.probes == 3  # the first, then at 5 s and at 10 s

    def test_a_dead_redis_is_noticed_by_probes_alone(self) -> None:
        world = World(answers=True)
        breaker = world.breaker()
        breaker.allows()
        world.answers = False
        for _ in range(2):
            world.now += 5.1
            breaker.allows()
        assert not breaker.allows()


class TestConnection:
    def test_ok(self, redis_server: str) -> None:
        assert redis_server == settings.REDIS_URL
        assert redis.ping()
        assert redis.breaker.allows()

    def test_nobody_there(self, tmp_path: object) -> None:
        client = redis.connect(f"unix://{tmp_path}/none.sock")
        try:
            client.ping()
        except RedisError:
            return
        raise AssertionError("a missing server answered")
