"""The page to pay at: who may see it, what it has done at the platform, and what it says came of it."""

from collections.abc import Callable, Iterator

import pytest

from models.pledge import Pledge
from tests.collecting import DONOR, Collecting, collecting, link_in
from tests.giving import donor_of


@pytest.fixture
def stage(new_database: Callable[[str], str], redis_url: str) -> Iterator[Collecting]:
    with collecting(new_database("sqlite"), redis_url) as stage:
        yield stage


def test_a_donor_pledges_in_the_chat_and_pays_at_the_link(stage: Collecting) -> None:
    appeal = stage.open_appeal()
    donor_of(stage, DONOR)
    stage.say(DONOR, f"捐 {appeal} 100")
    stage.say(DONOR, "2")
    link = link_in(stage.say(DONOR, "确认"))
    browser = stage.visit(DONOR)
    page = browser.get(link, timeout=10)
    assert page.status_code == 200
    assert page.url.partition("#")[0] == link  # no code stays in the address
    assert "苗寨修路" in page.text
    assert "¥100" in page.text
    sheet = stage.order(browser, link)["sheet"]
    stage.simulator.pay.pay(DONOR, sheet["package"].removeprefix("prepay_id="), "123456")
    assert stage.ask(browser, link) == "paid"
    (order,) = stage.orders()
    assert (stage.state(Pledge, order.pledge_id), order.state) == ("committed", "paid")
    assert "付好了" in stage.say(DONOR, "我的捐赠")
