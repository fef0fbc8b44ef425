"""撤回, 送完了, 下架 and the like find what is meant among everything of the person's."""

from sqlalchemy import select

from models.goods.exchange import GoodsRequest, Offer
from tests.scenes.goods import Village
from tests.scenes.goods import village as village


def states(village: Village, table: type[Offer] | type[GoodsRequest]) -> list[str]:
    with village.session() as db:
        return list(db.scalars(select(table.state).order_by(table.id)))


def test_a_long_list_goes_on_over_the_page_and_each_line_is_one_tap(village: Village) -> None:
    village.donor("qin")
    for serial in range(9):
        village.give("qin", f"新棉被{serial}", told=False)
    first = village.stage.say("o-qin", "送完了")
    assert "1 新棉被8（送物 9 号）：等人要" in first
    assert "8 看后面的" in first
    second = village.stage.say("o-qin", "8")
    assert "1 新棉被1（送物 2 号）" in second
    assert "2 新棉被0（送物 1 号）" in second
    village.stage.say("o-qin", "2")
    assert states(village, Offer) == ["exhausted", *["available"] * 8]


def test_a_page_that_is_no_longer_there_begins_anew(village: Village) -> None:
    village.donor("qin")
    for serial in range(8):
        village.give("qin", f"新棉被{serial}", told=False)
    village.stage.say("o-qin", "撤回")
    with village.session() as db:
        for offer in db.scalars(select(Offer).where(Offer.id > 2)):
            offer.state = "withdrawn"
    assert "2 新棉被0（送物 1 号）" in village.stage.say("o-qin", "8")


def test_another_persons_things_are_never_among_them(village: Village) -> None:
    village.ask(village.resident("wang"), told=False)
    village.give(village.donor("qin"), told=False)
    for words in ("撤回", "改", "下架", "收到了", "送完了", "卖完了"):
        assert "棉被" not in village.stage.say("o-li", words)
        assert "厚被子" not in village.stage.say("o-qin", words)
    for words in ("撤回 求物1", "改 求物1", "收到了 求物1", "下架 求物1", "送完了 求物1"):
        assert "没有 1 号求物" in village.stage.say("o-qin", words)
    assert states(village, GoodsRequest) == ["open"]


def test_an_officers_bare_number_is_of_one_kind_alone(village: Village) -> None:
    """下架 1 of an officer who gave something themselves does not offer to end their own."""
    village.stage.appoint("o-zhou", "village")
    village.people["zhou"] = village.stage.register("o-zhou", "donor")
    village.give("zhou", told=False)
    assert "集市上没有 1 号" in village.stage.say("o-zhou", "下架 1")
    assert states(village, Offer) == ["available"]
    village.stage.say("o-zhou", "下架 送物1")
    assert states(village, Offer) == ["withdrawn"]
