"""The history of regions as a file tells it: what is refused, with its line, and what is there afterwards."""

from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Engine, select
from sqlalchemy.orm import Session as Database

from bot.app import create_app
from bot.places.load import BadRegions, Loaded, load_regions, read_regions
from bot.places.rows import Past, Row, check
from models.core.audit_trail import AuditEvent
from models.core.database import connect
from models.people.user import Household
from models.places.region import Region
from tests.harness.stage import settings_for

NOW = datetime(2026, 11, 24, 2, 0, tzinfo=UTC)
TREE = """\
430000000000,湖南省,province
431100000000,永州市,city
431124000000,道县,county
431124101000,梅花镇,township
431124101201,幸福村,village
431124101202,和平村,village
431124104000,清塘镇,township
431124104201,团结村,village
"""
HEAD = "code,name,level,valid_from,valid_to,successor\n"
MERGED = "431124101201,幸福村,village,,2026-01-01,431124101202"


@pytest.fixture
def database(database_url: str) -> Iterator[Engine]:
    database = connect(database_url)
    yield database
    database.dispose()


@pytest.fixture
def load(database: Engine, tmp_path: Path, no_regions: None) -> Callable[[str], Loaded]:
    """Loads a file of these lines; the tree is there already, and nothing else."""

    def of_lines(lines: str) -> Loaded:
        file = tmp_path / "changes.csv"
        file.write_text(lines, encoding="utf-8")
        return load_regions(database, read_regions(file), now=NOW)

    of_lines(f"code,name,level\n{TREE}")
    return of_lines


def row(database: Engine, code: str) -> tuple[date | None, date | None, str | None]:
    with Database(database) as db:
        region = db.get_one(Region, code)
        return region.valid_from, region.valid_to, region.successor


def events(database: Engine) -> list[tuple[str, int, str | None]]:
    with Database(database) as db:
        told = select(AuditEvent.action, AuditEvent.subject_id, AuditEvent.detail).order_by(AuditEvent.id)
        return [tuple(event) for event in db.execute(told.where(AuditEvent.subject == "region"))]  # type: ignore[misc]


def test_an_end_and_a_successor_are_kept_with_their_event(load: Callable[[str], Loaded], database: Engine) -> None:
    loaded = load(f"{HEAD}431124101202,和平村,village,2001-05-01,,\n{MERGED}\n")
    assert (loaded.count, loaded.ended) == (2, 1)
    assert row(database, "431124101201") == (None, date(2026, 1, 1), "431124101202")
    assert row(database, "431124101202") == (date(2001, 5, 1), None, None)
    assert events(database) == [("region_ended", 431124101201, "431124101202")]


def test_again_is_harmless_and_a_file_without_history_leaves_it(
    load: Callable[[str], Loaded], database: Engine
) -> None:
    load(f"{HEAD}{MERGED}\n")
    for lines in (f"{HEAD}{MERGED}\n", f"code,name,level\n{TREE}", "code,name,level\n431124101201,幸福村,village\n"):
        assert load(lines).ended == 0
        assert row(database, "431124101201") == (None, date(2026, 1, 1), "431124101202")
    assert len(events(database)) == 1


def test_one_column_of_history_leaves_the_others(load: Callable[[str], Loaded], database: Engine) -> None:
    load(f"{HEAD}{MERGED}\n")
    load("code,name,level,valid_from\n431124101201,幸福村,village,1999-01-01\n")
    assert row(database, "431124101201") == (date(1999, 1, 1), date(2026, 1, 1), "431124101202")


def test_an_end_that_was_a_mistake_is_taken_back(load: Callable[[str], Loaded], database: Engine) -> None:
    load(f"{HEAD}{MERGED}\n")
    load(f"{HEAD}431124101201,幸福村,village,,,\n")
    assert row(database, "431124101201") == (None, None, None)
    assert events(database)[-1] == ("region_restored", 431124101201, None)


def test_a_successor_may_come_later_in_the_file_and_end_in_its_turn(
    load: Callable[[str], Loaded], database: Engine
) -> None:
    load(
        f"{HEAD}{MERGED}\n"
        "431124101202,和平村,village,,2026-02-01,431124101203\n"
        "431124101203,幸福和平村,village,2026-01-31,,\n"
    )
    assert row(database, "431124101202")[2] == "431124101203"


def test_a_village_may_go_into_its_township(load: Callable[[str], Loaded], database: Engine) -> None:
    load(f"{HEAD}431124101201,幸福村,village,,2026-01-01,431124101000\n")
    assert row(database, "431124101201")[2] == "431124101000"


