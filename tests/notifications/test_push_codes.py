"""What WeChat answers to a push, code by code, and answers that never come: what becomes of the notice."""

from datetime import time

import pytest

from bot.simulator.templates import BROKEN
from models.notifications.channel_pause import ChannelPause
from models.people.conversation import Conversation
from tests.harness.platform.push_office import Office, Open
from tests.harness.platform.push_office import office as office
from tests.harness.platform.push_office import open_office as open_office
from tests.harness.platform.wechat import ACCOUNT
from tests.notifications.push_answers import SERVICE, SUBSCRIPTION, TEMPLATE, refuse, sends, talking

# The next channel


@pytest.mark.parametrize("code", [45015, 45047])
def test_a_window_that_wechat_knows_to_be_closed(office: Office, code: int) -> None:
    aunt = talking(office)
    refuse(office, code, times=1)
    first, second = office.notify(aunt), office.notify(aunt)
    office.deliver()
    assert office.went(first) == office.went(second) == ("sent", "template", f"refused_{code}")
    assert office.left(aunt, "message") is None
    assert office.shown("oAunt", "msgmenu") == []


def test_a_consent_that_wechat_does_not_know(open_office: Open) -> None:
    office = open_office(templates=False, subscriptions=True)
    aunt = office.person("oAunt")
    office.wechat.answer_popup("oAunt", {"s-progress": True})
    refuse(office, 43101, SUBSCRIPTION)
    office.move(minutes=11)
    notice = office.notify(aunt)
    office.deliver()
    assert office.went(notice) == ("waiting", "subscription", "window_closed+no_template+refused_43101")
    assert office.consents(aunt, "s-progress") == 0


@pytest.mark.parametrize("code", [47003, 45002, 99999])
def test_what_wechat_finds_wrong_with_the_message(office: Office, code: int) -> None:
    aunt = talking(office)
    refuse(office, code)
    notice = office.notify(aunt)
    office.deliver()
    assert office.went(notice) == ("sent", "template", f"refused_{code}")
    assert (sends(office, SERVICE), office.left(aunt, "message")) == (1, 5)


def test_words_that_do_not_fit_the_card_are_not_sent(office: Office) -> None:
    aunt = office.person("oAunt")
    notice = office.notify(aunt, "card_bound", work_no="", on=7)
    office.deliver()
    assert office.row(notice).state in {"waiting", "sent"}
    broken = office.notify(aunt, "milestone", raised_fen="many")
    office.deliver()
    assert office.went(broken) == ("waiting", "template", "window_closed+bad_field+no_subscription")
    assert sends(office, TEMPLATE) == 2


# The person


@pytest.mark.parametrize("code", [40003, 43019, 48002])
def test_a_person_who_cannot_be_written_to_is_left_alone_until_they_act(office: Office, code: int) -> None:
    aunt = talking(office)
    refuse(office, code, times=1)
    first = office.notify(aunt)
    office.deliver()
    second = office.notify(aunt)
    office.deliver()
    assert office.went(first) == ("waiting", "service", f"refused_{code}")
    assert office.went(second) == ("waiting", None, f"refused_{code}")
    assert office.one(Conversation, aunt).refused_code == code
    assert sends(office, SERVICE) == 1
    office.wechat.send_text("oAunt", "你好")
    third = office.notify(aunt)
    office.deliver()
    assert office.went(third)[:2] == ("sent", "service")


def test_whoever_turns_out_not_to_follow_may_still_have_consented(open_office: Open) -> None:
    office = open_office(subscriptions=True)
    aunt = office.person("oAunt")
    office.wechat.answer_popup("oAunt", {"s-progress": True})
    office.move(minutes=11)
    refuse(office, 43004, TEMPLATE)
    notice = office.notify(aunt)
    office.deliver()
    assert office.went(notice)[:2] == ("sent", "subscription")
    assert office.one(Conversation, aunt).refused_code == 43004


