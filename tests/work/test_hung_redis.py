"""A Redis that takes connections and never answers costs turns and pages one time-out, and then none for a while."""

import socket
import threading
from collections.abc import Iterator

import pytest
from redis import Redis
from redis.exceptions import ConnectionError as NotConnected
from redis.exceptions import TimeoutError as NoAnswer

from bot.registry.breaker import LocalBreaker
from bot.work.redis_client import open_redis
from tests.harness.platform import wechat
from tests.harness.platform.token_platform import nowhere
from tests.harness.stage import Stage


class Deaf:
    """A server that accepts connections, counts them, and says nothing."""

    def __init__(self) -> None:
        self._door = socket.create_server(("127.0.0.1", 0))
        self.url = f"redis://127.0.0.1:{self._door.getsockname()[1]}/0"
        self.taken: list[socket.socket] = []
        self._thread = threading.Thread(target=self._accept)
        self._thread.start()

    def _accept(self) -> None:
        while True:
            taken, _ = self._door.accept()
            if self._ending:
                taken.close()
                return
            self.taken.append(taken)

    _ending = False

    def close(self) -> None:
        self._ending = True
        with socket.create_connection(self._door.getsockname()):
            self._thread.join()
        for one in (*self.taken, self._door):
            one.close()


@pytest.fixture
def deaf() -> Iterator[Deaf]:
    deaf = Deaf()
    yield deaf
    deaf.close()


def send_picture(stage: Stage, number: int) -> str:
    fields = {"PicUrl": "http://mmbiz.example/1", "MediaId": f"m{number}"}
    status, reply = stage.deliver(wechat.message("image", "o-li", **fields))
    assert status == 200
    return reply


def test_turns_and_pages_together_cost_one_connection(
    database_url: str, deaf: Deaf, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.work.redis_client.PAUSE", 3_600.0)  # however slowly the rest goes
    stage = Stage(database_url, redis_url=deaf.url)
    stage.say("o-li", "你好")
    assert [bool(send_picture(stage, number)) for number in range(4)] == [True] * 4  # each has a job to hand over
    assert [stage.client.get("/trace/ABCD-EFGH-JKMN-PQRS").status_code for _ in range(2)] == [404] * 2
    answer = stage.client.get("/readyz")
    assert answer.json is not None
    assert (answer.status_code, answer.json["redis"]) == (200, "unreachable")
    assert stage.client.get("/metrics").status_code == 200
    assert len(deaf.taken) == 1
    stage.close()


def test_a_redis_that_hangs_after_it_had_answered_costs_one_call(redis_url: str) -> None:
    with open_redis(redis_url) as ours, Redis.from_url(redis_url) as theirs:
        ours.set("a", "b")
        theirs.execute_command("CLIENT", "PAUSE", 60_000, "WRITE")
        try:
            with pytest.raises(NoAnswer):
                ours.set("a", "c")
            commands = ours.pipeline().get("a").execute, ours.register_script("return 1"), ours.ping
            for command in commands:
                with pytest.raises(NotConnected, match="a moment ago"):
                    command()
        finally:
            theirs.execute_command("CLIENT", "UNPAUSE")


def test_a_redis_that_refuses_connections_is_asked_again_at_once() -> None:
    with open_redis(f"redis://127.0.0.1:{nowhere()}") as redis:
        for _ in range(3):
            with pytest.raises(NotConnected, match="Connection refused"):
                redis.ping()


def test_after_the_pause_one_tries_for_all_and_an_answer_lets_everybody_through() -> None:
    breaker = LocalBreaker("redis", pause=0.0, trial=60.0)
    assert breaker.may_call()
    breaker.failed()
    assert [breaker.may_call() for _ in range(3)] == [True, False, False]
    breaker.worked()
    assert [breaker.may_call() for _ in range(3)] == [True] * 3


def test_during_the_pause_nobody_is_let_through() -> None:
    breaker = LocalBreaker("redis", pause=60.0, trial=60.0)
    breaker.failed()
    assert not breaker.may_call()
