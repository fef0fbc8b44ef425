"""Pushes by the rules of WeChat's channels: which one carries a notice, what it uses up, and what is left of it."""

from datetime import UTC, datetime, time
from typing import Any

import pytest

from bot.push.sender import Attempt
from models.core.calendar import CHINA
from models.notifications.mute import mute
from models.people.conversation import Conversation
from tests.harness.platform.push_office import PUSHES, Office, Open
from tests.harness.platform.push_office import office as office
from tests.harness.platform.push_office import open_office as open_office

# Customer service


def test_five_messages_in_the_48_hours_after_a_message_and_the_sixth_as_a_template(office: Office) -> None:
    aunt = office.person("oAunt")
    office.wechat.send_text("oAunt", "你好")
    notices = [office.notify(aunt) for _ in range(6)]
    office.deliver()
    went = [office.went(notice)[:2] for notice in notices]
    assert went == [("sent", "service")] * 5 + [("sent", "template")]
    assert office.went(notices[-1])[2] == "window_closed"
    assert office.left(aunt, "message") == 0
    assert [entry["kind"] for entry in office.shown("oAunt", "msgmenu", "template")] == ["msgmenu"] * 5 + ["template"]


def test_a_window_closes_after_48_hours(office: Office) -> None:
    aunt = office.person("oAunt")
    office.wechat.send_text("oAunt", "你好")
    office.move(hours=47, minutes=59)
    early = office.notify(aunt)
    office.deliver()
    office.move(minutes=1)
    late = office.notify(aunt)
    office.deliver()
    assert [office.went(notice)[1] for notice in (early, late)] == ["service", "template"]


def click(office: Office) -> None:
    office.wechat.click("oAunt", "no-such-button")


def tap_a_line(office: Office) -> None:
    office.wechat.send_text("oAunt", "1 看看", option_id="n1-1")


def follow_again(office: Office) -> None:
    office.wechat.unfollow("oAunt")
    office.wechat.follow("oAunt")


def scan(office: Office) -> None:
    office.wechat.scan("oAunt", "poster")


@pytest.mark.parametrize("act", [click, tap_a_line, follow_again, scan])
def test_three_messages_in_the_minute_after_a_tap_a_follow_or_a_scan(office: Office, act: Any) -> None:
    aunt = office.person("oAunt")
    act(office)
    notices = [office.notify(aunt) for _ in range(4)]
    office.deliver()
    assert [office.went(notice)[1] for notice in notices] == ["service"] * 3 + ["template"]
    act(office)
    office.move(minutes=1)
    late = office.notify(aunt)
    office.deliver()
    assert office.went(late)[:2] == ("sent", "template")


def test_any_number_in_the_48_hours_after_a_payment(office: Office) -> None:
    aunt = office.person("oAunt")
    office.wechat.windows.paid("oAunt")
    office.open_window(aunt, "paid")
    notices = [office.notify(aunt) for _ in range(9)]
    office.deliver()
    assert {office.went(notice)[1] for notice in notices} == {"service"}
    assert office.left(aunt, "paid") is None


def test_what_closes_first_is_used_first(office: Office) -> None:
    aunt = office.person("oAunt")
    office.wechat.send_text("oAunt", "你好")
    click(office)
    for _ in range(4):
        office.notify(aunt)
    office.deliver()
    assert (office.left(aunt, "menu"), office.left(aunt, "message")) == (0, 4)
    assert office.wechat.windows.shown("oAunt")[0]["left"] == 4


def test_whoever_leaves_closes_all_windows(office: Office) -> None:
    aunt = office.person("oAunt")
    office.wechat.send_text("oAunt", "你好")
    office.wechat.unfollow("oAunt")
    notice = office.notify(aunt)
    office.deliver()
    assert office.left(aunt, "message") is None
    assert office.went(notice) == ("waiting", None, "window_closed+not_following+no_subscription")


# What it looks like


def test_offers_are_lines_to_tap_and_the_next_number_means_them(office: Office) -> None:
    aunt = office.person("oAunt")
    office.wechat.send_text("oAunt", "你好")
    notice = office.notify(aunt)
    office.deliver()
    [menu] = office.shown("oAunt", "msgmenu")
    assert "苗寨修路" in menu["content"]["head"]
    assert menu["content"]["options"] == [{"id": f"n{notice}-1", "content": "1 看看"}]
    assert office.row(notice).offers_at


