"""Play in the demo's history how goods went from hand to hand: points, matches in every state, and thanks."""

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from functools import partial

from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.demo.seed_cases import Happening, Row
from bot.demo.seed_pictures import picture
from models.core.audit_trail import record_reading
from models.core.state_machine import SYSTEM, Actor
from models.goods.matches import holding, issues, thanking
from models.goods.matches.locks import Held, lock_match
from models.goods.matches.match import Match
from models.goods.matches.thanks import GoodsThanks
from models.goods.points.arrival import take_in
from models.goods.points.closing import close_point
from models.goods.points.handing_out import hand_out, hand_out_by_word
from models.goods.points.keeping import agree
from models.goods.points.opening import NewPoint, open_point
from models.goods.points.point import Point
from models.goods.rounds.draw import draw, due_rounds
from models.goods.rules import GoodsRules
from models.staff.member import Staff
from models.staff.task import find_task

# That there is a picture; it is attached by bot.demo.seed_pictures.
_PICTURE = {"media_id": "demo"}


class Handover:
    """``people``: conversations by key (bot.demo.seed). ``made``: number and owner of offers and requests, by kind and
    serial (bot.demo.seed_goods).
    """

    def __init__(
        self,
        db: Session,
        staff: Mapping[str, Staff],
        people: Mapping[str, int],
        made: Mapping[tuple[str, int], tuple[int, int]],
        rules: GoodsRules,
    ) -> None:
        self.db, self.staff, self.people, self.made, self.rules = db, staff, people, made, rules
        self.points: dict[int, Point] = {}
        self.matches: dict[int, int] = {}
        # By the state that a step leads to.
        self.steps: Mapping[str, Callable[[Held, Row, Staff, datetime], None]] = {
            "recipient_ok": lambda held, _row, _keeper, now: holding.accept(self.db, held, held.match.quantity, now),
            "donor_ok": lambda held, _row, _keeper, now: holding.agree(self.db, held, now),
            "in_transit": self._send,
            "at_point": self._lay,
            "collected": self._collect,
            "confirmed": lambda held, _row, _keeper, now: holding.confirm(self.db, held, _household(held), now),
            "issue": self._complain,
            "declined": partial(self._release, "declined"),
            "cancelled": partial(self._release, "cancelled"),
            "lapsed": lambda held, _row, _keeper, now: holding.release(
                self.db, held, "lapsed", SYSTEM, "household", now
            ),
            "lost": self._lose,
            "uncollected": lambda held, _row, _keeper, now: holding.leave(self.db, held, now),
        }

    def happenings(self, goods: dict[str, list[Row]]) -> Iterator[Happening]:
        for serial, row in enumerate(goods["points"], 1):
            yield row["days_ago"], partial(self.propose_point, serial, row)
            if "agreed_days_ago" in row:
                yield row["agreed_days_ago"], partial(self.open_point, serial, row)
            if "closed_days_ago" in row:
                yield row["closed_days_ago"], partial(self.close_point, serial, row)
        for serial, row in enumerate(goods["matches"], 1):
            yield row["proposed"], partial(self.propose, serial, row)
            for state, days_ago in row.get("steps", ()):
                yield days_ago, partial(self.step, serial, row, state)
        for row in goods["thanks"]:
            request = goods["matches"][row["match"] - 1]["request"]
            owner = goods["requests"][request - 1]["owner"]
            yield row["days_ago"], partial(self.thank, row, request, owner)
            if "read_days_ago" in row:
                yield row["read_days_ago"], partial(self.pass_on, row)

    def propose_point(self, serial: int, row: Row, when: datetime) -> None:
        wanted = NewPoint(
            draft_id=f"demo-point-{serial}",
            region_code=row["region"],
            **{name: row[name] for name in ("name", "place", "address", "hours")},
        )
        officer, keeper = self.staff[row["opened_by"]], self.staff[row["keeper"]]
        self.points[serial] = open_point(self.db, officer, wanted, keeper.work_no, when)

    def open_point(self, serial: int, row: Row, when: datetime) -> None:
        agree(self.db, self.staff[row["keeper"]], self.points[serial].id, row["phone"], when)

    def close_point(self, serial: int, row: Row, when: datetime) -> None:
        close_point(self.db, self.points[serial], self.staff[row["opened_by"]].actor, when)

    def propose(self, serial: int, row: Row, when: datetime) -> None:
        """Draw the rounds that are due; one of them proposes a part of the offer to the request."""
        for number in due_rounds(self.db, when):
            draw(self.db, number, when)
        offer, request = self.made["offer", row["offer"]][0], self.made["request", row["request"]][0]
        theirs = (Match.offer_id == offer) & (Match.request_id == request) & (Match.state == "proposed")
        found = self.db.scalar(select(Match.id).where(theirs))
        if found is None:
            raise LookupError(f"no round proposes offer {row['offer']} to request {row['request']} of the demo")
        self.matches[serial] = found

    def step(self, serial: int, row: Row, state: str, when: datetime) -> None:
        """Move the match on to the state."""
        held = lock_match(self.db, self.matches[serial])
        keeper = self.db.get_one(Staff, self.db.get_one(Point, held.match.point_id).keeper_id)
        self.steps[state](held, row, keeper, when)
        self.db.flush()

    def thank(self, row: Row, request: int, owner: str, when: datetime) -> None:
        """Send the thanks of a household, with a photo, for its match. ``owner``: its person's key in config/demo."""
        match, user, sender = self.matches[row["match"]], self.made["request", request][1], self.people[owner]
        thanking.submit(self.db, user, match, (f"demo-thanks-{row['match']}", row["words"], ()), sender, when)
        picture(self.db, thanking.SUBJECT, self._thanks(match), sender, when)

    def pass_on(self, row: Row, when: datetime) -> None:
        """Let the officer who has the task read the thanks, open their photo and pass them on to the donor."""
        number = self._thanks(self.matches[row["match"]])
        task = find_task(self.db, thanking.SUBJECT, number)
        if task is None or task.assignee is None:
            raise LookupError(f"no officer reads the thanks for match {row['match']} of the demo")
        officer = self.db.get_one(Staff, task.assignee)
        thanking.open_thanks(self.db, officer, number, when)
        by, what = officer.actor.name, "pictures"
        record_reading(self.db, at=when, actor=by, subject=thanking.SUBJECT, subject_id=number, purpose=what)
        thanking.publish(self.db, officer, number, when)

    def _thanks(self, match: int) -> int:
        return self.db.scalars(select(GoodsThanks.id).where(GoodsThanks.match_id == match)).one()

    def _complain(self, held: Held, _row: Row, _keeper: Staff, now: datetime) -> None:
        issues.complain(self.db, held.request.owner_id, held.match.id, "not_got", now)

    def _send(self, held: Held, _row: Row, _keeper: Staff, when: datetime) -> None:
        holding.send(self.db, held, "zto", f"78{held.match.id:012}", when)

    def _lay(self, held: Held, row: Row, keeper: Staff, when: datetime) -> None:
        """Take in the parcel; ``missing``: how much of it was not there."""
        missing = row.get("missing", 0)
        lines = {"came": held.match.quantity - missing, "missing": missing}
        take_in(self.db, keeper, held.match.id, lines, "short" if missing else None, when)

    def _lose(self, held: Held, _row: Row, _keeper: Staff, when: datetime) -> None:
        holding.lose(self.db, held, SYSTEM, "carrier", when)
        issues.open_loss(self.db, held.match, when)

    def _collect(self, held: Held, row: Row, keeper: Staff, when: datetime) -> None:
        """Hand it out to who brought the digits, or by an officer's word: then the township calls the household."""
        officer, number, rules = self.staff.get(row.get("by_word_of", "")), held.match.id, self.rules
        if officer:
            hand_out_by_word(self.db, officer, number, [_PICTURE], when, rules)
        else:
            hand_out(self.db, keeper, number, held.match.code_hash or "", [_PICTURE], when, rules)
        sender = next(f"@{key}" for key, staff in self.staff.items() if staff.id == (officer or keeper).id)
        picture(self.db, "match", number, self.people[sender], when)

    def _release(self, to: str, held: Held, _row: Row, _keeper: Staff, when: datetime) -> None:
        holding.release(self.db, held, to, _household(held), "household", when)


def _household(held: Held) -> Actor:
    return Actor.owner(held.request.owner_id)
