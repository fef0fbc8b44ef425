"""Matches: a part of an offer that is promised to a request, who answered, and where the goods are."""

from datetime import datetime, timedelta

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, select, text
from sqlalchemy.orm import Mapped, Session, mapped_column

from models.core.base import Base, RowId, one_of
from models.core.encryption import Encrypted, Lookup
from models.core.hooks import Hook
from models.core.state_machine import By, Machine
from models.core.subject import Subject
from models.goods.exchange import GoodsRequest
from models.goods.points.point import Point

_SYSTEM = frozenset({By.SYSTEM})
_OWNER = frozenset({By.OWNER})
_KEEPER = frozenset({By.KEEPER})
_OFFICER = frozenset({By.VILLAGE, By.TOWNSHIP, By.COUNTY})
_ABOVE = frozenset({By.TOWNSHIP, By.COUNTY})

# In these states a quantity of the offer is held for the request.
HELD = ("proposed", "recipient_ok", "donor_ok", "in_transit", "at_point")
# While a match is in one of these, its household gets no more of the same offer: somebody has yet to do something, or
# may complain.
LIVE = (*HELD, "collected", "issue")
# The household has it, as far as is known.
GOT = ("collected", "confirmed")
# How long a state may last before the clock ends it (models.goods.matches.clock); a state without one waits for people.
LASTS: dict[str, timedelta] = {
    "proposed": timedelta(days=2),
    "recipient_ok": timedelta(days=3),
    "donor_ok": timedelta(days=7),
    "in_transit": timedelta(days=20),
    "at_point": timedelta(days=14),
    "collected": timedelta(days=7),
}
# In these states whoever has the next step is reminded of it halfway.
REMINDED = ("donor_ok", "at_point")
PROOFS = ("code", "card", "officer")
# Who a match failed by. ``system``: nobody's fault, as when an officer took the offer down.
ENDED_BY = ("household", "donor", "keeper", "carrier", "system")

# Arguments: the match's id, the state and the time. Called when its goods have been handed out.
on_collected: Hook[[Session, int, str, datetime], None] = Hook("goods.matches.match.on_collected")

MATCH_MACHINE = Machine(
    "match",
    {
        # The household, then the donor.
        ("proposed", "recipient_ok"): _OWNER,
        ("recipient_ok", "donor_ok"): _OWNER,
        # It lies at the point already (a shelf): nobody has to send it.
        ("recipient_ok", "at_point"): _SYSTEM,
        ("donor_ok", "in_transit"): _OWNER,
        # By the keeper: brought by hand, or sent without a word. What was given up comes late all the same.
        **{(state, "at_point"): _KEEPER for state in ("donor_ok", "in_transit", "lapsed", "lost")},
        ("at_point", "collected"): _KEEPER | _OFFICER,
        # By the clock after some days without a complaint.
        ("collected", "confirmed"): _OWNER | _SYSTEM,
        # By the township: the household said so when it was called.
        **{(state, "issue"): _OWNER | _ABOVE for state in ("collected", "confirmed")},
        # What the township finds: it was handed out rightly, or not. By the owner: an officer said so for them, and
        # they deny it.
        ("issue", "confirmed"): _ABOVE | _OWNER,
        ("issue", "lost"): _ABOVE,
        **{(state, "declined"): _OWNER for state in ("proposed", "recipient_ok")},
        **{(state, "lapsed"): _SYSTEM for state in ("proposed", "recipient_ok", "donor_ok")},
        **{
            (state, "cancelled"): _OWNER | _OFFICER | _SYSTEM
            for state in ("proposed", "recipient_ok", "donor_ok", "at_point")
        },
        **{(state, "lost"): _SYSTEM | _KEEPER for state in ("donor_ok", "in_transit")},
        # By the system: it passed its last day there.
        ("at_point", "lost"): _KEEPER | _OFFICER | _SYSTEM,
        ("at_point", "uncollected"): _SYSTEM,
    },
    then={"collected": on_collected},
)


