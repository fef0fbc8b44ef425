"""Each bench of ``make bench`` runs through to its figures, in small: it writes into tables that others rename.

Slow: each starts a PostgreSQL of its own, and most a worker or a server.
"""

import subprocess
import sys

import pytest

from tests.harness.processes.demo import ROOT

SMALL = {
    "door": (["--seconds", "0.3", "--rounds", "1"], "(d) bot, middle of start_appeal"),
    "push": (["--notices", "200", "--people", "300", "--rounds", "1"], "A fan-out to 300 people"),
    "pay": (["--seconds", "0.1", "--rounds", "1"], "(d) CallbackVerifier.open_callback"),
    "page": (["--seconds", "0.3", "--pages", "20"], "(w) warm: one page"),
    "books": (["--entries", "2000", "--sizes", "1"], "2000"),
    "desk": (["--cases", "60000"], "figures of a township"),
    "figures": (["--users", "3000", "--gifts", "1000", "--pages", "6", "--turns", "2"], "a turn that registers"),
    "hot": (["--payments", "3", "--gifts", "100"], "one appeal that has 100 gifts, 4"),
    "market": (["--orders", "60", "--parts", "60", "--growers", "3"], "3 growers are divided"),
    "scale": (["--users", "3000", "6000", "--rounds", "3"], "figures of the county"),
    "intents": (["--rounds", "1"], "understood"),
    "storm": (["--seconds", "2", "--messages", "2000", "--gifts", "3", "--people", "20"], "messages refused"),
    "registry": (["--rows", "2000"], "2,000"),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", SMALL)
def test_a_bench_ends_with_its_figures(name: str) -> None:
    small, said = SMALL[name]
    named = [] if name == "door" else [name]
    command = [sys.executable, "-m", "tests.bench", *named, *small]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=1200, check=False)
    assert ended.returncode == 0, ended.stderr[-2000:]
    assert said in ended.stdout
