"""A stage that asks people for subscriptions."""

import re
from itertools import count
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session as Database

from models.notifications.subscription import Subscription
from tests.harness.platform import wechat
from tests.harness.stage import Stage

CARDS = {"progress": "sProgress", "money": "sMoney", "task": "sTask"}


PROGRESS, MONEY = CARDS["progress"], CARDS["money"]


LINK = re.compile(r"http\S+/subscribe/\S+")


class Asking(Stage):
    """An account with templates of subscription notices, one of them long-term; ``changes`` of the settings."""

    def __init__(self, url: str, **changes: Any) -> None:
        self.seconds = count(1_764_000_000)  # of events: two in one second would be one
        self.changes = {"wechat_subscriptions": CARDS, "wechat_long_term": frozenset({"task"})} | changes
        self.registered = 0
        super().__init__(url)

    def _open(self) -> None:
        self.settings = self.settings.model_copy(update=self.changes)
        super()._open()

    def popup(self, openid: str, choices: dict[str, str], *, event: str = "popup", wrapped: bool = True) -> str:
        """The event's XML, not yet delivered."""
        rows: Any = [{"TemplateId": one, "SubscribeStatusString": said} for one, said in choices.items()]
        name = f"subscribe_msg_{event}_event"
        fields = {"List": rows[0] if len(rows) == 1 else rows}
        outer = {f"SubscribeMsg{event.capitalize()}Event": fields} if wrapped else fields
        return wechat.event(name, openid, created=next(self.seconds), **outer)

    def answer(self, openid: str, choices: dict[str, str], **how: Any) -> None:
        assert self.deliver(self.popup(openid, choices, **how)) == (200, "")

    def kept(self, openid: str) -> dict[str, Subscription]:
        with Database(self.database, expire_on_commit=False) as db:
            rows = db.scalars(select(Subscription).where(Subscription.conversation_id == self.person(openid)))
            return {row.template_id: row for row in rows}

    def left(self, openid: str) -> dict[str, int]:
        return {theirs: row.left for theirs, row in self.kept(openid).items() if row.left}

    def gift(self, openid: str) -> str:
        """What is said after a pledge to an appeal of today."""
        if not self.registered:
            self.registered = self.register(openid, "donor")
        return self.pledge(openid, self.open_appeal(target_fen=99_999_999))

    def pledge(self, openid: str, appeal: int) -> str:
        for words in (f"捐 {appeal}", "50", "1", "确认"):
            reply = self.say(openid, words)
        assert self.said[-1] == "pledge/done"
        return reply