class Match(Base):
    """A part of an offer for a request, in the offer's unit. ``asked``: how much was proposed; ``quantity``: how much
    is held (in the end: how much was handed out).

    ``due_at``: when the clock ends its state. ``parcel``: the code on its label, which says nothing of the household.
    ``code``: the six digits by which the household collects it, while it lies at the point. ``unwanted_at``: when the
    household stopped wanting what was on its way; it is then offered anew at the point. ``shelf_id``: the shelf that it
    was taken from. ``ended_by``: by whom it failed. ``reminded_at``: when whoever has the next step was reminded of it.
    """

    __tablename__ = "matches"
    id: Mapped[RowId]
    offer_id: Mapped[int] = mapped_column(ForeignKey("offers.id"))
    request_id: Mapped[int] = mapped_column(ForeignKey("goods_requests.id"))
    round_id: Mapped[int] = mapped_column(ForeignKey("rounds.id"), index=True)
    shelf_id: Mapped[int | None] = mapped_column(ForeignKey("shelves.id"))
    donor_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    household_id: Mapped[int] = mapped_column(ForeignKey("households.id"))
    point_id: Mapped[int] = mapped_column(ForeignKey("points.id"))
    asked: Mapped[int]
    quantity: Mapped[int]
    state: Mapped[str] = mapped_column(String(12), default="proposed")
    due_at: Mapped[datetime | None]
    proposed_at: Mapped[datetime]
    accepted_at: Mapped[datetime | None]
    agreed_at: Mapped[datetime | None]
    sent_at: Mapped[datetime | None]
    arrived_at: Mapped[datetime | None]
    collected_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    ended_by: Mapped[str | None] = mapped_column(String(12))
    unwanted_at: Mapped[datetime | None]
    reminded_at: Mapped[datetime | None]
    parcel: Mapped[str] = mapped_column(String(8), unique=True)
    code: Mapped[str | None] = mapped_column(Encrypted("collection code", Lookup("code_hash", "collection")))
    code_hash: Mapped[str | None] = mapped_column(String(64))
    carrier: Mapped[str | None] = mapped_column(String(20))
    waybill: Mapped[str | None] = mapped_column(String(40))
    proof: Mapped[str | None] = mapped_column(String(8))
    handed_by: Mapped[int | None] = mapped_column(ForeignKey("staff.id"))

    __table_args__ = (
        one_of("state", MATCH_MACHINE.states),
        one_of("proof", PROOFS),
        one_of("ended_by", ENDED_BY),
        CheckConstraint("quantity BETWEEN 1 AND asked", name="at_most_what_was_proposed"),
        CheckConstraint(
            "state NOT IN ('collected', 'confirmed', 'issue') OR (proof IS NOT NULL AND handed_by IS NOT NULL)",
            name="handed_out_by_proof",
        ),
        Index(
            "uq_matches_live",
            "offer_id",
            "request_id",
            unique=True,
            postgresql_where=text(f"state IN {(*HELD, 'collected')}"),
        ),
        # Parcels in one box have one; models.goods.matches.sending refuses it for any other.
        Index("ix_matches_waybill", "waybill", postgresql_where=text("waybill IS NOT NULL")),
        Index("uq_matches_code", "point_id", "code_hash", unique=True, postgresql_where=text("code_hash IS NOT NULL")),
        Index("ix_matches_due_at", "due_at", postgresql_where=text("due_at IS NOT NULL")),
        Index(
            "ix_matches_to_remind",
            "due_at",
            postgresql_where=text(f"reminded_at IS NULL AND state IN {REMINDED}"),
        ),
        Index("ix_matches_offer", "offer_id", "state"),
        Index("ix_matches_request", "request_id", "state"),
        Index("ix_matches_donor", "donor_id", "id"),
        Index("ix_matches_household", "household_id", "collected_at"),
        Index("ix_matches_point", "point_id", "state", "id"),
    )

    @property
    def title(self) -> str:
        return self.parcel


MATCH = Subject(
    "match",
    Match,
    MATCH_MACHINE,
    begins=("proposed",),
    owner=select(GoodsRequest.owner_id).where(GoodsRequest.id == Match.request_id).scalar_subquery(),
    place=select(Point.region_code).where(Point.id == Match.point_id).scalar_subquery(),
    household=Match.household_id,
    photos=("match",),
)
