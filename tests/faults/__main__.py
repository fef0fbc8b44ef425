"""``make faults``: do the tests still bite? Every fault goes in alone, and a fast test has to fail for it.

What is found is kept in var/faults until any file changes but tests/faults.toml and this package (``fingerprint``, in
tests/faults/copies.py); a fault whose lines change is another fault. A test that fails without it too notices nothing.
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests.faults.copies import Copy, OutOfTime, Unusable, copy_tree, fingerprint
from tests.faults.fault import ROOT, Fault, read_faults
from tests.faults.nearby import aim, near_and_far
from tests.faults.results import Result, Results

MOST_SECONDS = 90 * 60
# One whole run of the fast tier takes ten minutes; what takes three times as long has come to stand still.
LONGEST_STEP = 30 * 60
KEPT = ROOT / "var" / "faults" / "results.jsonl"
ALONE = ("-n", "0")
TOGETHER = ("-n", "auto", "--dist", "loadgroup")
FAST, SLOW = ("-m", "not slow"), ("-m", "slow")
LIVED, LEFT = 1, 2


@dataclass(slots=True)
class Hunt:
    """``whole`` is the tree as it is, ``spoilt`` the copy that faults go into. ``until``: by the monotonic clock."""

    whole: Copy
    spoilt: Copy
    results: Results
    tree: str
    until: float
    _sound: set[str] = field(default_factory=set)
    _broken: set[str] = field(default_factory=set)

    def look(self, fault: Fault, *, slow: bool) -> Result:
        """Raises OutOfTime or Unusable."""
        began = time.monotonic()
        known = self.results.of(fault.key, self.tree)
        killer = None if known else self._killer(fault)
        tier = "fast"
        if slow and killer is None:
            tier = "slow"
            killer = self._first(fault, [name for part in near_and_far(self.whole.root, fault) for name in part], SLOW)
        result = Result(fault.key, self.tree, killer, tier, round(time.monotonic() - began))
        self.results.add(result)
        return result

    def _killer(self, fault: Fault) -> str | None:
        """In the fast tier: first what has noticed it before or is said to, then its room, then everything else."""
        near, far = near_and_far(self.whole.root, fault)
        for likely in dict.fromkeys([self.results.last_killer(fault.key), fault.test]):
            if likely and (self.whole.root / likely.partition("::")[0]).exists():
                killer = self._likely(fault, likely)
                if killer:
                    return killer
        return self._first(fault, near, FAST) or self._first(fault, far, FAST)

    def _likely(self, fault: Fault, test: str) -> str | None:
        try:
            return self._first(fault, aim(self.whole.root, test), FAST, ALONE)
        except Unusable:
            return None  # it has another name by now

    def _first(
        self, fault: Fault, tests: Sequence[str], tier: Sequence[str], workers: Sequence[str] = TOGETHER
    ) -> str | None:
        """The first of these that fails with the fault and passes without it."""
        while tests:
            passed_over = [option for name in sorted(self._broken) for option in ("--deselect", name)]
            with self.spoilt.with_fault(fault):
                killer = self.spoilt.failing(tests, self._seconds, [*workers, *tier, *passed_over])
            if killer is None or self._is_sound(killer):
                return killer
        return None

    def _is_sound(self, test: str) -> bool:
        if test not in self._sound:
            if self.whole.failing([test], self._seconds, ALONE):
                print(f"    {test} fails without any fault: it notices nothing", flush=True)
                self._broken.add(test)
                return False
            self._sound.add(test)
        return True

    @property
    def _seconds(self) -> float:
        left = self.until - time.monotonic()
        if left <= 0:
            raise OutOfTime
        return min(left, LONGEST_STEP)


def main(arguments: Sequence[str]) -> int:
    asked = _read(arguments)
    until, results, tree = time.monotonic() + MOST_SECONDS, Results(KEPT), fingerprint(ROOT)
    if asked.again:
        results.forget()
    faults = [fault for fault in read_faults() if asked.only in f"{fault.room} {fault.file} {fault.breaks}"]
    with tempfile.TemporaryDirectory(prefix="faults-") as folder:
        whole, spoilt = (copy_tree(ROOT, Path(folder) / name) for name in ("whole", "spoilt"))
        hunt = Hunt(whole, spoilt, results, tree, until)
        for place, fault in enumerate(faults, 1):
            found = results.of(fault.key, tree)
            if found and (found.killer or found.tier == "slow" or not asked.slow):
                continue
            try:
                result = hunt.look(fault, slow=asked.slow)
            except OutOfTime:
                if time.monotonic() >= until:
                    break
                print(f"{place}/{len(faults)} no end    {fault.file}: {fault.breaks}", flush=True)
            except Unusable as unusable:
                print(f"{place}/{len(faults)} no start  {fault.file}: {fault.breaks}\n{unusable}", flush=True)
            else:
                said = f"died of {result.killer}" if result.killer else "LIVED"
                print(f"{place}/{len(faults)} {said}, {result.seconds} s\n    {fault.file}: {fault.breaks}", flush=True)
    return _sum_up(faults, results, tree)


def _read(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make faults", description="Puts faults in, to see whether a test notices.")
    parser.add_argument("--again", action="store_true", help="forget what was found before")
    parser.add_argument("--only", default="", metavar="WORDS", help="those with these words in room, file or sentence")
    parser.add_argument("--slow", action="store_true", help="try the slow tests too on what no fast one notices")
    return parser.parse_args(arguments)


def _sum_up(faults: Sequence[Fault], results: Results, tree: str) -> int:
    known = [(fault, results.of(fault.key, tree)) for fault in faults]
    died = [result for _, result in known if result and result.killer]
    lived = [fault for fault, result in known if result and not result.killer]
    left = len(faults) - len(died) - len(lived)
    fast = sum(result.tier == "fast" for result in died)
    print(
        f"\n{len(faults)} faults: {fast} died in the fast tier, {len(died) - fast} in the slow one, {len(lived)} lived."
    )
    for fault in lived:
        print(f"  {fault.file}\n    - {fault.old}\n    + {fault.new}\n    {fault.breaks}")
    if left:
        print(f"{left} are left: run it again, and it goes on with them.")
    return LIVED if lived else LEFT if left else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
