"""Define campaigns: what a county calls for, who pledges to buy, who joins to supply, and what each got.

submitted → open          another officer of the county confirms it
submitted → rejected      or does not
submitted → failed        nobody has confirmed it by its last day
open → reached            its last day is over, and the least sum is pledged; the county looks at the firms in it
open → failed             or is not
reached → divided         shared out among the growers (models.market.campaigns.dividing)
reached → failed          no grower has anything left, or with the firms that were struck the least sum is gone
divided → done            every order that came of it is over
open, reached → stopped   an officer of the county, who neither opened it nor has a tie to who takes part, stops it
"""

from datetime import date, datetime

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Date,
    ForeignKey,
    Index,
    SmallInteger,
    String,
    UniqueConstraint,
    null,
    select,
)
from sqlalchemy.orm import Mapped, mapped_column

from models.core.base import Base, RowId, one_of
from models.core.encryption import Encrypted, Lookup
from models.core.measures import JIN
from models.core.state_machine import By, Machine
from models.core.subject import Subject

NAME, PLEDGE, GROWER = "campaign", "campaign_pledge", "campaign_grower"
# Why it failed: no officer confirmed it, less than its least sum was pledged, or no grower had anything left.
WHYS = ("unconfirmed", "least", "growers")
# Why the county stopped it: the codes of campaign_stop_reason in config/choices.toml.
STOPS = ("crop_false", "reseller", "price_wrong", "harvest_lost")
PUBLIC = ("open", "reached", "divided", "done", "failed", "stopped")

_SYSTEM = frozenset({By.SYSTEM})
_OWNER = frozenset({By.OWNER})
_COUNTY = frozenset({By.COUNTY})

CAMPAIGN_MACHINE = Machine(
    NAME,
    {
        ("submitted", "open"): _COUNTY,
        ("submitted", "rejected"): _COUNTY,
        **{(state, "failed"): _SYSTEM for state in ("submitted", "open", "reached")},
        **{(state, "stopped"): _COUNTY for state in ("open", "reached")},
        ("open", "reached"): _SYSTEM,
        ("reached", "divided"): _SYSTEM,
        ("divided", "done"): _SYSTEM,
    },
)
# ``standing`` until its owner leaves it, or the campaign is divided: then it got something, or nothing. By the system:
# its owner is erased.
_TAKES_PART = {
    ("standing", "left"): _OWNER | _SYSTEM,
    ("left", "standing"): _OWNER,
    ("standing", "served"): _SYSTEM,
    ("standing", "unserved"): _SYSTEM,
}
# A firm that is not what it says it is may pledge again, with what is right.
PLEDGE_MACHINE = Machine(PLEDGE, {**_TAKES_PART, ("standing", "struck"): _COUNTY, ("struck", "standing"): _OWNER})
# What the keyed hash of a credit code is made for, here as in models.organisations.
CODE_PURPOSE = "credit_code"
GROWER_MACHINE = Machine(GROWER, dict(_TAKES_PART))


class Campaign(Base):
    """``price_fen``: for a 斤. ``least_grams``: how much has to be pledged by the end of ``last_day`` (``closes_at``).

    ``divides_at``: from when it may be divided, once it is reached. ``rule``: the version of
    models.market.campaigns.rule by which it is divided. ``why``: of ``WHYS`` where it failed,
    of ``STOPS`` where it is stopped.
    """

    __tablename__ = "campaigns"
    id: Mapped[RowId]
    draft_id: Mapped[str] = mapped_column(String(36), unique=True)
    opened_by: Mapped[int] = mapped_column(ForeignKey("staff.id"), index=True)
    region_code: Mapped[str] = mapped_column(ForeignKey("regions.code"), index=True)
    crop: Mapped[str] = mapped_column(String(16))
    season: Mapped[int] = mapped_column(SmallInteger)
    price_fen: Mapped[int]
    least_grams: Mapped[int]
    last_day: Mapped[date] = mapped_column(Date)
    closes_at: Mapped[datetime]
    rule: Mapped[int] = mapped_column(SmallInteger)
    state: Mapped[str] = mapped_column(String(12), default="submitted")
    why: Mapped[str | None] = mapped_column(String(12))
    submitted_at: Mapped[datetime]
    divides_at: Mapped[datetime | None]
    divided_at: Mapped[datetime | None]

    __table_args__ = (
        one_of("state", CAMPAIGN_MACHINE.states),
        one_of("why", (*WHYS, *STOPS)),
        CheckConstraint("price_fen > 0", name="price_positive"),
        CheckConstraint(f"least_grams > 0 AND least_grams % {JIN} = 0", name="least_in_jin"),
        CheckConstraint("(state IN ('failed', 'stopped')) = (why IS NOT NULL)", name="ended_for_a_reason"),
        CheckConstraint("(state IN ('divided', 'done')) = (divided_at IS NOT NULL)", name="divided_at_a_moment"),
        CheckConstraint(
            "state NOT IN ('reached', 'divided', 'done') OR divides_at IS NOT NULL", name="reached_is_divided_from"
        ),
        Index("ix_campaigns_state", "state", "closes_at"),
    )


