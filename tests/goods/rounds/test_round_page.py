"""Everybody can read how a round shared goods out and compute it again, and nobody learns whose row is whose."""

import json
from typing import Any

import pytest

from models.goods.exchange import GoodsRequest, NoSuchThing
from models.goods.rounds.rule import hash_of, lot_of
from models.goods.rounds.why import public_round, why_of
from tests.harness.pages.examining import examining, in_a_browser
from tests.scenes.handover import Handover
from tests.scenes.handover import handover as handover
from tests.scenes.rounds import DAY, rows, sweep


@pytest.fixture
def drawn(handover: Handover) -> Handover:
    """Three households asked at three times, and a fourth has no point."""
    handover.open_point()
    for name in ("wang", "li", "zhao"):
        handover.ask(handover.resident(name))
        handover.stage.clock.move(3 * DAY)
    handover.ask(handover.resident("far", "430524101000"))
    handover.give(handover.donor("qin"))
    sweep(handover, after=DAY)
    return handover


def page(scene: Handover, path: str, status: int = 200) -> str:
    answer = scene.stage.client.get(path)
    assert answer.status_code == status
    return answer.get_data(as_text=True)


def pages_of(scene: Handover, number: int) -> list[dict[str, Any]]:
    """The round's pages as a program reads them."""
    found, after = [], 0
    while after is not None:
        found.append(json.loads(page(scene, f"/goods/rounds/{number}/json?after={after}")))
        after = found[-1]["after"]
    return found


def test_the_order_is_computed_again_from_the_data(drawn: Handover, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(public_round, "__defaults__", (0, 2))
    pages = pages_of(drawn, 1)
    assert len(pages) == 2
    whole = [row for each in pages for row in each["rows"]]
    seed = pages[0]["seed"]
    assert hash_of(seed) == pages[0]["seed_hash"]
    for row in whole:
        assert row["score"] == row["need"] + row["waited"] + row["due"] + row["near"] - row["helped"]
        assert row["lot"] == lot_of(seed, row["key"])
    assert whole == sorted(whole, key=lambda row: (-row["score"], row["tie"], row["lot"], row["key"]))
    assert [row["place"] for row in whole] == [1, 2, 3]
    assert (pages[0]["candidates"], pages[0]["barred"], pages[0]["there"]) == (3, 1, 9)
    assert sum(row["given"] for row in whole) == 6


def test_a_row_says_nothing_of_whose_it_is(drawn: Handover) -> None:
    [data] = pages_of(drawn, 1)
    names = {"place", "key", "need", "waited", "due", "helped", "near", "score", "tie", "lot", "given"}
    assert all(set(row) == names for row in data["rows"])
    shown = page(drawn, "/goods/rounds/1")
    for word in ("梅花", "隆回", "王秀兰", "求物 ", "no_point", "厚被子"):
        assert word not in shown
    assert "3 户人家排队，另有 1 户不能参加" in shown


def test_the_seed_is_published_after_the_draw_alone(handover: Handover) -> None:
    handover.open_point()
    handover.ask(handover.resident("wang"))
    handover.give(handover.donor("qin"))
    [data] = pages_of(handover, 1)
    assert (data["seed"], data["rows"]) == (None, [])
    assert "还在等人家报名" in page(handover, "/goods/rounds/1")


@pytest.mark.parametrize("number", ["2", "0", "x", "9" * 30])
def test_there_is_no_page_of_a_round_that_is_none(drawn: Handover, number: str) -> None:
    assert "没有这一轮" in page(drawn, f"/goods/rounds/{number}", 404)
    page(drawn, f"/goods/rounds/{number}/json", 404)


# --- What its own household reads


def test_a_household_reads_where_it_stood_and_why(drawn: Handover) -> None:
    with drawn.session() as db:
        own = why_of(db, 3, drawn.people["zhao"])
        assert own is not None
        assert (own.place, own.of, own.waited, own.given, own.served) == (3, 3, 4, 2, 3)
        with pytest.raises(NoSuchThing):
            why_of(db, 3, drawn.people["wang"])
    answer = _choose(drawn, "o-zhao", "看我家排第几")
    assert "您排第 3：等了 4 天" in answer
    assert rows(drawn)[2].key in answer


def test_a_household_that_could_get_nothing_reads_what_stood_in_its_way(drawn: Handover) -> None:
    assert "您家附近现在还没有取货点" in _choose(drawn, "o-far", "看我家排第几")


def test_before_its_first_round_it_reads_that_its_days_count(handover: Handover) -> None:
    handover.ask(handover.resident("wang"))
    assert "还没轮到排队" in _choose(handover, "o-wang", "看我家排第几")


# --- What officers read


def test_the_county_reads_the_requests_and_why_some_got_nothing(drawn: Handover) -> None:
    drawn.stage.appoint("o-county", "county", "431124000000")
    answer = _choose(drawn, "o-county", "看这样东西是怎么分的", "看 送物1")
    assert "排第 1：求物 1 号" in answer
    assert "求物 4 号，不能参加（没有取货点）" in answer


def _choose(scene: Handover, openid: str, label: str, words: str = "") -> str:
    """Say the number of the line that has this label, on the thing's page."""
    shown = scene.stage.say(openid, words or f"看 求物{_request(scene, openid)}")
    if label not in shown:
        shown = scene.stage.say(openid, words or f"看 求物{_request(scene, openid)}")
    [line] = [line for line in shown.splitlines() if label in line]
    return scene.stage.say(openid, line.split()[0])


def _request(scene: Handover, openid: str) -> int:
    with scene.session() as db:
        mine = scene.people[openid.removeprefix("o-")]
        return db.query(GoodsRequest).filter(GoodsRequest.owner_id == mine).one().id


@in_a_browser
def test_the_page_is_for_everybody(drawn: Handover) -> None:
    with examining(drawn.stage) as examine:
        examine("/goods/rounds/1", "goods/round")
        examine("/goods/rounds/2", "goods/round_gone", status=404)
