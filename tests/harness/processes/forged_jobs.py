"""Jobs as somebody writes them who can write to Redis and knows RQ."""

import json
import pickle
import sys
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from redis import Redis

WORDS = "wang-xiaoming-13800138000"
HUNDREDS_OF_MEGABYTES = zlib.compress(b'["forget_photo", null, [1], {"' + b" " * 300_000_000 + b'": 1}]')

Fields = dict[bytes, bytes]


@dataclass(frozen=True)
class Trap:
    """A module that leaves a mark where it is imported or called, or its words are unpickled."""

    name: str
    mark: Path

    @property
    def is_sprung(self) -> bool:
        return self.mark.exists() or self.name in sys.modules


class _Unpickled:
    def __init__(self, mark: Path) -> None:
        self._mark = mark

    def __reduce__(self) -> tuple[Any, ...]:
        return open, (str(self._mark), "w")


def set_trap(folder: Path) -> Trap:
    """Put the module there; the folder has to be on ``sys.path``."""
    trap = Trap("a_trap_of_the_tests", folder / "sprung")
    code = (
        f"open({str(trap.mark)!r}, 'w').close()\n\ndef spring(*_, **__):\n    open({str(trap.mark)!r}, 'w').close()\n"
    )
    (folder / f"{trap.name}.py").write_text(code)
    return trap


def content(*parts: Any) -> Fields:
    return {b"data": zlib.compress(json.dumps(parts).encode())}


def forgeries(trap: Trap) -> dict[str, Callable[[Fields], Fields]]:
    """What is wrong with each -> an honest job's fields -> its own."""
    spring, mark = f"{trap.name}.spring", str(trap.mark)
    pickled = pickle.dumps(("forget_photo", None, (_Unpickled(trap.mark),), {}))

    def instead(**changed: bytes | str) -> Callable[[Fields], Fields]:
        return lambda honest: honest | {name.encode(): value for name, value in _bytes(changed).items()}

    def saying(*parts: Any) -> Callable[[Fields], Fields]:
        return lambda honest: honest | content(*parts)

    def taking(argument: Any) -> Callable[[Fields], Fields]:
        return saying("forget_photo", None, [argument], {})

    return {
        "a function of the system": saying("os.system", None, [f"touch {mark}"], {}),
        "a builtin": saying("builtins.eval", None, [f"open({mark!r}, 'w')"], {}),
        "a module of theirs": saying(spring, None, [1], {}),
        "a function of ours by its path": saying("bot.photos.jobs.forget_photo", None, [1], {}),
        "another description": instead(description=WORDS),
        "a method of an instance": saying("forget_photo", {"a": 1}, [1], {}),
        "keyword arguments": saying("forget_photo", None, [1], {"photo_id": 2}),
        "two arguments": saying("forget_photo", None, [1, 2], {}),
        "no argument": saying("forget_photo", None, [], {}),
        "a text": taking(WORDS),
        "a yes": taking(True),
        "a fraction": taking(1.5),
        "a negative number": taking(-1),
        "a number beyond any row": taking(10**30),
        "a list where one id is taken": taking([1]),
        "an id where a list is taken": lambda honest: honest | content("deliver", None, [1], {}),
        "far too many ids": lambda honest: honest | content("deliver", None, [list(range(100_000))], {}),
        "nested lists": lambda honest: honest | {b"data": zlib.compress(b"[" * 5_000 + b"]" * 5_000)},
        "hundreds of megabytes": instead(data=HUNDREDS_OF_MEGABYTES),
        "a pickle": instead(data=zlib.compress(pickled)),
        "a pickle, not packed": instead(data=pickled),
        "a pickled note": instead(meta=pickled),
        "a pickled result": instead(result=pickled),
        "a call after success": instead(success_callback_name=spring, success_callback_timeout=b"60"),
        "a call after failure": instead(failure_callback_name=spring),
        "a call when stopped": instead(stopped_callback_name=spring),
        "a webhook": instead(webhooks=json.dumps([{"url": "http://127.0.0.1:9/", "job_status": "finished"}])),
        "a job it waits for": instead(dependency_ids=json.dumps(["other"])),
        "a group": instead(group_id="theirs"),
        "repeats": instead(repeats_left=b"1000", repeat_intervals=b"[1]"),
        "a rate limit": instead(rate_limit_key="theirs", rate_limit_concurrency=b"1"),
        "no such state": instead(status="nonsense"),
        "no such day": instead(created_at="2026-99-99T00:00:00Z"),
        "no such time limit": instead(timeout="for ever"),
        "no such queue": instead(origin="../queue"),
    }


def _bytes(values: dict[str, bytes | str]) -> dict[str, bytes]:
    return {name: value.encode() if isinstance(value, str) else value for name, value in values.items()}


def write_job(redis: Redis, job_id: str, fields: Fields) -> None:
    redis.hset(f"rq:job:{job_id}", mapping=fields)  # type: ignore[arg-type]


def everything_in(redis: Redis) -> str:
    """All keys and values, as text."""
    read: dict[Any, Callable[[Any], Any]] = {
        b"string": redis.get,
        b"hash": redis.hgetall,
        b"list": lambda key: redis.lrange(key, 0, -1),
        b"set": redis.smembers,
        b"zset": lambda key: redis.zrange(key, 0, -1),
        b"stream": redis.xrange,
    }
    return "\n".join(f"{key!r} {read[redis.type(key)](key)!r}" for key in redis.keys("*"))
