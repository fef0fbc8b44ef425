"""The shipped region codes form one whole tree, and the program that makes them says the same of any source."""

import csv
import re
from collections import Counter
from collections.abc import Iterator
from importlib import resources
from pathlib import Path

import pytest

from bot.places.make_regions import Division, make, parent_code

REGIONS = Path(__file__).parents[2] / "config" / "regions"
# Taiwan, Hong Kong and Macao.
OUTSIDE = ("71", "81", "82")
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
    """As many of each level as SOURCE.md says."""
    source = (REGIONS / "SOURCE.md").read_text(encoding="utf-8")
    told = {level: int(count) for level, count in re.findall(r"^\| (\w+) \| (\d+) \|$", source, re.MULTILINE)}
    assert set(told) == {"province", "city", "county", "township"}
    assert Counter(row.level for row in divisions) == told
    assert told["province"] == 31


def test_no_county_of_the_country_is_missing(divisions):
    """By another list, of what there was when the codes were published. It has four rows that were never or are no
    more: Shennongjia and Suizhou under codes of before, and the two districts of Sansha, which the source has not.
    """
    known = {row.code[:6]: row.name for row in divisions if row.level in ("city", "county")}
    wanted = dict(counties_of_2023())
    assert len(wanted) > 2800
    missing = {code: name for code, name in wanted.items() if code not in known}
    assert missing == {"422921": "神农架林区", "429001": "随州市", "460302": "西沙区", "460303": "南沙区"}
    # Four names are written there in the old script.
    differing = {code for code, name in wanted.items() if known.get(code, name) != name}
    assert differing == {"232761", "232762", "232763", "232764"}


def counties_of_2023() -> Iterator[tuple[str, str]]:
    """(code, name) of python-stdnum's list: ``0103 county="[-2010]崇文区"`` ended in 2010, ``[2015-]`` began."""
    text = (resources.files("stdnum") / "cn" / "loc.dat").read_text(encoding="utf-8")
    province = ""
    for line in text.splitlines():
        if found := re.match(r"(\d\d) province=", line):
            province = found[1]
        elif found := re.match(r' +(\d{4}) county="(.*)"', line):
            *_, (begins, ends, name) = re.findall(r"(?:\[(\d*)-(\d*)\])?([^\[\],]+)", found[2])
            is_there = not ends and int(begins or 0) <= 2023 and name != "市辖区" and not found[1].endswith("00")
            if is_there and province not in OUTSIDE:
                yield province + found[1], name


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