def test_a_test_account_gets_the_numbers_as_lines(open_office: Open) -> None:
    office = open_office(test_account=True)
    aunt = office.person("oAunt")
    office.wechat.send_text("oAunt", "你好")
    first, second = office.notify(aunt), office.notify(aunt)
    office.deliver()
    texts = [entry["content"]["text"] for entry in office.shown("oAunt", "text")][-2:]
    assert [text.splitlines()[-1] for text in texts] == ["1 看看"] * 2
    assert office.went(first)[:2] == office.went(second)[:2] == ("sent", "service")
    assert office.row(first).offers_at
    assert office.left(aunt, "message") == 3


def test_whoever_is_asked_something_gets_the_words_without_numbers(office: Office) -> None:
    aunt = office.person("oAunt")
    office.wechat.send_text("oAunt", "注册")
    assert office.one(Conversation, aunt).in_flow
    notice = office.notify(aunt)
    office.deliver()
    assert office.shown("oAunt", *PUSHES)[-1]["kind"] == "text"
    assert office.went(notice)[:2] == ("sent", "service")
    assert office.row(notice).offers_at is None
    office.move(hours=13)
    later = office.notify(aunt)
    office.deliver(later)
    assert office.row(later).state == "owed"  # it is night by now
    office.at(time(8, 0))
    office.deliver()
    assert office.row(later).offers_at


class Meanwhile:
    """Sends as ever; before it comes to the uncle, the aunt has read her push and asks for the menu."""

    def __init__(self, office: Office) -> None:
        self.office, self.sender = office, office.sender()
        self.write = self.sender.write

    def send(self, attempt: Attempt) -> None:
        if attempt.notification.openid == "oUncle":
            self.office.move(seconds=2)
            self.office.wechat.send_text("oAunt", "菜单")
            self.office.move(seconds=20)
        self.sender.send(attempt)


def test_a_number_means_the_newest_reply_though_the_batch_of_the_push_ended_later(office: Office) -> None:
    notices = []
    for name in ("oAunt", "oUncle"):
        person = office.person(name)
        office.wechat.send_text(name, "你好")
        notices.append(office.notify(person))
    worker = office.another(threads=1, sender=Meanwhile(office))
    worker.deliver(notices)
    worker.close()
    assert [office.went(notice)[:2] for notice in notices] == [("sent", "service")] * 2
    assert "正在收捐款的求助" in office.wechat.send_text("oAunt", "1").reply_text
    assert "12 号" in office.wechat.send_text("oUncle", "1").reply_text


def test_the_words_of_a_card_that_says_too_little_stand_in_the_next_reply(office: Office) -> None:
    aunt = office.person("oAunt")
    notice = office.notify(aunt, "appeal_update")
    office.deliver()
    [card] = office.shown("oAunt", "template")
    assert card["content"]["title"] == "业务办理进度通知"
    assert card["content"]["fields"][0] == {"name": "事项", "value": "求助 12 号 苗寨修路"}
    row = office.row(notice)
    assert (row.state, row.channel, row.sent_at is None) == ("waiting", "template", False)
    office.move(seconds=3)
    assert office.row(notice).state == "waiting"
    assert "路基修好了" in office.wechat.send_text("oAunt", "你好").reply_text
    assert office.went(notice)[:2] == ("read", "reply")


def test_by_customer_service_the_words_were_said(office: Office) -> None:
    aunt = office.person("oAunt")
    office.wechat.send_text("oAunt", "你好")
    notice = office.notify(aunt, "appeal_update")
    office.deliver()
    assert office.went(notice)[:2] == ("sent", "service")
    assert "路基修好了" not in office.wechat.send_text("oAunt", "你好").reply_text


# Templates and subscriptions


def test_a_template_is_reported_and_closed(office: Office) -> None:
    aunt = office.person("oAunt")
    notice = office.notify(aunt)
    office.deliver()
    assert office.went(notice) == ("sent", "template", "window_closed")
    office.move(seconds=3)
    assert office.went(notice)[0] == "delivered"
    assert office.left(aunt, "message") is None


def test_marketing_never_goes_by_template(office: Office) -> None:
    aunt = office.person("oAunt")
    notice = office.notify(aunt, "digest")
    office.deliver()
    assert office.went(notice) == ("waiting", None, "window_closed+marketing+no_subscription")
    assert "小结" in office.wechat.send_text("oAunt", "你好").reply_text


def test_without_templates_it_waits_for_the_next_message(open_office: Open) -> None:
    office = open_office(templates=False)
    aunt = office.person("oAunt")
    notice = office.notify(aunt)
    office.deliver()
    assert office.went(notice) == ("waiting", None, "window_closed+no_template+no_subscription")
    assert "苗寨修路" in office.wechat.send_text("oAunt", "你好").reply_text
    assert office.went(notice)[:2] == ("read", "reply")


