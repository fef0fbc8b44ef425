"""Pushes of which nobody knows whether they arrived, workers that die with them, and several workers at once."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from bot.push.claiming import take
from bot.push.pace import Counts
from bot.push.verdict import MOST_TRIES
from bot.simulator.faults import Fault, Kind
from models.notifications.outbox import CLAIM_LASTS, find_lost
from tests.harness.platform.push_office import Office, Open
from tests.harness.platform.push_office import office as office
from tests.harness.platform.push_office import open_office as open_office
from tests.notifications.push_answers import SERVICE, TEMPLATE, refuse, sends, talking


@pytest.mark.parametrize(
    "fault", [Fault(Kind.LOST, times=1, where=SERVICE), Fault(Kind.REFUSE, times=1, where=SERVICE)]
)
def test_a_customer_service_message_is_never_sent_again_blindly(office: Office, fault: Fault) -> None:
    aunt = talking(office)
    office.wechat.faults.add(fault)
    notice = office.tell(aunt)
    office.deliver()
    office.move(hours=1)
    office.deliver()
    assert office.went(notice) == ("waiting", "service", "outcome_unknown")
    assert sends(office, SERVICE) == 1
    assert len(office.shown("oAunt", "msgmenu")) == (fault.kind is Kind.LOST)
    assert office.left(aunt, "message") == 4


def test_a_lost_answer_to_a_template_is_asked_for_again_and_arrives_once(office: Office) -> None:
    aunt = office.person("oAunt")
    office.wechat.faults.add(Fault(Kind.LOST, times=2, where=TEMPLATE))
    notice = office.tell(aunt)
    office.deliver()
    assert office.went(notice)[::2] == ("owed", "window_closed+repeated")
    office.wechat.send_text("oAunt", "注册")  # a better channel now, which it must not go by
    for _ in range(2):
        office.move(seconds=31)
        office.deliver()
    assert len(office.shown("oAunt", "template")) == 1
    assert office.row(notice).state in {"sent", "delivered", "read"}


def test_a_template_is_repeated_only_as_long_as_wechat_remembers(office: Office) -> None:
    aunt = office.person("oAunt")
    office.wechat.faults.add(Fault(Kind.DOWN, where=TEMPLATE))
    notice = office.tell(aunt)
    for _ in range(20):
        office.deliver()
        office.move(minutes=1)
    assert office.went(notice)[::2] == ("waiting", "outcome_unknown")
    assert office.shown("oAunt", "template") == []
    assert office.row(notice).tries < MOST_TRIES


def test_a_busy_wechat_is_asked_again_under_the_same_number(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.wechat.policy.BUSY_PAUSES", ())
    aunt = office.person("oAunt")
    refuse(office, -1, TEMPLATE, times=1)
    notice = office.tell(aunt)
    office.deliver()
    assert office.went(notice)[::2] == ("owed", "window_closed+busy")
    office.move(seconds=16)
    office.deliver()
    assert office.went(notice)[::2] == ("sent", "repeated")


def test_a_number_that_came_too_soon_is_tried_again_under_the_same(office: Office) -> None:
    """45066: WeChat is still at the first one, which may arrive yet."""
    aunt = office.person("oAunt")
    refuse(office, 45066, TEMPLATE, times=1)
    notice = office.tell(aunt)
    office.deliver()
    first = office.row(notice)
    assert office.went(notice)[::2] == ("owed", "window_closed+rate_45066")
    office.move(seconds=31)
    office.deliver()
    assert office.went(notice)[:2] == ("sent", "template")
    assert first.attempted_at is not None
    assert len(office.shown("oAunt", "template")) == 1


def test_what_certainly_was_not_sent_is_owed_again_and_costs_nothing(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    aunt = talking(office)
    notice = office.tell(aunt)
    nowhere = office.another(url="http://127.0.0.1:9")
    for tries in range(1, MOST_TRIES + 1):
        nowhere.deliver([notice])
        assert office.left(aunt, "message") == 5
        row = office.row(notice)
        if tries < MOST_TRIES:
            assert (row.state, row.reason) == ("owed", "unreachable")
            assert row.due_at > office.now()
            office.move(seconds=(row.due_at - office.now()).total_seconds() + 1)
    nowhere.close()
    assert office.went(notice) == ("waiting", "service", "unreachable")


def test_a_killed_workers_claims_come_back(office: Office) -> None:
    """Claimed, and never heard of again: a template is sent again under its number, anything else waits."""
    aunt, uncle = office.person("oAunt"), office.person("oUncle")
    office.wechat.send_text("oUncle", "你好")
    by_template, by_service = office.tell(aunt), office.tell(uncle)
    die_after_claiming(office, by_template, by_service)
    assert [office.row(notice).state for notice in (by_template, by_service)] == ["sending", "sending"]
    office.move(seconds=CLAIM_LASTS.total_seconds() + 1)
    with office.session() as db:
        assert find_lost(db, office.now()) == 2
    assert office.went(by_service) == ("waiting", "service", "outcome_unknown")
    office.deliver()
    assert office.went(by_template)[:2] == ("sent", "template")


def test_what_was_not_begun_in_time_is_owed_again_and_costs_nothing(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A send that begins late could still arrive when its claim is already taken for lost."""
    aunt = talking(office)
    notice = office.tell(aunt)
    monkeypatch.setattr("bot.push.deliver.BEGUN_WITHIN", 0.0)
    office.deliver()
    assert office.went(notice) == ("owed", "service", "not_begun")
    assert (office.shown("oAunt", "msgmenu"), office.left(aunt, "message")) == ([], 5)
    monkeypatch.undo()
    office.deliver()
    assert office.went(notice)[:2] == ("sent", "service")


