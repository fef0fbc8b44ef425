"""Read why a job failed, as the worker kept it: an exception's type and place, and never other words."""

import re
import zlib
from base64 import b64decode
from typing import Any

from redis.exceptions import ResponseError
from rq.job import Job
from rq.results import Result

UNKNOWN = "unknown"

_LONGEST = 400
# What bot.work.workers writes (type, file, line and function), and RQ's own words for a process that was killed.
_KEPT = re.compile(
    r"[\w.]{1,100}( at [\w.<>-]{1,100}:\d{1,6} in [\w.<>]{1,100})?"
    r"|Work-horse terminated unexpectedly; waitpid returned \w{1,6}( \(signal \d{1,3}\))?; "
    r"|Moved to FailedJobRegistry, due to AbandonedJobError, at [\d :.+-]{1,40}"
)


def results_key(job: Job) -> str:
    return str(Result.get_key(job.id))  # type: ignore[no-untyped-call]


def read_failure(job: Job) -> str:
    """Return the job's last error, or ``unknown`` for what was written by anybody else. Raises RedisError."""
    try:
        newest: Any = job.connection.xrevrange(results_key(job), "+", "-", count=1)
        unpacker = zlib.decompressobj()
        kept = unpacker.decompress(b64decode(newest[0][1][b"exc_string"]), _LONGEST).decode()
    except (IndexError, KeyError, TypeError, ValueError, zlib.error):
        return UNKNOWN
    except ResponseError as error:
        if not str(error).startswith("WRONGTYPE"):
            raise
        return UNKNOWN
    return kept if _KEPT.fullmatch(kept) else UNKNOWN