def test_a_block_that_is_reported_later_counts_as_well(office: Office) -> None:
    aunt = office.person("oAunt")
    office.wechat.people.refuse("oAunt", True)
    notice = office.notify(aunt)
    office.deliver()
    assert office.went(notice)[0] == "sent"
    office.move(seconds=3)
    assert office.went(notice) == ("waiting", "template", "template_failed")
    assert office.one(Conversation, aunt).refused_code == 48002


def test_a_failure_that_is_reported_later(office: Office) -> None:
    aunt = office.person("oAunt")
    office.wechat.templates.expect(BROKEN)
    notice = office.notify(aunt)
    office.deliver()
    office.move(seconds=3)
    assert office.went(notice) == ("waiting", "template", "template_failed")
    assert office.one(Conversation, aunt).refused_code is None


# Quotas and the account's set-up


def test_a_days_quota_stops_the_channel_until_midnight_in_china(office: Office) -> None:
    aunt = talking(office)
    office.wechat.quotas.limits["custom_send"] = 1
    notices = [office.notify(aunt) for _ in range(2)]
    office.deliver()
    third = office.notify(aunt)
    office.deliver()
    assert [office.went(notice)[1:] for notice in notices] == [("service", ""), ("template", "quota_45009")]
    assert office.went(third) == ("sent", "template", "stopped_45009")
    assert sends(office, SERVICE) == 2
    assert office.left(aunt, "message") == 4
    office.at(time(23, 59))
    office.wechat.send_text("oAunt", "你好")
    before = office.notify(aunt)
    office.deliver()
    office.move(minutes=1)
    after = office.notify(aunt)
    office.deliver()
    assert [office.went(notice)[1] for notice in (before, after)] == ["template", "service"]


def test_too_many_calls_in_a_minute_wait_for_the_next(office: Office) -> None:
    aunt = talking(office)
    refuse(office, 45011, times=1)
    first = office.notify(aunt)
    office.deliver()
    second = office.notify(aunt)
    office.deliver()
    assert office.went(first) == ("owed", "service", "rate_45011")
    assert office.went(second)[::2] == ("owed", "rate_45011")
    office.move(minutes=1, seconds=1)
    office.deliver()
    assert office.went(first)[:2] == office.went(second)[:2] == ("sent", "service")
    assert office.left(aunt, "message") == 3


@pytest.mark.parametrize(("code", "stopped"), [(48001, "service"), (40164, "service"), (61004, "service")])
def test_what_the_account_may_not_do_is_left_for_an_hour(office: Office, code: int, stopped: str) -> None:
    aunt = talking(office)
    refuse(office, code, times=1)
    first, second = office.notify(aunt), office.notify(aunt)
    office.deliver(first)
    office.deliver(second)
    assert office.went(first)[1:] == ("template", f"stopped_{code}")
    assert office.went(second)[1:] == ("template", f"stopped_{code}")
    assert office.one(ChannelPause, (ACCOUNT, stopped)).code == code
    office.move(hours=1)
    third = office.notify(aunt)
    office.deliver()
    assert office.went(third)[1] == "service"


def test_a_template_that_there_is_not_stops_that_card_alone(office: Office) -> None:
    aunt = office.person("oAunt")
    office.wechat.templates.remove("t-progress")
    notice, other = office.notify(aunt), office.notify(aunt, "ordered")
    office.deliver()
    assert office.went(notice) == ("waiting", "template", "window_closed+stopped_40037+no_subscription")
    assert office.went(other)[:2] == ("sent", "template")


def test_dead_tokens_are_the_clients_business_unless_they_last(office: Office) -> None:
    aunt = talking(office)
    refuse(office, 40001, times=1)
    first = office.notify(aunt)
    office.deliver()
    assert office.went(first)[:2] == ("sent", "service")
    refuse(office, 42001)
    second = office.notify(aunt)
    office.deliver()
    assert office.went(second) == ("owed", "service", "token_42001")
    assert office.left(aunt, "message") == 4
