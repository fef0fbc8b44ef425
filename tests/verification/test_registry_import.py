"""The registry's import: any file that an office may send, its bad rows told by number, and nothing lost or doubled."""

import base64
import csv
import io
import os
import pty
import subprocess
import sys
import tempfile
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, delete, func, select
from sqlalchemy.orm import Session as Database

from bot.app import create_app
from bot.registry.csv_file import BadCsvFile, CsvFile
from bot.registry.load import BATCH, Counts, Load
from bot.registry.rows import COLUMNS, REASONS
from config.settings import SAMPLE_DATA_KEYS
from models.core.database import connect
from models.core.encryption import Keyring, keyring, use_keyring
from models.places.region import Region
from models.verification.registry import RegistryEntry, look_up
from tests.harness.stage import DAOXIAN_MEIHUA, id_number, settings_for
from tests.harness.tiers import examples

ROOT = Path(__file__).parents[2]
NEW = base64.b64encode(bytes(range(32))).decode()
NOW = datetime(2026, 11, 24, 2, 0, tzinfo=UTC)
TODAY = date(2026, 11, 24)
NAME, STATUS, SOURCE = "王秀兰", "监测对象", "县里的名册"
HEADER = ",".join(COLUMNS)
REGIONS = {"431124": "431124000000", "431124101": DAOXIAN_MEIHUA, DAOXIAN_MEIHUA: DAOXIAN_MEIHUA}


@pytest.fixture(autouse=True)
def keys() -> Iterator[None]:
    use_keyring(Keyring.parse(SAMPLE_DATA_KEYS))
    yield
    use_keyring(Keyring.parse(SAMPLE_DATA_KEYS))


@pytest.fixture
def database(database_url: str) -> Iterator[Engine]:
    database = connect(database_url)
    yield database
    database.dispose()


def nothing() -> None:
    pass


def row(serial: int = 3, name: str = NAME, as_of: str = "2026-06-30", **other: str) -> str:
    fields = {"id_number": id_number(serial), "name": name, "region_code": "431124", "status": STATUS}
    return ",".join({**fields, "source": SOURCE, "as_of": as_of, **other}.values())


def load(
    database: Engine, file: Path, size: int = BATCH, now: datetime = NOW
) -> tuple[Counts, list[tuple[int, str]], str]:
    bad: list[tuple[int, str]] = []
    with CsvFile(file, COLUMNS) as sheet:
        run = Load(database, now, on_bad=lambda number, reason: bad.append((number, reason)), after=nothing, size=size)
        return run.run(sheet.rows()), bad, sheet.encoding


def table(database: Engine) -> dict[str, tuple[Any, ...]]:
    with Database(database) as db:
        entries = db.scalars(select(RegistryEntry)).all()
        found = {e.id_number: (e.name, e.region_code, e.status, e.source, e.as_of) for e in entries}
        assert len(found) == len(entries)
        return found


def raw(database: Engine) -> list[Any]:
    with database.begin() as connection:
        return list(connection.exec_driver_sql("SELECT * FROM registry_entries ORDER BY id_hash").all())


@pytest.fixture
def file(tmp_path: Path) -> Callable[..., Path]:
    def write(*lines: str, header: str = HEADER, encoding: str = "utf-8", ends: str = "\n") -> Path:
        path = tmp_path / "registry.csv"
        path.write_bytes("".join(f"{line}{ends}" for line in (header, *lines)).encode(encoding))
        return path

    return write


# --- Any file


@dataclass(frozen=True)
class Line:
    """A row as it is written, and what it should be read as: an entry, or the reason why not."""

    fields: dict[str, str]
    number: str = ""
    entry: tuple[Any, ...] = ()
    reason: str = ""


def full_width(text: str) -> str:
    return "".join(chr(ord(sign) + 0xFEE0) if "!" <= sign <= "~" else sign for sign in text)