def test_one_consent_is_one_notice(open_office: Open) -> None:
    office = open_office(templates=False, subscriptions=True)
    aunt = office.person("oAunt")
    office.wechat.answer_popup("oAunt", {"s-progress": True})
    office.move(minutes=11)
    first, second = office.notify(aunt), office.notify(aunt)
    office.deliver()
    assert office.went(first) == ("sent", "subscription", "window_closed+no_template")
    assert office.went(second) == ("waiting", None, "window_closed+no_template+no_consent")
    assert office.consents(aunt, "s-progress") == 0
    office.move(seconds=3)
    assert office.went(first)[0] == "delivered"
    assert office.wechat.subscriptions.left("oAunt", "s-progress") == 0


def test_a_consent_reaches_whoever_has_left(open_office: Open) -> None:
    office = open_office(subscriptions=True)
    aunt = office.person("oAunt")
    office.wechat.answer_popup("oAunt", {"s-progress": True})
    office.wechat.unfollow("oAunt")
    notice = office.notify(aunt)
    office.deliver()
    assert office.went(notice) == ("sent", "subscription", "window_closed+not_following")


def test_a_failed_subscription_notice_waits(open_office: Open) -> None:
    office = open_office(templates=False, subscriptions=True)
    aunt = office.person("oAunt")
    office.wechat.answer_popup("oAunt", {"s-progress": True})
    office.wechat.subscriptions.expect(43101, "failed")
    notice = office.notify(aunt)
    office.deliver()
    office.move(seconds=3)
    assert office.went(notice) == ("waiting", "subscription", "subscription_failed")


# When, and whether at all


def morning(office: Office) -> datetime:
    here = office.now().astimezone(CHINA)
    return here.replace(hour=7, minute=30, second=0, microsecond=0).astimezone(UTC)


def test_at_night_it_waits_for_the_morning(office: Office) -> None:
    aunt = office.person("oAunt")
    office.at(time(22, 0))
    late = office.notify(aunt)
    office.deliver()
    assert office.went(late)[::2] == ("owed", "quiet")
    assert not office.due()
    office.at(time(6, 59))
    early = office.notify(aunt)
    office.deliver()
    assert office.row(early).due_at == office.row(late).due_at == morning(office)
    office.at(time(7, 30))
    office.deliver()
    assert [office.went(notice)[0] for notice in (late, early)] == ["sent", "sent"]


def test_what_is_urgent_goes_out_at_night_and_so_does_all_to_whoever_is_talking(office: Office) -> None:
    aunt, uncle = office.person("oAunt"), office.person("oUncle")
    office.at(time(23, 0))
    office.wechat.send_text("oUncle", "你好")
    office.move(minutes=9)
    urgent, talking = office.notify(aunt, "card_bound"), office.notify(uncle)
    office.deliver()
    assert office.went(urgent)[1] == "template"
    assert office.went(talking)[:2] == ("sent", "service")


def test_a_report_is_no_act_of_the_persons(office: Office) -> None:
    aunt = office.person("oAunt")
    office.at(time(21, 59))
    office.notify(aunt)
    office.deliver()
    office.move(minutes=2)
    later = office.notify(aunt)
    office.deliver()
    assert office.went(later)[::2] == ("owed", "quiet")


def test_nothing_goes_out_twice_or_before_it_is_due(office: Office) -> None:
    aunt = office.person("oAunt")
    notice = office.notify(aunt)
    office.deliver(notice, notice)
    office.deliver(notice)
    assert len(office.shown("oAunt", "template")) == 1


def test_to_one_person_in_the_order_in_which_it_was_owed(office: Office) -> None:
    aunt = office.person("oAunt")
    office.wechat.send_text("oAunt", "你好")
    notices = [office.notify(aunt, number=number) for number in range(20, 25)]
    office.deliver()
    heads = [entry["content"]["head"] for entry in office.shown("oAunt", "msgmenu")]
    assert [f"{number} 号" in head for number, head in zip(range(20, 25), heads, strict=True)] == [True] * len(notices)


def test_what_was_sent_is_counted_by_channel_and_code(office: Office) -> None:
    aunt = office.person("oAunt")
    office.wechat.send_text("oAunt", "你好")
    for _ in range(6):
        office.notify(aunt)
    office.deliver()
    assert office.redis.hgetall("bangfu:sent") == {b"service:0": b"5", b"template:0": b"1"}


def test_who_turned_a_topic_off_is_told_nothing_of_it(office: Office) -> None:
    aunt = office.person("oAunt")
    with office.session() as db:
        mute(db, aunt, "gifts", office.now())
    assert office.told(aunt) == []
