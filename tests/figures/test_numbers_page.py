"""The public pages of figures: what they show, what they hide, and that the files say the same."""

import csv
import json
from io import StringIO

from sqlalchemy.orm import Session as Database

from models.figures.delta import COUNTED
from models.figures.report import ALL, REST, read_report
from models.places.region import COUNTRY
from tests.harness.pages.examining import examining, in_a_browser
from tests.harness.stage import Stage
from tests.scenes.registrations import register_many

HUNAN, DAOXIAN = "430000000000", "431124000000"
MEIHUA, QINGTANG = "431124101000", "431124104000"


def shown(stage: Stage, code: str) -> dict[tuple[str, str], int | None]:
    """(region, month) -> residents registered there, as the file says."""
    answer = stage.client.get(f"/numbers/{code}.json")
    assert answer.status_code == 200
    rows = json.loads(answer.data)["rows"]
    return {(row["region"], row["month"]): row["amount"] for row in rows if row["figure"] == "registered_resident"}


def test_a_small_count_is_hidden_and_so_is_what_it_could_be_subtracted_from(stage: Stage) -> None:
    register_many(
        stage, r431124101000_202601=40, r431124104000_202601=4, r431124104000_202602=30, r431124101000_202602=50
    )
    found = shown(stage, DAOXIAN)
    assert found[DAOXIAN, ALL] == 124
    assert found[DAOXIAN, "2026-01"] == 44
    assert found[QINGTANG, "2026-01"] is None
    assert found[MEIHUA, "2026-01"] is None, "or 44 - 40 would tell"
    page = stage.client.get(f"/numbers/{DAOXIAN}").get_data(as_text=True)
    assert "不公布" in page
    assert "道县" in page


def test_a_village_hides_what_the_page_of_its_township_hides(stage: Stage) -> None:
    register_many(
        stage, r431124101000_202601=40, r431124104000_202601=4, r431124104000_202602=30, r431124101000_202602=50
    )
    assert shown(stage, MEIHUA)[MEIHUA, "2026-01"] is None
    assert shown(stage, COUNTRY)[COUNTRY, ALL] == 124


def test_what_belongs_to_no_region_below_has_a_row_of_its_own(stage: Stage) -> None:
    register_many(stage, r431124101000_202601=40, r431124000000_202601=20)
    assert shown(stage, DAOXIAN)[REST, ALL] == 20
    assert "没写到下一级的" in stage.client.get(f"/numbers/{DAOXIAN}").get_data(as_text=True)


def test_the_files_say_what_the_page_is_made_of(stage: Stage) -> None:
    register_many(stage, r431124101000_202601=40)
    answer = stage.client.get(f"/numbers/{DAOXIAN}.csv")
    rows = list(csv.DictReader(StringIO(answer.get_data(as_text=True).removeprefix("\ufeff"))))
    mine = next(
        row for row in rows if (row["figure"], row["month"], row["region"]) == ("registered_resident", ALL, DAOXIAN)
    )
    assert (mine["amount"], mine["hidden"]) == ("40", "0")
    assert all((row["amount"] == "") == (row["hidden"] == "1") for row in rows)
    assert answer.headers["Cache-Control"].startswith("public")
    with Database(stage.database) as db:
        report = read_report(db, DAOXIAN)
    assert all(report.tables[figure].shown() is None for figure in COUNTED if figure != "registered_resident")


def test_a_page_is_new_as_soon_as_something_is_counted(stage: Stage) -> None:
    register_many(stage, r431124101000_202601=40)
    assert shown(stage, COUNTRY)[COUNTRY, ALL] == 40
    register_many(stage, r431124101000_202602=10)
    assert shown(stage, COUNTRY)[COUNTRY, ALL] == 50


def test_pages_are_public_and_an_unknown_region_is_a_page_too(stage: Stage) -> None:
    for path in ("/numbers", f"/numbers/{COUNTRY}", f"/numbers/{HUNAN}"):
        answer = stage.client.get(path)
        assert answer.status_code == 200, path
        assert "max-age" in answer.headers["Cache-Control"]
        assert "X-Robots-Tag" not in answer.headers
        assert "<script" not in answer.get_data(as_text=True), "where there is nothing to draw"
    for path in ("/numbers/999999999999", "/numbers/hunan", "/numbers/431124000000.exe"):
        answer = stage.client.get(path)
        assert answer.status_code == 404, path
        assert "没有这个地方" in answer.get_data(as_text=True)


@in_a_browser
def test_the_pages_are_for_everybody(stage: Stage) -> None:
    register_many(
        stage, r431124101000_202601=40, r431124104000_202601=4, r431124104000_202602=30, r431124101000_202602=50
    )
    with examining(stage) as examine:
        examine(f"/numbers/{DAOXIAN}", "figures/numbers", apart=("/scripts/echarts-",))
        examine("/numbers/1", "figures/no_region", status=404)