WRITE: list[Callable[[str], str]] = [
    str,
    str.lower,
    full_width,
    lambda number: f" {number[:6]} {number[6:]}",
    lambda number: f"'{number}",
]
WRITTEN_DAY = st.sampled_from(
    ["{0:%Y-%m-%d}", "{0:%Y%m%d}", "{0.year}/{0.month}/{0.day}", "{0.year}-{0.month}-{0.day}"]
)
BROKEN: list[tuple[str, str, str]] = [
    ("id_number", "431124010101003", "id_length"),
    ("id_number", "", "id_length"),
    ("id_number", "4.31124E+17", "id_length"),
    ("id_number", id_number(3)[:-1] + ("0" if id_number(3)[-1] != "0" else "1"), "id_checksum"),
    ("id_number", "431124190113010039", "id_date"),
    ("name", "", "name_missing"),
    ("name", " · ", "name_missing"),
    ("name", "王" * 61, "name_too_long"),
    ("region_code", "", "region_malformed"),
    ("region_code", "43112", "region_malformed"),
    ("region_code", "999999", "region_unknown"),
    ("region_code", "999999000001", "region_unknown"),
    ("status", "  ", "status_missing"),
    ("status", "对" * 41, "status_too_long"),
    ("source", "", "source_missing"),
    ("source", "s" * 61, "source_too_long"),
    ("source", "a\x07b", "unprintable"),
    ("as_of", "", "as_of_unreadable"),
    ("as_of", "30.6.2026", "as_of_unreadable"),
    ("as_of", "2026-02-30", "as_of_unreadable"),
    ("as_of", "2026-6/30", "as_of_unreadable"),
    ("as_of", "2026-11-25", "as_of_future"),
]


@st.composite
def lines(draw: st.DrawFn) -> Line:
    number = id_number(draw(st.integers(3, 8)))
    day = date(2026, 6, 1) + timedelta(days=draw(st.integers(0, 3)))
    name = draw(st.sampled_from([NAME, "阿依古丽·买买提", "李 \n 小妹", 'O\'Brien, "Anna"', "𠮷野"]))
    code = draw(st.sampled_from(sorted(REGIONS)))
    status = draw(st.sampled_from([STATUS, "低保", "脱贫户,监测"]))
    fields = {"id_number": draw(st.sampled_from(WRITE))(number), "name": name, "region_code": code, "status": status}
    fields |= {"source": SOURCE, "as_of": draw(WRITTEN_DAY).format(day)}
    fields |= {"remark": draw(st.sampled_from(["", "a\nb", 'x"y', "第一行\r\n\r\n第二行,,", "，"]))}
    if draw(st.integers(0, 3)) == 0:
        column, wrong, reason = draw(st.sampled_from(BROKEN))
        return Line({**fields, column: wrong}, reason=reason)
    return Line(fields, number, (" ".join(name.split()), REGIONS[code], status, SOURCE, day))


def written(rows: list[Line | None], columns: list[str], ends: str) -> str:
    """As an office would export it. None is an empty row."""
    text = io.StringIO()
    # With ends of its own it would leave the other kinds of newline bare.
    out = csv.writer(text, lineterminator=ends, quoting=csv.QUOTE_ALL if ends == "\r" else csv.QUOTE_MINIMAL)
    out.writerow(columns)
    for each in rows:
        if each is None:
            text.write(ends)
        else:
            out.writerow([each.fields[column] for column in columns])
    return text.getvalue()


def expected(rows: list[Line | None]) -> tuple[Counts, list[tuple[int, str]], dict[str, tuple[Any, ...]]]:
    """One after the other, the newer day winning."""
    counts, bad, kept = Counts(), [], {}
    for number, each in enumerate(rows, 2):
        if each is None:
            continue
        if each.reason:
            bad.append((number, each.reason))
        elif each.number not in kept:
            counts.added += 1
            kept[each.number] = each.entry
        elif each.entry[-1] > kept[each.number][-1]:
            counts.updated += 1
            kept[each.number] = each.entry
        else:
            counts.unchanged += 1
    counts.bad = Counter(reason for _, reason in bad)
    return counts, bad, kept


