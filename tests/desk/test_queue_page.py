"""The desk's queue is the chat's: what waits for the seat, whose it is, and what is late; and nobody's data."""

from datetime import timedelta

from sqlalchemy import insert, select
from sqlalchemy.orm import Session as Database

from models.staff.task import Matter, Task, open_task
from tests.harness.stage import DAOXIAN_MEIHUA, Stage
from tests.scenes.desk import OFFICER, Browser, signed_in
from tests.scenes.seat import QINGTANG, SEAT


def _task(stage: Stage, number: int, place: str = DAOXIAN_MEIHUA, subject: str = "case", step: str = "visit") -> None:
    with Database(stage.database) as db, db.begin():
        open_task(db, Matter(subject, number, place, None), step, stage.clock())


def _lines(browser: Browser, path: str = "/desk") -> list[str]:
    page = browser.get(path).get_data(as_text=True)
    return [line for line in page.splitlines() if line.startswith("<tr><td>")]


def test_it_lists_what_the_chat_lists(stage: Stage) -> None:
    stage.appoint(OFFICER, "village")
    stage.register("o-wang", "resident")
    for number in (11, 12):
        _task(stage, number)
    _task(stage, 13, QINGTANG)
    _task(stage, 14, subject="request", step="request")
    browser = signed_in(stage)
    lines = _lines(browser)
    assert len(lines) == 3
    assert "湖南省永州市道县梅花镇" in "".join(lines)
    assert all("<td>您</td>" in line for line in lines)
    assert [len(_lines(browser, f"/desk?kind={kind}")) for kind in ("case", "request", "offer", "nonsense")] == [
        2,
        1,
        0,
        3,
    ]
    assert "认证" in browser.page
    assert "王秀兰" not in browser.page
    stage.clock.move(timedelta(minutes=30))
    assert "过了" not in browser.get().get_data(as_text=True)


def test_what_is_late_says_so(stage: Stage) -> None:
    stage.appoint(OFFICER, "village")
    _task(stage, 11)
    stage.clock.move(timedelta(days=5))
    [line] = _lines(signed_in(stage))
    assert "过了 2026年11月28日" in line


def test_tickets_stand_in_it_and_who_is_in_danger_first(stage: Stage) -> None:
    stage.appoint(OFFICER, "county", SEAT["county"])
    stage.register("o-wang", "resident")
    stage.say("o-wang", "人工")
    stage.say("o-wang", "我家的抽水机修不好了")
    stage.register("o-zhang", "resident")
    stage.say("o-zhang", "我不想活了")
    browser = signed_in(stage)
    lines = _lines(browser, "/desk?kind=ticket")
    assert "急，马上看" in lines[0]
    assert len(lines) == 2
    assert "抽水机" not in browser.page


def test_a_long_queue_goes_on_page_by_page_and_loses_nothing(stage: Stage) -> None:
    stage.appoint(OFFICER, "village")
    _task(stage, 1000)
    with Database(stage.database) as db, db.begin():
        [first] = db.execute(select(Task.__table__)).mappings()
        db.execute(insert(Task), [{**first, "id": first["id"] + n, "subject_id": 1000 + n} for n in range(1, 120)])
    browser, path = signed_in(stage), "/desk"
    seen: list[str] = []
    while path:
        seen += _lines(browser, path)
        more = [line for line in browser.page.splitlines() if ">更多</a>" in line]
        path = more[0].split('href="')[1].split('"')[0] if more else ""
    assert len(seen) == len(set(seen)) == 120


def test_a_place_that_is_none_is_the_beginning(stage: Stage) -> None:
    stage.appoint(OFFICER, "village")
    _task(stage, 11)
    browser = signed_in(stage)
    for after in ("x", "1,2,3,4", "1,2026-01-01T00:00:00,0,0", "%00"):
        assert len(_lines(browser, f"/desk?after={after}")) == 1


def test_the_figures_are_those_of_the_seats_region(stage: Stage) -> None:
    stage.appoint(OFFICER, "township")
    stage.register("o-wang", "resident")
    page = signed_in(stage).get("/desk/figures").get_data(as_text=True)
    assert "梅花镇办得怎么样" in page
    assert "<td>1 户</td>" in page
    assert "不排名次" in page
    assert stage.client.get(f"/numbers/{DAOXIAN_MEIHUA}").status_code == 200
    assert f'href="/numbers/{DAOXIAN_MEIHUA}"' in page


def test_a_charity_has_no_region_to_count(stage: Stage) -> None:
    stage.appoint(OFFICER, "fund_holder", SEAT["fund_holder"])
    browser = signed_in(stage)
    assert browser.get("/desk/figures").status_code == 303
    assert "/desk/figures" not in browser.get().get_data(as_text=True)
