"""What WeChat says of one official account counts for no other: its numbers of messages, and its pauses."""

from datetime import timedelta

from models.notifications.channel_pause import pause_channel
from models.notifications.delivery_report import DeliveryReport, match_reports, record_report
from tests.harness.platform.push_office import Office
from tests.harness.platform.push_office import office as office
from tests.harness.platform.push_office import open_office as open_office
from tests.harness.platform.wechat import ACCOUNT
from tests.notifications.push_answers import talking

OTHER = "gh_another"


def test_a_report_is_of_a_message_of_its_own_account(office: Office) -> None:
    aunt = office.person("oAunt")
    notice = office.notify(aunt)
    office.deliver(notice)
    number = office.row(notice).platform_id
    assert (office.row(notice).state, bool(number)) == ("sent", True)
    with office.session() as db:
        assert record_report(db, OTHER, number or "", "failed:system", office.now()) is None
        db.flush()
        assert match_reports(db, office.now()) == 0
    assert office.row(notice).state == "sent"
    assert office.one(DeliveryReport, (OTHER, number)).status == "failed:system"
    with office.session() as db:
        assert record_report(db, ACCOUNT, number or "", "success", office.now()) == aunt
    assert office.row(notice).state == "delivered"


def test_a_report_that_came_first_waits_for_its_own_account(office: Office) -> None:
    notice = office.notify(office.person("oAunt"))
    office.deliver(notice)
    number = office.row(notice).platform_id or ""
    with office.session() as db:
        for account in (OTHER, ACCOUNT):
            db.add(DeliveryReport(account=account, platform_id=number, status="success", at=office.now()))
    with office.session() as db:
        assert match_reports(db, office.now()) == 1
    assert office.row(notice).state == "delivered"
    assert office.one(DeliveryReport, (OTHER, number)) is not None


def test_a_pause_is_of_its_own_account(office: Office) -> None:
    aunt = talking(office)
    with office.session() as db:
        pause_channel(db, OTHER, "service", 45009, office.now() + timedelta(hours=1))
    notice = office.notify(aunt)
    office.deliver(notice)
    assert office.went(notice)[:2] == ("sent", "service")
    with office.session() as db:
        pause_channel(db, ACCOUNT, "service", 45009, office.now() + timedelta(hours=1))
    notice = office.notify(aunt)
    office.deliver(notice)
    assert office.went(notice)[1:] == ("template", "stopped_45009")