@settings(max_examples=examples(), suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    rows=st.lists(st.none() | lines(), max_size=12),
    columns=st.permutations([*COLUMNS, "remark"]),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "gb18030"]),
    ends=st.sampled_from(["\n", "\r\n", "\r"]),
    size=st.integers(1, 5),
)
def test_any_file_is_counted_to_the_last_row_and_again_changes_nothing(
    database: Engine,
    tmp_path: Path,
    rows: list[Line | None],
    columns: list[str],
    encoding: str,
    ends: str,
    size: int,
) -> None:
    with database.begin() as connection:
        connection.execute(delete(RegistryEntry))
    path = tmp_path / "any.csv"
    path.write_bytes(written(rows, columns, ends).encode(encoding))
    counts, bad, kept = expected(rows)
    assert load(database, path, size)[:2] == (counts, bad)
    assert counts.good + len(bad) == len([each for each in rows if each])
    assert table(database) == kept
    before = raw(database)
    again, bad_again, _ = load(database, path, size + 1, NOW + timedelta(hours=1))
    assert (again.added, again.updated, again.unchanged) == (0, 0, counts.good)
    assert bad_again == bad
    assert raw(database) == before


@given(st.binary(max_size=400), st.booleans())
def test_any_bytes_below_a_header_are_rows_or_bad_rows(noise: bytes, tight: bool) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "noise.csv"
        path.write_bytes(HEADER.encode() + b"\n" + noise + (b"" if tight else b"\n" + row().encode() + b"\n"))
        with CsvFile(path, COLUMNS) as sheet:
            found = list(sheet.rows())
    assert [number for number, _ in found] == sorted({number for number, _ in found})
    assert all(each in REASONS if isinstance(each, str) else len(each) == len(COLUMNS) for _, each in found)


# --- Files that are broken


def test_a_quotation_mark_left_open_spoils_its_own_row_alone(database: Engine, file: Callable[..., Path]) -> None:
    below = [row(n) for n in range(4, 90)]
    counts, bad, _ = load(database, file(row(3, name='"王秀兰'), *below))
    assert (counts.added, bad) == (len(below), [(2, "quotes")])
    counts, bad, _ = load(database, file(row(3, name='王"秀兰'), row(90, name='李"'), row(91)))
    assert (counts.added, [number for number, _ in bad]) == (1, [2, 3])


def test_bytes_that_are_no_characters_spoil_their_own_row_alone(
    database: Engine, tmp_path: Path, file: Callable[..., Path]
) -> None:
    for encoding in ("utf-8", "gb18030"):
        path = file(*[row(n) for n in range(3, 13)], encoding=encoding)
        rows = path.read_bytes().split(b"\n")
        rows[4] = rows[4].replace(NAME.encode(encoding), NAME.encode(encoding)[:-1] + b"\xff")
        path.write_bytes(b"\n".join(rows))
        counts, bad, told = load(database, path)
        assert (counts.good, bad) == (9, [(5, "encoding")])
        assert told.startswith(encoding)


def test_a_row_of_the_wrong_width_and_one_without_end(database: Engine, file: Callable[..., Path]) -> None:
    endless = row(6, name="王" * 200_000)
    counts, bad, _ = load(database, file(row(3) + ",", row(4) + ",x", "x,y", endless, row(5), ",,,,,", "", row(7)))
    assert counts.added == 3
    assert bad == [(3, "columns"), (4, "columns"), (5, "too_long")]


def test_a_file_that_ends_within_a_row(database: Engine, file: Callable[..., Path]) -> None:
    path = file(row(3), row(4))
    path.write_bytes(path.read_bytes()[:-30])
    counts, bad, _ = load(database, path)
    assert (counts.added, bad) == (1, [(3, "columns")])


@pytest.mark.parametrize(
    ("header", "says"),
    [
        ("", "id_number, name, region_code, status, source, as_of"),
        ("id_number,name,status", "region_code, source, as_of"),
        (HEADER.replace(",", ";"), "id_number, name"),
        (HEADER + ",name", "more than once"),
    ],
)
def test_a_missing_column_is_told_before_anything_is_read(file: Callable[..., Path], header: str, says: str) -> None:
    with pytest.raises(BadCsvFile, match=says):
        CsvFile(file(row(), header=header), COLUMNS)


def test_headers_may_be_written_in_capitals_and_with_spaces(database: Engine, file: Callable[..., Path]) -> None:
    counts, bad, _ = load(database, file(row(), header=HEADER.upper().replace(",", " , ")))
    assert (counts.added, bad) == (1, [])


