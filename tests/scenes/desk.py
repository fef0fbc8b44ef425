"""Browsers at the desk, and officers who let them in from their own WeChat."""

import re

from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session as Database
from werkzeug.test import TestResponse

from models.core.audit_trail import AuditEvent
from models.desk.session import DeskSession
from tests.harness.platform import wechat
from tests.harness.stage import Stage

OFFICER, OTHER = "o-zhou", "o-liu"
EDGE = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/140.0 Safari/537.36 Edg/140.0"


class Browser:
    """A computer's browser with cookies of its own."""

    def __init__(self, stage: Stage, agent: str = EDGE, address: str = "8.8.4.4") -> None:
        self.stage = stage
        self.client: FlaskClient = stage.app.test_client()
        self.headers = {"User-Agent": agent, "X-Forwarded-For": address}
        self.page = ""

    def get(self, path: str = "/desk") -> TestResponse:
        return self._keep(self.client.get(path, headers=self.headers))

    def post(self, path: str, **form: str) -> TestResponse:
        """Send a form with the token that the page in this browser has; ``csrf`` for another."""
        form = {"csrf": self.csrf(), **form}
        return self._keep(self.client.post(path, data=form, headers=self.headers))

    def csrf(self) -> str:
        found = re.search(r'name="csrf" value="([0-9a-f]+)"', self.page)
        return found[1] if found else ""

    def ask_for_code(self) -> str:
        """Show a code; return its digits."""
        self.get()
        assert self.post("/desk/code").status_code == 200
        found = re.search(r"登录 ([0-9]{6})", self.page)
        assert found, self.page
        return found[1]

    def state(self) -> str:
        return str(self.client.get("/desk/state").json["state"])  # type: ignore[index]

    def enter(self) -> TestResponse:
        return self.post("/desk/enter")

    def is_in(self) -> bool:
        return "<h1>等您办的</h1>" in self.get().get_data(as_text=True)

    def cookie(self, name: str = "bangfu_desk") -> str:
        found = self.client.get_cookie(name)
        return found.value if found else ""

    def _keep(self, answer: TestResponse) -> TestResponse:
        if answer.mimetype == "text/html" and answer.status_code != 303:
            self.page = answer.get_data(as_text=True)
        return answer


def scan(stage: Stage, openid: str, scene: str) -> str:
    """What the chat answers to who scans a code of the account."""
    created = int(stage.clock().timestamp()) + stage.turns_taken
    status, reply = stage.deliver(wechat.event("SCAN", openid, created=created, EventKey=scene, Ticket="t"))
    assert status == 200
    return reply


def signed_in(stage: Stage, openid: str = OFFICER, **browser: str) -> Browser:
    """A browser that this officer let in by its digits."""
    came = Browser(stage, **browser)
    stage.say(openid, f"登录 {came.ask_for_code()}")
    stage.say(openid, "1")
    assert came.enter().status_code == 303
    assert came.is_in(), came.page
    return came


def events(stage: Stage, *actions: str) -> list[tuple[str, str, str, str | None]]:
    """Who did which of these, to what, and the detail, as the audit trail has it."""
    found = select(AuditEvent).where(AuditEvent.action.in_(actions)).order_by(AuditEvent.id)
    with Database(stage.database) as db:
        return [(each.actor, each.action, each.subject, each.detail) for each in db.scalars(found)]


def sessions(stage: Stage) -> list[tuple[str, str | None]]:
    """How each was signed in, and why it ended, the oldest first."""
    with Database(stage.database) as db:
        return [(each.how, each.why) for each in db.scalars(select(DeskSession).order_by(DeskSession.id))]
