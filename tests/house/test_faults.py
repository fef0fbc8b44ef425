"""The list of faults fits the code as it is: each can be put in, changes one line, and leaves a program that can run.

Whether a test notices them, ``make faults`` finds out.
"""

import ast
import shutil
import subprocess
import time
from collections import Counter

import pytest
from jinja2 import Environment

from tests.faults.__main__ import Hunt
from tests.faults.copies import OutOfTime, copy_tree, fingerprint
from tests.faults.fault import ROOT, Fault, NotOnce, read_faults
from tests.faults.nearby import near_and_far
from tests.faults.results import Results

FAULTS = read_faults()
FEWEST, FEWEST_OF_ROOM = 80, 2
# fmt: off
ROOMS = (
    "core", "places", "people", "notifications", "speech", "staff", "proxy", "verification", "appeals", "ledger",
    "giving", "outreach", "disbursements", "payments", "donors", "treasury", "goods", "market", "families", "public",
    "support", "oversight", "desk", "rights", "books", "upkeep",
)
# fmt: on


def test_there_are_enough_of_them_and_of_every_room():
    rooms = Counter(fault.room for fault in FAULTS)
    assert len({fault.key for fault in FAULTS}) == len(FAULTS) >= FEWEST
    assert {room for room in ROOMS if rooms[room] < FEWEST_OF_ROOM} == set()


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: f"{fault.file}:{fault.key[:6]}")
def test_each_can_be_put_in(fault):
    before = (ROOT / fault.file).read_text(encoding="utf-8")
    after = fault.put_into(before)
    assert after != before
    assert fault.breaks.endswith(".")
    assert (ROOT / fault.test).is_file()
    if fault.file.endswith(".py"):
        ast.parse(after)
    else:
        Environment(autoescape=True).parse(after)


def test_a_line_that_is_not_there_or_there_twice_is_no_place_for_a_fault():
    fault = Fault("core", "a.py", "return fen", "return fen + 1", "A fen too much.", "tests/test_a.py")
    assert fault.put_into("if fen:\n    return fen\n") == "if fen:\n    return fen + 1\n"
    for text in ("return fen // 2\n", "return fen\n    return fen\n"):
        with pytest.raises(NotOnce):
            fault.put_into(text)


@pytest.fixture
def small(tmp_path):
    """A tree with one module, tests of two rooms, and a way to look for faults in it."""
    root = tmp_path / "small"
    files = {
        "models/fees.py": "def fee(fen):\n    return -(-fen // 100)\n\n\ndef name():\n    return 'fee'\n",
        "tests/test_alone.py": "def test_nothing():\n    pass\n",
        "tests/giving/test_about.py": "def test_it_is_broken_anyway():\n    assert False\n",
        "tests/giving/test_fees.py": "from models.fees import fee\n\n\ndef test_up():\n    assert fee(101) == 2\n",
        "tests/books/test_books.py": "import models.fees\n\n\ndef test_it_is_there():\n    assert models.fees\n",
    }
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    shutil.copytree(ROOT / "tests/faults", root / "tests/faults", ignore=shutil.ignore_patterns("__pycache__"))
    subprocess.run(["git", "init", "--quiet"], cwd=root, check=True)
    whole, spoilt = (copy_tree(root, tmp_path / name) for name in ("whole", "spoilt"))
    results = Results(tmp_path / "var" / "results.jsonl")
    return Hunt(whole, spoilt, results, fingerprint(root), time.monotonic() + 300)


def _fault(old: str, new: str, test: str = "tests/giving/test_gone.py") -> Fault:
    return Fault("giving", "models/fees.py", old, new, "Something.", test)


@pytest.mark.slow  # it starts pytest several times
def test_a_fault_dies_of_the_test_that_fails_for_it_alone(small, capsys):
    fault = _fault("return -(-fen // 100)", "return fen // 100")
    found = small.look(fault, slow=False)
    assert (found.killer, found.tier) == ("tests/giving/test_fees.py::test_up", "fast")
    assert fault.old in (small.spoilt.root / "models/fees.py").read_text()
    # The next time that test is tried first, whatever the list says.
    assert small.results.last_killer(fault.key) == found.killer
    assert small.results.of(fault.key, small.tree) == found
    assert small.results.of(fault.key, "other code") is None


@pytest.mark.slow  # it starts pytest several times
def test_a_fault_lives_where_only_what_fails_anyway_fails(small, capsys):
    found = small.look(_fault("return 'fee'", "return 'fees'"), slow=True)
    assert (found.killer, found.tier) == (None, "slow")
    assert "test_it_is_broken_anyway fails without any fault" in capsys.readouterr().out


def test_what_is_of_the_room_and_names_the_module_comes_first(small):
    near, far = near_and_far(small.whole.root, _fault("return 'fee'", "return 'fees'"))
    assert near == ["tests/giving/test_fees.py", "tests/giving/test_about.py", "tests/books/test_books.py"]
    assert far == ["tests/test_alone.py"]


def test_nothing_begins_when_the_time_is_over(small):
    small.until = time.monotonic()
    with pytest.raises(OutOfTime):
        small.look(_fault("return 'fee'", "return 'fees'"), slow=False)