# --- Runs that meet others


def test_a_key_that_changed_in_between_doubles_nobody(database: Engine, file: Callable[..., Path]) -> None:
    load(database, file(row(3), row(4)))
    use_keyring(Keyring.parse(f"{NEW},{SAMPLE_DATA_KEYS}"))
    counts, _, _ = load(database, file(row(3), row(4, as_of="2026-07-01"), row(5)))
    assert (counts.added, counts.updated, counts.unchanged) == (1, 1, 1)
    assert len(table(database)) == 3
    with Database(database) as db:
        hashes = set(db.scalars(select(RegistryEntry.id_hash)))
        assert hashes == {keyring().lookup_hashes(id_number(n), "id_number")[0] for n in (3, 4, 5)}
        assert look_up(db, id_number(4), NAME).as_of == date(2026, 7, 1)


def test_others_write_while_a_file_is_read(database: Engine, database_url: str, file: Callable[..., Path]) -> None:
    """No transaction is open between two batches."""
    other = connect(database_url)

    def rows(sheet: CsvFile) -> Iterator[Any]:
        for each in sheet.rows():
            with other.begin() as connection:
                connection.execute(delete(Region).where(Region.code == "0"))
            yield each

    with CsvFile(file(row(3), row(4), row(5)), COLUMNS) as sheet:
        assert Load(database, NOW, on_bad=print, after=nothing, size=1).run(rows(sheet)).added == 3
    other.dispose()


