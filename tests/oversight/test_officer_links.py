"""Links to pictures and cards open for the member of staff they were made for, and for nobody to whom they are sent.

WeChat says who opens them: each browser here is one inside WeChat, beside a whole simulator.
"""

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import requests
from sqlalchemy import select
from sqlalchemy.orm import Session as Database

from bot.simulator.faults import Fault, Kind
from models.appeals.appeal import Appeal
from models.core.audit_trail import AuditEvent
from models.people.photo import Photo
from tests.harness.drawn_pictures import jpeg, scene
from tests.harness.money.paid_stage import DONOR, OTHER, Collecting, collecting
from tests.harness.stage import Stage, id_number

OFFICER, FORWARDED_TO = DONOR, OTHER


class Office:
    """An officer with a link to the pictures of an appeal and one to a card, and a colleague of the same village."""

    def __init__(self, stage: Collecting, folder: Path) -> None:
        self.stage = stage
        self.officer = stage.appoint(OFFICER, "village")
        stage.appoint(FORWARDED_TO, "village")
        self.appeal = stage.open_appeal()
        with Database(stage.database) as db, db.begin():
            photo = Photo(subject="appeal", subject_id=self.appeal, media_id="m", pic_url="", created_at=stage.clock())
            photo.state, photo.path = "kept", "one.jpg"
            db.add(photo)
        folder.mkdir()
        (folder / "one.jpg").write_bytes(jpeg(scene(1)))

    def pictures(self) -> str:
        return self._link(f"看 {self.appeal}")

    def card(self) -> str:
        with Database(self.stage.database) as db:
            owner = db.get_one(Appeal, self.appeal).owner_id
        for words in ("代办", "3", id_number(owner + 2)):
            self.stage.say(OFFICER, words)
        return self._link("确认")

    def _link(self, words: str) -> str:
        found = re.search(r"http\S+/(?:pictures|cards)/\S+", self.stage.say(OFFICER, words))
        assert found
        return found[0]

    def visit(self, openid: str, link: str) -> requests.Response:
        return self.stage.visit(openid).get(link, timeout=60)

    def looks(self) -> list[str]:
        opened = AuditEvent.subject.in_(("appeal", "card")) & AuditEvent.detail.in_(("pictures", "proxy"))
        with Database(self.stage.database) as db:
            return list(db.scalars(select(AuditEvent.actor).where(opened, AuditEvent.action == "read_sensitive")))


@pytest.fixture
def office(new_database: Callable[[], str], redis_url: str, tmp_path: Path) -> Iterator[Office]:
    folder = tmp_path / "media"
    with collecting(new_database(), redis_url, folder) as stage:
        yield Office(stage, folder)


@pytest.mark.parametrize("kind", ["pictures", "card"])
def test_a_forwarded_link_opens_for_nobody_else(office: Office, kind: str) -> None:
    """Not for a colleague who might see the same by a link of their own, nor for whoever WeChat does not know."""
    link = getattr(office, kind)()
    forwarded = office.visit(FORWARDED_TO, link)
    assert forwarded.status_code == 403
    assert "另一位工作人员" in forwarded.text
    assert "<img" not in forwarded.text
    # A preview of the link, fetched by a server, is sent to WeChat and comes to nothing.
    nobody = requests.get(link, timeout=60, allow_redirects=False)
    assert nobody.status_code == 302
    assert nobody.headers["Location"].startswith(f"{office.stage.wechat_url}/connect/oauth2/authorize")
    assert office.looks() == []
    own = office.visit(OFFICER, link)
    assert own.status_code == 200
    assert own.url.partition("#")[0] == link
    assert office.looks() == [f"staff:{office.officer}"]


def test_a_picture_s_own_address_opens_for_nobody_else_either(office: Office) -> None:
    browser, link = office.stage.visit(OFFICER), office.pictures()
    found = re.search(r'<img src="([^"]+)"', browser.get(link, timeout=60).text)
    assert found
    address = office.stage.bot_url + found[1]
    assert browser.get(address, timeout=60).headers["Content-Type"] == "image/jpeg"
    forwarded = office.stage.visit(FORWARDED_TO)
    forwarded.get(link, timeout=60)
    for other in (forwarded, requests.Session()):
        answer = other.get(address, timeout=60)
        assert (answer.status_code, "另一位工作人员" in answer.text) == (403, True)


@pytest.mark.parametrize("kind", ["pictures", "card"])
def test_a_made_up_person_and_an_outage_of_wechat_open_nothing(office: Office, kind: str) -> None:
    link, oauth = getattr(office, kind)(), office.stage.simulator.oauth
    oauth.show_snapshots(OFFICER, True)
    assert "使用完整服务" in office.visit(OFFICER, link).text
    oauth.show_snapshots(OFFICER, False)
    fault = office.stage.simulator.faults.add(Fault(Kind.DOWN, where="/sns/oauth2/access_token"))
    away = office.visit(OFFICER, link)
    assert (away.status_code, "微信那边没有回应" in away.text) == (503, True)
    office.stage.simulator.faults.lift(fault)
    assert office.looks() == []
    assert office.visit(OFFICER, link).status_code == 200


def test_a_link_opens_without_money_collected_too(new_database: Callable[[], str]) -> None:
    """WeChat is asked who it is also where PAY_MODE is off."""
    stage = Stage(new_database())
    stage.appoint("o-zhou", "village")
    appeal = stage.open_appeal()
    with Database(stage.database) as db, db.begin():
        photo = Photo(subject="appeal", subject_id=appeal, media_id="m", pic_url="", created_at=stage.clock())
        photo.state = "kept"
        db.add(photo)
    found = re.search(r"/pictures/\S+", stage.say("o-zhou", f"看 {appeal}"))
    assert found
    assert stage.client.get(found[0]).status_code == 302
    assert stage.browse("o-zhou", found[0]).status_code == 200
    stage.close()
