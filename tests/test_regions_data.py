"""The shipped region codes form one whole tree, and the program that makes them says the same of any source."""

import csv
from collections import Counter
from pathlib import Path

import pytest

from tools.make_regions import Division, make, parent_code

REGIONS = Path(__file__).parent.parent / "config" / "regions"
ABOVE = {"city": {"province"}, "county": {"city"}, "township": {"county", "city"}, "village": {"township"}}


def read(path: Path) -> list[Division]:
    with open(path, encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file))
    assert rows[0] == ["code", "name", "level"]
    return [Division(*row) for row in rows[1:]]


@pytest.fixture(scope="module")
def divisions() -> list[Division]:
    return read(REGIONS / "divisions.csv")


@pytest.fixture(scope="module")
def villages() -> list[Division]:
    return read(REGIONS / "villages-demo.csv")


def test_the_whole_country_is_there(divisions):
    assert Counter(row.level for row in divisions) == {
        "province": 31,
        "city": 342,
        "county": 2975,
        "township": 41351,
    }


def test_every_division_hangs_below_one_of_the_level_above(divisions, villages):
    level = {row.code: row.level for row in [*divisions, *villages]}
    for row in [*divisions, *villages]:
        above = parent_code(row.code)
        if row.level == "province":
            assert above is None
        else:
            assert level.get(above) in ABOVE[row.level], row


def test_codes_are_twelve_digits_sorted_and_unique(divisions, villages):
    for rows in (divisions, villages):
        codes = [row.code for row in rows]
        assert all(len(code) == 12 and code.isascii() and code.isdigit() for code in codes)
        assert codes == sorted(set(codes))
        assert all(row.name and row.name == row.name.strip() for row in rows)


@pytest.mark.parametrize(
    ("county", "name", "count"),
    [
        ("430524", "隆回县", 572),
        ("431124", "道县", 370),
        ("360734", "寻乌县", 188),
        ("513431", "昭觉县", 163),
        ("610828", "佳县", 334),
    ],
)
def test_the_demo_has_all_villages_of_its_counties(divisions, villages, county, name, count):
    assert Division(f"{county}000000", name, "county") in divisions
    assert sum(row.code.startswith(county) for row in villages) == count


def test_the_files_stay_small():
    assert (REGIONS / "divisions.csv").stat().st_size < 2_000_000
    assert (REGIONS / "villages-demo.csv").stat().st_size < 100_000


def test_a_place_that_is_its_own_child_is_kept_once(tmp_path):
    source = {
        "provinces": 'code,name\n44,"广东省"\n',
        "cities": 'code,name,provinceCode\n4419,"东莞市",44\n',
        "areas": 'code,name,cityCode,provinceCode\n441900,"东莞市",4419,44\n',
        "streets": 'code,name,areaCode,provinceCode,cityCode\n441900003,"东城街道",441900,44,4419\n',
        "villages": 'code,name,streetCode\n441900003001,"岗贝社区",441900003\n430524100001,"某村",430524100\n',
    }
    for table, text in source.items():
        (tmp_path / f"{table}.csv").write_text(text, encoding="utf-8")
    make(tmp_path, tmp_path)
    assert read(tmp_path / "divisions.csv") == [
        Division("440000000000", "广东省", "province"),
        Division("441900000000", "东莞市", "city"),
        Division("441900003000", "东城街道", "township"),
    ]
    assert parent_code("441900003000") == "441900000000"
    assert read(tmp_path / "villages-demo.csv") == [Division("430524100001", "某村", "village")]