def test_two_runs_at_once_leave_the_newest_of_each(database: Engine, database_url: str, tmp_path: Path) -> None:
    files = []
    for n, order in enumerate((range(3, 60), range(59, 2, -1))):
        path = tmp_path / f"{n}.csv"
        path.write_text("\n".join([HEADER, *[row(s, as_of=f"2026-06-{1 + (s + n) % 2:02}") for s in order]]), "utf-8")
        files.append(path)
    engines = [connect(database_url) for _ in files]
    results: list[Counts] = []

    def one(engine: Engine, path: Path) -> None:
        results.append(load(engine, path, size=7)[0])

    threads = [threading.Thread(target=one, args=pair) for pair in zip(engines, files, strict=True)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for engine in engines:
        engine.dispose()
    assert [counts.good for counts in results] == [57, 57]
    assert {entry[-1] for entry in table(database).values()} == {date(2026, 6, 2)}
    assert len(table(database)) == 57


# --- At the terminal


@pytest.fixture
def app(database: Engine, database_url: str) -> Iterator[Flask]:
    app = create_app(settings_for(database_url))
    yield app
    app.extensions["bangfu"]["turns"].database.dispose()


def run(app: Flask, *words: object) -> Result:
    return app.test_cli_runner().invoke(args=["import-registry", *map(str, words)])


def test_the_command_tells_what_it_did(app: Flask, database: Engine, file: Callable[..., Path]) -> None:
    first = run(app, file(row(3), row(4), encoding="gb18030"))
    assert first.output == "2 rows read as GB18030: 2 good, 0 bad. 2 added, 0 updated, 0 unchanged.\n"
    assert first.exit_code == 0
    again = run(app, file(row(3), row(4, as_of="2026/7/1"), row(5, name="")))
    assert again.exit_code == 1
    assert again.output.splitlines() == [
        "row 4: name_missing: has no name",
        "        1 name_missing",
        "3 rows read as UTF-8: 2 good, 1 bad. 0 added, 1 updated, 1 unchanged.",
    ]
    assert len(table(database)) == 2


def test_nothing_is_written_in_a_dry_run(app: Flask, database: Engine, file: Callable[..., Path]) -> None:
    tried = run(app, file(row(3), row(4, region_code="999999")), "--dry-run")
    assert tried.exit_code == 1
    assert "2 rows read as UTF-8: 1 good, 1 bad. Nothing was written." in tried.output
    assert table(database) == {}


def test_a_thousand_bad_rows_are_listed_and_all_of_them_filed(
    app: Flask, file: Callable[..., Path], tmp_path: Path
) -> None:
    filed = tmp_path / "bad.csv"
    told = run(app, file(*[row(3, name="")] * 1_003, row(3)), "--bad", filed)
    assert told.exit_code == 1
    assert told.output.count("row ") == 1_000
    assert "and 3 more; --bad FILE writes all of them" in told.output
    assert "    1,003 name_missing" in told.output
    listed = list(csv.reader(filed.read_text(encoding="utf-8").splitlines()))
    assert listed == [["row", "reason"], *[[str(n), "name_missing"] for n in range(2, 1_005)]]


def test_bad_rows_never_go_into_the_file_itself(app: Flask, file: Callable[..., Path]) -> None:
    path = file(row(3))
    before = path.read_bytes()
    assert run(app, path, "--bad", path).exit_code == 1
    assert path.read_bytes() == before


def test_nothing_of_anybody_is_printed(app: Flask, file: Callable[..., Path], tmp_path: Path) -> None:
    rows = [row(3, **{column: wrong}) for column, wrong, _ in BROKEN if "\n" not in wrong]
    told = run(app, file(*rows, row(4, name='"李小妹'), row(5) + ",x"), "--bad", tmp_path / "bad.csv")
    told_all = told.output + str(told.exception) + (tmp_path / "bad.csv").read_text()
    assert told.exit_code == 1
    assert told_all.isascii()
    assert not [n for n in (3, 4, 5) if id_number(n)[:14] in told_all]


def refuse(database: Engine, status: str) -> Callable[[], None]:
    """The database takes no such rows any more; what is returned makes it take them again."""
    begin = [f"ALTER TABLE registry_entries ADD CONSTRAINT refused CHECK (status <> '{status}')"]
    end = ["ALTER TABLE registry_entries DROP CONSTRAINT refused"]

    def say(statements: list[str]) -> None:
        with database.begin() as connection:
            for statement in statements:
                connection.exec_driver_sql(statement)

    say(begin)
    return lambda: say(end)


def test_what_was_read_before_a_failure_is_kept_and_the_next_run_goes_on(
    app: Flask, database: Engine, file: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(Load.__init__.__kwdefaults__ or {}, "size", 2)
    path = file(row(3), row(4), row(5), row(6, status="坏"), row(7))
    allow = refuse(database, "坏")
    stopped = run(app, path)
    assert stopped.exit_code == 1
    assert "stopped in the middle" in stopped.output
    assert stopped.output.isascii()
    assert stopped.exception is None or isinstance(stopped.exception, SystemExit)
    assert len(table(database)) == 2
    allow()
    assert "3 added, 0 updated, 2 unchanged" in run(app, path).output


@pytest.mark.slow  # it starts the program twice
def test_the_bar_is_for_a_person_at_a_terminal(database: Engine, database_url: str, file: Callable[..., Path]) -> None:
    path = file(*[row(n) for n in range(3, 400)])
    command = [sys.executable, "-m", "flask", "--app", "wsgi", "import-registry", str(path)]
    environment = {**os.environ, "DATABASE_URL": database_url, "BANGFU_ENV": "demo", "TERM": "xterm"}
    piped = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True)
    assert "Importing" not in piped.stdout + piped.stderr
    ours, theirs = pty.openpty()
    subprocess.run(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=theirs, check=True)
    os.close(theirs)
    shown = b""
    while piece := _read(ours):
        shown += piece
    os.close(ours)
    assert b"Importing" in shown
    assert b"100%" in shown


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 65_536)
    except OSError:  # Linux says so at the end of a terminal
        return b""


def test_memory_does_not_grow_with_the_file(database: Engine, tmp_path: Path) -> None:
    """Of five times as many rows no more are held at once."""
    held = []

    def rows(count: int) -> Iterator[Any]:
        for n in range(count):
            yield n + 2, (id_number(3 + n % 900), NAME, "431124", STATUS, SOURCE, "20260630")

    class Watched(Load):
        def _take(self, connection: Any, batch: list[Any]) -> None:
            held.append(len(batch))
            super()._take(connection, batch)

    run = Watched(database, NOW, on_bad=print, after=nothing)
    assert run.run(rows(3 * BATCH)).good == 3 * BATCH
    assert max(held) == BATCH
    with Database(database) as db:
        assert db.scalar(select(func.count()).select_from(RegistryEntry)) == 900