def die_after_claiming(office: Office, *ids: int) -> None:
    """A worker of which nothing is heard again."""
    with office.session() as db:
        assert len(take(db, ids, office.cards, {}, office.now())) == len(ids)


# Several at once


def test_many_workers_at_once_send_each_notice_once(new_database: Any, redis_flushed: str, run_simulator: Any) -> None:
    office = Office(new_database(), redis_flushed, run_simulator)
    people = [office.person(f"o{number}") for number in range(12)]
    for number in range(0, 12, 2):
        office.wechat.send_text(f"o{number}", "你好")
    ids = [office.tell(person) for person in people for _ in range(7)]
    workers = [office.another() for _ in range(4)]
    with ThreadPoolExecutor(4) as pool:
        done = list(pool.map(lambda worker: worker.deliver(ids), workers))
    assert sum(done) == len(ids)
    assert {office.row(notice).state for notice in ids} == {"sent"}
    shown = [entry for number in range(12) for entry in office.shown(f"o{number}", "msgmenu", "template")]
    assert len(shown) == len(ids)
    assert set(Counts(office.redis).read()) == {"service:0", "template:0"}
    for worker in workers:
        worker.close()
    office.close()


def test_a_fan_out_keeps_to_the_pace(open_office: Open) -> None:
    office = open_office(per_minute=40)
    people = [office.person(f"o{number}") for number in range(30)]
    ids = [office.tell(person) for person in people]
    waited: list[float] = []
    office.another(sleep=waited.append).deliver(ids)
    assert sum(office.row(notice).state == "sent" for notice in ids) == 30
    late = [office.tell(person) for person in people]
    office.another(sleep=waited.append).deliver(late)
    states = [office.went(notice)[::2] for notice in late]
    assert states.count(("sent", "window_closed")) <= 10
    assert set(states) <= {("sent", "window_closed"), ("owed", "window_closed+not_begun")}
    assert sum(waited) > 15


def test_an_earlier_claim_is_not_taken_over(office: Office) -> None:
    aunt = office.person("oAunt")
    notice = office.tell(aunt)
    die_after_claiming(office, notice)
    office.deliver(notice)
    assert office.row(notice).state == "sending"
    assert office.shown("oAunt", "template") == []