class CampaignPledge(Base):
    """What a buyer pledged to order. ``by_firm``: for a firm. ``given_grams``: what the division gave them.

    ``firm`` and ``credit_code``: of the firm, by which it stands once in a campaign, whoever pledges for it; those of
    before it was asked have none. They, ``recipient``, ``phone`` and ``address`` are empty once it no longer stands:
    orders keep their own.
    """

    __tablename__ = "campaign_pledges"
    id: Mapped[RowId]
    draft_id: Mapped[str] = mapped_column(String(36), unique=True)
    campaign_id: Mapped[int] = mapped_column(ForeignKey("campaigns.id"))
    buyer_id: Mapped[int] = mapped_column(ForeignKey("users.id"), index=True)
    by_firm: Mapped[bool] = mapped_column(Boolean)
    firm: Mapped[str | None] = mapped_column(Encrypted("campaign firm name"))
    credit_code: Mapped[str | None] = mapped_column(Encrypted("campaign firm code", Lookup("code_hash", CODE_PURPOSE)))
    code_hash: Mapped[str | None] = mapped_column(String(64))
    grams: Mapped[int]
    given_grams: Mapped[int | None]
    region_code: Mapped[str] = mapped_column(ForeignKey("regions.code"))
    recipient: Mapped[str | None] = mapped_column(Encrypted("campaign recipient"))
    phone: Mapped[str | None] = mapped_column(Encrypted("campaign phone"))
    address: Mapped[str | None] = mapped_column(Encrypted("campaign address"))
    state: Mapped[str] = mapped_column(String(12), default="standing")
    pledged_at: Mapped[datetime]

    __table_args__ = (
        one_of("state", PLEDGE_MACHINE.states),
        UniqueConstraint("campaign_id", "buyer_id"),
        Index("uq_campaign_pledges_firm", "campaign_id", "code_hash", unique=True),
        CheckConstraint(
            "(firm IS NULL) = (credit_code IS NULL) AND (firm IS NULL) = (code_hash IS NULL) "
            "AND (firm IS NULL OR by_firm AND state = 'standing')",
            name="firm_while_it_stands",
        ),
        CheckConstraint(f"grams > 0 AND grams % {JIN} = 0", name="in_jin"),
        CheckConstraint("given_grams BETWEEN 0 AND grams", name="given_at_most_pledged"),
        CheckConstraint(
            "(state = 'standing') = (address IS NOT NULL) AND (address IS NULL) = (recipient IS NULL) "
            "AND (address IS NULL) = (phone IS NULL)",
            name="goes_nowhere_once_over",
        ),
    )


class CampaignGrower(Base):
    """A household that joins, by one of its listings. ``most_grams``: how much it gives at most; None: all it has then.

    ``fresh``: what it sells spoils. Of the division: ``stated_grams``, what its land can still give; ``need``, the
    weight of its need in eighths; ``cap_grams``, what it could give; ``given_grams``, its share.
    """

    __tablename__ = "campaign_growers"
    id: Mapped[RowId]
    campaign_id: Mapped[int] = mapped_column(ForeignKey("campaigns.id"))
    listing_id: Mapped[int] = mapped_column(ForeignKey("listings.id"), index=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"), index=True)
    fresh: Mapped[bool] = mapped_column(Boolean)
    most_grams: Mapped[int | None]
    stated_grams: Mapped[int | None]
    need: Mapped[int | None] = mapped_column(SmallInteger)
    cap_grams: Mapped[int | None]
    given_grams: Mapped[int | None]
    state: Mapped[str] = mapped_column(String(12), default="standing")
    joined_at: Mapped[datetime]

    __table_args__ = (
        one_of("state", GROWER_MACHINE.states),
        UniqueConstraint("campaign_id", "listing_id"),
        CheckConstraint("most_grams > 0", name="most_positive"),
        CheckConstraint("given_grams BETWEEN 0 AND cap_grams", name="given_at_most_what_it_has"),
    )


class CampaignPart(Base):
    """How much of a buyer's pledge comes from which grower, and the order that it became."""

    __tablename__ = "campaign_parts"
    id: Mapped[RowId]
    campaign_id: Mapped[int] = mapped_column(ForeignKey("campaigns.id"), index=True)
    pledge_id: Mapped[int] = mapped_column(ForeignKey("campaign_pledges.id"))
    grower_id: Mapped[int] = mapped_column(ForeignKey("campaign_growers.id"), index=True)
    order_id: Mapped[int] = mapped_column(ForeignKey("orders.id"), unique=True)
    grams: Mapped[int]

    __table_args__ = (
        UniqueConstraint("pledge_id", "grower_id"),
        CheckConstraint(f"grams > 0 AND grams % {JIN} = 0", name="in_jin"),
    )


class BuyingFirm(Base):
    """The firm for which a person buys; asked once. ``credit_code``: None of those kept before it was asked."""

    __tablename__ = "buying_firms"
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"), primary_key=True)
    name: Mapped[str] = mapped_column(Encrypted("buying firm name"))
    credit_code: Mapped[str | None] = mapped_column(Encrypted("buying firm code"))
    phone: Mapped[str] = mapped_column(Encrypted("buying firm phone"))
    stated_at: Mapped[datetime]


CAMPAIGN = Subject(NAME, Campaign, CAMPAIGN_MACHINE, begins=("submitted",), owner=null(), place=Campaign.region_code)
CAMPAIGN_PLEDGE = Subject(
    PLEDGE,
    CampaignPledge,
    PLEDGE_MACHINE,
    begins=("standing",),
    owner=CampaignPledge.buyer_id,
    place=select(Campaign.region_code).where(Campaign.id == CampaignPledge.campaign_id).scalar_subquery(),
)
CAMPAIGN_GROWER = Subject(
    GROWER,
    CampaignGrower,
    GROWER_MACHINE,
    begins=("standing",),
    owner=CampaignGrower.user_id,
    place=select(Campaign.region_code).where(Campaign.id == CampaignGrower.campaign_id).scalar_subquery(),
)