@pytest.mark.parametrize(
    ("lines", "line", "why"),
    [
        (["431124101201,幸福村,village,2026-01-02,2026-01-02,"], 2, "has to come after valid_from"),
        (["431124101201,幸福村,village,2026-01-02,2025-12-31,"], 2, "has to come after valid_from"),
        (["431124101201,幸福村,village,,2026-11-25,"], 2, "valid_to lies ahead"),
        (["431124101201,幸福村,village,2027-01-01,,"], 2, "valid_from lies ahead"),
        (["431124101201,幸福村,village,,2026.1.1,"], 2, "valid_to wants a date such as"),
        (["431124101201,幸福村,village,,2026-01-01,和平村"], 2, "successor wants a 12-digit code"),
        (["431124101201,幸福村,village,,,431124101202"], 2, "say with valid_to when"),
        (["431124101201,幸福村,village,,2026-01-01,431124101999"], 2, "neither in the file nor loaded"),
        (["431124101000,梅花镇,township,,2026-01-01,431124104201"], 2, "it has to be a township or wider"),
        (["431124101202,和平村,village,,,", "431124101201,幸福村,village,,2026-01-01,431124101201"], 3, "comes back"),
        ([MERGED, "431124101202,和平村,village,,2026-01-01,431124101201"], 2, "comes back to 431124101201"),
        ([MERGED, "431124101202,和平村,village,,2026-01-01,"], 3, "leads to 431124101202, which has ended without"),
        (["431124101000,梅花镇,township,,2026-01-01,431124104000"], 2, "below it has not"),
        ([MERGED, MERGED], 3, "is there a second time"),
    ],
)
def test_what_cannot_be_is_refused_with_its_line_and_nothing_is_written(
    load: Callable[[str], Loaded], database: Engine, lines: list[str], line: int, why: str
) -> None:
    with pytest.raises(BadRegions, match=f"^changes.csv, line {line}: ") as refused:
        load(HEAD + "\n".join(lines) + "\n")
    assert why in str(refused.value)
    assert row(database, "431124101201") == (None, None, None)
    assert events(database) == []


def test_an_old_succession_is_not_left_without_its_end(load: Callable[[str], Loaded]) -> None:
    """The village that another had gone into ends for good: whoever came from there would be lost."""
    load(f"{HEAD}{MERGED}\n")
    with pytest.raises(BadRegions, match="line 2: 431124101201 leads to 431124101202, which has ended without"):
        load(f"{HEAD}431124101202,和平村,village,,2026-02-01,\n")


def test_nothing_new_comes_below_what_has_ended(load: Callable[[str], Loaded]) -> None:
    load(
        f"{HEAD}431124101000,梅花镇,township,,2026-01-01,431124104000\n"
        "431124101201,幸福村,village,,2026-01-01,431124104201\n"
        "431124101202,和平村,village,,2026-01-01,431124104201\n"
    )
    with pytest.raises(BadRegions, match="line 2: 431124101000 has ended, and 431124101204 below it has not"):
        load("code,name,level\n431124101204,新村,village\n")


CODES = [f"43112410120{digit}" for digit in range(6)]
ABOVE = ("430000000000", "431100000000", "431124000000", "431124101000")


@given(st.dictionaries(st.sampled_from(CODES), st.none() | st.sampled_from([*CODES, "431124101000"])))
def test_whatever_is_let_in_leads_everybody_to_a_region_of_today(successors: dict[str, str | None]) -> None:
    """Chains of any shape: refused, or each ends where somebody looks after it."""
    end = date(2026, 1, 1)
    rows = [
        Row(code, "某村", "village", "f.csv", line, {"valid_to": end, "successor": successors[code]})
        for line, code in enumerate(successors, 2)
    ]
    names = dict.fromkeys((*ABOVE, *CODES), "某")
    try:
        check(rows, names, {}, NOW.date())
    except BadRegions:
        followed = [_last(code, successors) for code in successors if successors[code]]
        assert None in followed
    else:
        assert all(_last(code, successors) not in successors for code in successors if successors[code])


def _last(code: str | None, successors: dict[str, str | None]) -> str | None:
    """None: a circle, or an end for good."""
    for _ in range(len(CODES) + 1):
        if code not in successors:
            return code
        code = successors[code]
    return None


def test_an_end_needs_no_successor_and_a_past_no_end() -> None:
    rows = [Row(CODES[0], "某村", "village", "f.csv", 2, {"valid_to": date(2026, 1, 1)})]
    check(rows, dict.fromkeys(ABOVE, "某"), {CODES[1]: Past(date(2020, 1, 1))}, NOW.date())


def test_the_command_says_what_became_of_it(load: Callable[[str], Loaded], database_url: str, tmp_path: Path) -> None:
    app = create_app(settings_for(database_url))
    database = app.extensions["bangfu"]["turns"].database
    with Database(database) as db, db.begin():
        db.add(Household(region_code="431124101201", created_at=NOW))
    file = tmp_path / "merged.csv"
    file.write_text(f"{HEAD}{MERGED}\n", encoding="utf-8")
    told = app.test_cli_runner().invoke(args=["import-regions", str(file)])
    for line in ("1 regions loaded.", "1 have ended.", "Moved to what their regions went into: households 1."):
        assert line in told.output
    file.write_text(f"{HEAD}431124101202,和平村,village,,2026-01-01,\n", encoding="utf-8")
    refused = app.test_cli_runner().invoke(args=["import-regions", str(file)])
    assert (refused.exit_code, "merged.csv, line 2: " in refused.output) == (1, True)
    database.dispose()
