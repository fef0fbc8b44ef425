"""Whether each notice came once, as the database says, or waits and says why."""

from collections.abc import Iterable, Mapping
from typing import Any


def check_sent_once(rows: Iterable[Any], seen: Mapping[str, int]) -> int:
    """Check (key, state, sent_at, reason) of notices against how often each was seen; returns how many came.

    One that waits may have come where WeChat did not say what became of it.
    """
    came = 0
    for key, state, sent_at, reason in rows:
        times = seen[key]
        if sent_at:
            assert times == 1, (key, state, times, reason)
            came += 1
        else:
            assert state == "waiting", (key, state)
            assert reason, key
            assert times == 0 or (times == 1 and "outcome_unknown" in reason), (key, times, reason)
    return came
