"""Which tests run when.

``make test`` is the fast tier, all that is not ``slow``; ``make test-slow`` is the rest. Slow is what breaks servers
(``chaos``), starts processes, opens a browser (but for the ``smoke`` of two pages with a script), or says so itself.

A test that searches (Hypothesis) is in both: with few examples in the fast tier, with all of them in the other.
Of a ``sampled(n)`` test's cases the fast tier takes every n-th: of many alike, any one says whether it still works.
"""

import gc
import os
from collections import Counter

import pytest
from hypothesis import HealthCheck, settings

# Of what is tried on a database, which costs a hundred times what a pure function costs.
_QUICK = 3

# In characters; what is longer is told apart by its length.
_LONGEST_ID = 200

# What a module makes once, at a price: the tests that use one of these go to the same worker.
_SHARED = {"bank", "browser", "demo", "filled", "merchant", "module_database", "untrodden", "world"}


def choose_profile() -> None:
    """HYPOTHESIS_PROFILE: ``quick`` of the fast tier, ``full`` of the slow one, or ``long``: elsewhere each time."""
    slow = [HealthCheck.too_slow]  # of the machine it tells more than of the test
    settings.register_profile("quick", max_examples=20, derandomize=True, deadline=None, suppress_health_check=slow)
    settings.register_profile("full", max_examples=50, derandomize=True, deadline=None, suppress_health_check=slow)
    settings.register_profile("long", max_examples=2000, deadline=None, print_blob=True, suppress_health_check=slow)
    settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "quick"))


def collect_garbage_less_often() -> None:
    """Let the collector pass over what stays until the end, and look at the rest less often.

    With Python's own thresholds it takes 5 to 8 of 100 seconds of a run.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)


def short_id(value: object, name: str) -> str | None:
    """Name a case by how long its value is where the value itself is too long to be a name: that of a picture of ten
    megabytes is sent to the other process, into the environment and into every report, several times over.
    """
    if isinstance(value, (bytes, str)) and len(value) > _LONGEST_ID:
        return f"{name} of {len(value)}"
    return None


def examples(most: int = 0) -> int:
    """How many to try on a database: so many, or the profile's number; of those the fast tier tries the first few."""
    if settings.get_current_profile_name() == "quick":
        return min(most or _QUICK, _QUICK)
    return most or settings().max_examples


def add_markers(config: pytest.Config) -> None:
    for line in (
        "chaos: breaks a server or a process on purpose; `make chaos` runs these alone",
        "slow: left to `make test-slow`",
        "browser: needs Debian's chromium package; slow, unless it is a smoke test",
        "smoke: the one look at a page with a script that the fast tier takes in a browser",
        "planner: asks how a query is planned, in a database whose tables were never fuller than they are",
        "sampled(n): the fast tier takes every n-th of its cases, and the slow one the others",
        "search: tries many examples; in both tiers, of which the fast one tries few",
    ):
        config.addinivalue_line("markers", line)


def sort_into_tiers(items: list[pytest.Item], has_browser: bool) -> None:
    cases: Counter[str] = Counter()
    for item in items:
        fixtures = getattr(item, "fixturenames", ())
        marks = {mark.name for mark in item.iter_markers()}
        if sampled := item.get_closest_marker("sampled"):
            test = item.nodeid.partition("[")[0]
            if cases[test] % sampled.args[0]:
                item.add_marker(pytest.mark.slow)
            cases[test] += 1
        if "browser" in marks and not has_browser:
            item.add_marker(pytest.mark.skip(reason="needs Debian's chromium package"))
        if "chaos" in marks or ("browser" in marks and "smoke" not in marks) or "demo" in fixtures:
            item.add_marker(pytest.mark.slow)
        elif getattr(getattr(item, "obj", None), "is_hypothesis_test", False):
            item.add_marker(pytest.mark.search)
        if _SHARED.intersection(fixtures):
            item.add_marker(pytest.mark.xdist_group(item.path.stem))
