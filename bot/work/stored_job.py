"""Read a job as Redis holds it, and take nothing from there but a name of the table and its ids.

Whoever can write to Redis can put anything into a queue. RQ (3.0, by its source) imports whatever path stands there as
the job's function or as one of its callbacks, reads its content with pickle where no serializer is named, posts to its
webhooks and logs its description. So each field is judged first; a job with a field or a value that ours do not have
is malformed, and nothing else of it is read.
"""

import inspect
import json
import re
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bot.work.job import Job
from bot.work.jobs import JOBS

# Ids that one job may take, and the largest of them: that of a BIGINT column.
MOST_IDS = 100
LARGEST = 2**63 - 1
# Bytes of a job's content, unpacked: a hundred ids of nineteen digits need some two thousand.
MOST_BYTES = 8_192

_ID = re.compile(rb"[A-Za-z0-9_-]{1,64}")
_TIME = re.compile(rb"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?Z)?")
_NUMBER = re.compile(rb"\d{1,8}")
_EMPTY = re.compile(rb"")
# The fields that RQ writes for a job of ours, and what may stand in each.
_FIELDS = {
    b"data": re.compile(rb"[\s\S]{1,8192}"),
    b"description": re.compile(rb"[a-z_]{1,40}"),
    b"origin": re.compile(rb"[a-z]{1,20}"),
    b"status": re.compile(rb"queued|started|scheduled|failed|finished"),
    b"worker_name": re.compile(rb"([0-9a-f]{32})?"),
    b"retries_left": re.compile(rb"\d{1,2}"),
    b"retry_intervals": re.compile(rb"\[[\d, ]{0,400}\]"),
    **dict.fromkeys((b"created_at", b"enqueued_at", b"started_at", b"ended_at", b"last_heartbeat"), _TIME),
    **dict.fromkeys((b"timeout", b"ttl", b"result_ttl", b"failure_ttl"), _NUMBER),
    **dict.fromkeys((b"success_callback_name", b"failure_callback_name", b"stopped_callback_name"), _EMPTY),
    b"group_id": _EMPTY,
}
_NEEDED = (b"data", b"description", b"origin", b"status")


@dataclass(frozen=True, slots=True)
class Malformed(Exception):
    """A job that is none of ours. ``why``: the part that is wrong, in a word of ours, and never what stands there."""

    why: str


@dataclass(frozen=True, slots=True)
class StoredJob:
    """``name`` is one of the table, ``argument`` of its type; ``retries_left`` is no more than the table allows."""

    name: str
    argument: int | list[int]
    retries_left: int

    @property
    def job(self) -> Job:
        return JOBS[self.name]


def read_id(raw: bytes) -> str | None:
    """Return the id of a job, or None for what can be none."""
    return raw.decode() if _ID.fullmatch(raw) else None


def read_stored(fields: Mapping[bytes, bytes]) -> StoredJob:
    """Raises Malformed."""
    for field, value in fields.items():
        shape = _FIELDS.get(field)
        if shape is None:
            raise Malformed("an unknown field")
        if not shape.fullmatch(value):
            raise Malformed(field.decode())
    for field in _NEEDED:
        if field not in fields:
            raise Malformed(field.decode())
    name, argument = _read_content(fields[b"data"])
    if fields[b"description"] != name.encode():
        raise Malformed("description")
    return StoredJob(name, argument, min(int(fields.get(b"retries_left", b"0")), len(JOBS[name].backoff)))


def fits(name: str, argument: Any) -> bool:
    """Tell whether a job of the table has this name and takes such an argument: an id, or some ids."""
    if name not in JOBS:
        return False
    if _TAKES_MANY[name]:
        return isinstance(argument, list) and 0 < len(argument) <= MOST_IDS and all(map(_is_row, argument))
    return _is_row(argument)


def _takes_many(job: Job) -> bool:
    _, parameter = inspect.signature(job.run).parameters.values()
    return bool(parameter.annotation == list[int])


_TAKES_MANY = {name: _takes_many(job) for name, job in JOBS.items()}


def _is_row(value: Any) -> bool:
    return type(value) is int and 0 <= value <= LARGEST  # bool is an int, too


def _read_content(packed: bytes) -> tuple[str, int | list[int]]:
    """Return name and argument. Raises Malformed."""
    unpacker = zlib.decompressobj()
    try:
        content = json.loads(unpacker.decompress(packed, MOST_BYTES))
    except (zlib.error, ValueError, RecursionError):
        raise Malformed("data") from None
    if not unpacker.eof or unpacker.unused_data:
        raise Malformed("data")
    match content:
        case [str(name), None, [argument], more] if more == {} and fits(name, argument):
            return name, argument
        case [str(name), *_] if name not in JOBS:
            raise Malformed("name")
        case [_, None, *_]:
            raise Malformed("argument")
    raise Malformed("data")
