"""The queue as a spreadsheet: what the page shows, every text a text, recorded, and nothing stays on the disk."""

import io
import tempfile
import zipfile
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from openpyxl import load_workbook
from sqlalchemy import insert, select
from sqlalchemy.orm import Session as Database

from bot.web.desk.spreadsheet import spreadsheet
from models.desk import export
from models.staff.task import Matter, Task, open_task
from tests.harness.stage import DAOXIAN_MEIHUA, Stage
from tests.scenes.desk import OFFICER, Browser, events, signed_in

PATH = "/desk/list.xlsx"
# A text that Excel takes for a formula, where it is let.
DANGEROUS = st.sampled_from(["=", "+", "-", "@", "\t=", "\r@", "http://", "{="])


def table_of(file: bytes) -> list[tuple[object, ...]]:
    return list(load_workbook(io.BytesIO(file), read_only=True).worksheets[0].iter_rows(values_only=True))


def in_china(day: str) -> datetime:
    """A moment of this day as a spreadsheet has it, without a zone."""
    return datetime.fromisoformat(f"{day}T10:00:00")


def _tasks(stage: Stage, count: int) -> None:
    """Cases to visit, as many, all of this officer."""
    with Database(stage.database) as db, db.begin():
        open_task(db, Matter("case", 1000, DAOXIAN_MEIHUA, None), "visit", stage.clock())
    with Database(stage.database) as db, db.begin():
        [first] = db.execute(select(Task.__table__)).mappings()
        more = [{**first, "id": 1000 + n, "subject_id": 1000 + n} for n in range(1, count)]
        db.execute(insert(Task), more) if more else None


def test_it_holds_what_the_page_shows_and_the_look_is_recorded(stage: Stage) -> None:
    officer = stage.appoint(OFFICER, "village")
    _tasks(stage, 60)
    stage.clock.move(timedelta(days=5))
    with Database(stage.database) as db, db.begin():
        open_task(db, Matter("request", 7, DAOXIAN_MEIHUA, None), "request", stage.clock())
    browser = signed_in(stage)
    answer = browser.get(PATH)
    assert answer.headers["Content-Disposition"] == 'attachment; filename="bangfu-all.xlsx"'
    assert answer.headers["Cache-Control"] == "no-store"
    head, first, *_, last = table = table_of(answer.data)
    assert head == ("什么", "几号", "要做的", "哪天前", "过了没有", "归谁", "地方")
    place = "湖南省永州市道县梅花镇"
    assert first == ("认证", 1000, "上门走访", in_china("2026-11-28"), "过了", "您", place)
    assert last == ("求物", 7, "看求物", in_china("2026-12-02"), "", "您", place)
    assert len(table) == 62
    assert len(table_of(browser.get(f"{PATH}?kind=request").data)) == 2
    who = (f"staff:{officer}", "read_sensitive", "desk_list")
    assert events(stage, "read_sensitive") == [(*who, "exported all 61"), (*who, "exported request 1")]


def test_it_stops_at_its_most_rows(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(export, "MOST_ROWS", 5)
    stage.appoint(OFFICER, "village")
    _tasks(stage, 9)
    assert len(table_of(signed_in(stage).get(PATH).data)) == 6


def test_only_who_is_signed_in_gets_it_and_who_asks_ahead_does_not(stage: Stage) -> None:
    stage.appoint(OFFICER, "village")
    browser = signed_in(stage)
    assert Browser(stage).get(PATH).status_code == 403
    assert browser.client.head(PATH).status_code == 405
    assert browser.client.get(PATH, headers={"Purpose": "prefetch"}).status_code == 503
    assert events(stage, "read_sensitive") == []


@given(st.lists(st.tuples(DANGEROUS, st.text(st.characters(codec="utf-8"), max_size=20)), min_size=1, max_size=4))
@example([("=", 'cmd|" /C calc"!A0'), ("@", "SUM(1+1)"), ("-", "2+3"), ("+", "1")])
def test_a_text_is_never_a_formula(texts: Sequence[tuple[str, str]]) -> None:
    written = [begin + rest for begin, rest in texts]
    file = b"".join(spreadsheet(["="] * len(written), [written], [9] * len(written)))
    with zipfile.ZipFile(io.BytesIO(file)) as parts:
        sheet = parts.read("xl/worksheets/sheet1.xml").decode()
    assert "<f>" not in sheet
    assert "hyperlink" not in sheet
    assert sheet.count('t="inlineStr"') + sheet.count('t="s"') == 2 * len(written)
    book = load_workbook(io.BytesIO(file))
    assert {cell.data_type for row in book.worksheets[0].iter_rows() for cell in row} == {"s"}


@pytest.mark.parametrize("read", ["all", "some", "none"])
def test_nothing_stays_on_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, read: str) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    pieces = spreadsheet(["a"], [["x"], [datetime(2026, 1, 1, tzinfo=UTC)]], [9])
    if read != "none":
        next(pieces)
        assert list(tmp_path.iterdir())
    if read == "all":
        assert list(pieces) == []
    pieces.close()
    assert list(tmp_path.iterdir()) == []


def test_a_failure_while_it_is_written_leaves_nothing_either(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with pytest.raises(ZeroDivisionError):
        next(spreadsheet(["a"], ([1 // n] for n in (1, 0)), [9]))
    assert list(tmp_path.iterdir()) == []
