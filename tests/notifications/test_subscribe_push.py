"""From a yes to the notice: what waited for a consent goes out by it, and by it alone."""

from collections.abc import Callable, Iterator

import pytest

from tests.harness.platform.push_office import Office
from tests.harness.simulator.in_process import RunningSimulator

MONEY = "s-money"


@pytest.fixture
def office(database_url: str, redis_flushed: str, run_simulator: Callable[..., RunningSimulator]) -> Iterator[Office]:
    office = Office(database_url, redis_flushed, run_simulator, templates=False, subscriptions=True)
    yield office
    office.close()


def test_what_waited_goes_out_by_the_consent_that_it_got(office: Office) -> None:
    aunt = office.person("oAunt")
    notice = office.notify(aunt, "card_bound")
    office.deliver()
    state, channel, reason = office.went(notice)
    assert (state, channel, "no_consent" in reason) == ("waiting", None, True)
    office.wechat.answer_popup("oAunt", {"s-progress": True})
    assert office.due() == [notice]
    office.deliver()
    assert office.went(notice)[1] == "subscription"
    assert (office.consents(aunt, "s-progress"), office.wechat.subscriptions.left("oAunt", "s-progress")) == (0, 0)
    office.wechat.answer_popup("oAunt", {"s-progress": True})  # for the next one
    office.deliver()
    assert len(office.shown("oAunt", "subscription")) == 1
    assert office.consents(aunt, "s-progress") == 1


def test_a_yes_to_another_template_leaves_it_waiting(office: Office) -> None:
    aunt = office.person("oAunt")
    notice = office.notify(aunt, "card_bound")
    office.deliver()
    office.wechat.answer_popup("oAunt", {MONEY: True, "s-progress": False})
    office.deliver()
    assert office.went(notice)[0] == "waiting"
    assert office.shown("oAunt", "subscription") == []
    assert office.consents(aunt, MONEY) == 1


def test_after_a_no_among_the_settings_nothing_is_tried(office: Office) -> None:
    aunt = office.person("oAunt")
    office.wechat.answer_popup("oAunt", {"s-progress": True})
    office.wechat.change_consent("oAunt", {"s-progress": False})
    notice = office.notify(aunt, "card_bound")
    office.deliver()
    assert office.went(notice)[0] == "waiting"
    assert office.wechat.quotas.used("subscribe_send")[0] == 0
