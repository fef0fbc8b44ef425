"""Keep the charities that collect the appeals' money, with the region that each covers.

A charity's fund holders (models.staff.member) are the staff with its ``charity_id``. What a charity is registered
under can be looked up by anybody, and donors are told it before they give.
"""

import re
from datetime import datetime

from sqlalchemy import CheckConstraint, ColumnElement, ForeignKey, String, select
from sqlalchemy.orm import Mapped, Session, mapped_column
from stdnum.cn import uscc

from models.core.audit_trail import record
from models.core.base import Base, RowId, one_of
from models.core.refusal import Refusal
from models.places.region import Region, covers, parents

# ``unnamed``: made by the upgrade from the fund holders that were there; it keeps its money and collects none until it
# is named.
STATES = ("unnamed", "active", "suspended")
LONGEST_NAME, LONGEST_CERTIFICATE = 60, 40
# WeChat's name of an official account.
_ORIGINAL_ID = re.compile(r"gh_[0-9A-Za-z]{1,60}")
# The database's integers end there.
_HIGHEST_ID = 2**63 - 1


class NoCharity(Refusal):
    """No active charity covers the appeal's place (``place``), so that nobody could collect for it."""

    code = "no_charity"


class BadCharity(ValueError):
    """What the operator gave is wrong; the message says what."""


class Charity(Base):
    """A charity. ``region_code``: where it collects for appeals; None: in the whole country. ``account``: the original
    ID of the official account for whose people alone it collects; None: for all.

    ``credit_code``: its unified social credit code (GB 32100). ``certificate``: the number of its certificate for
    public fundraising. The number 0 is the charity that the upgrade made: accounts of the ledger from before that day,
    which have no number of a charity, are its own.
    """

    __tablename__ = "charities"
    id: Mapped[RowId]
    name: Mapped[str | None] = mapped_column(String(LONGEST_NAME))
    credit_code: Mapped[str | None] = mapped_column(String(18), unique=True)
    certificate: Mapped[str | None] = mapped_column(String(LONGEST_CERTIFICATE))
    region_code: Mapped[str | None] = mapped_column(ForeignKey("regions.code"), index=True)
    account: Mapped[str | None] = mapped_column(String(64))
    state: Mapped[str] = mapped_column(String(10))
    created_at: Mapped[datetime]

    __table_args__ = (
        one_of("state", STATES),
        CheckConstraint(
            "state = 'unnamed' OR (name IS NOT NULL AND credit_code IS NOT NULL AND certificate IS NOT NULL)",
            name="named_to_collect",
        ),
    )

    @property
    def collects(self) -> bool:
        return self.state == "active"

    def covers(self, region_code: str, account: str | None) -> bool:
        """Tell whether it collects for who lives there and writes to this account (None: to none)."""
        here = self.region_code is None or covers(self.region_code, region_code)
        return here and self.account in (None, account)


def add_charity(
    db: Session, name: str, credit_code: str, certificate: str, region_code: str | None, now: datetime
) -> Charity:
    """Add an active charity. Raises BadCharity."""
    charity = Charity(state="active", created_at=now)
    _describe(db, charity, name, credit_code, certificate, region_code)
    db.add(charity)
    db.flush()
    record(db, at=now, actor="system", action="added", subject="charity", subject_id=charity.id)
    return charity


def name_charity(
    db: Session,
    number: int,
    name: str | None,
    credit_code: str | None,
    certificate: str | None,
    region_code: str | None,
    now: datetime,
) -> Charity:
    """Change what a charity is called and registered under; what is None stays. One that was unnamed then collects.

    Raises BadCharity.
    """
    charity = get_charity(db, number, lock=True)
    wanted = (name or charity.name, credit_code or charity.credit_code, certificate or charity.certificate)
    _describe(db, charity, *wanted, region_code or charity.region_code)
    charity.state = "active" if charity.state == "unnamed" else charity.state
    db.flush()
    record(db, at=now, actor="system", action="named", subject="charity", subject_id=number)
    return charity


def set_collecting(db: Session, number: int, collects: bool, now: datetime) -> Charity:
    """Suspend a charity, which then takes no gifts, or let it collect again. Raises BadCharity."""
    charity = get_charity(db, number, lock=True)
    if charity.state == "unnamed":
        raise BadCharity(f"charity {number} has no name yet, and collects nothing until it is named")
    charity.state = "active" if collects else "suspended"
    db.flush()
    record(db, at=now, actor="system", action=charity.state, subject="charity", subject_id=number)
    return charity


def set_account(db: Session, number: int, account: str | None, now: datetime) -> Charity:
    """Let a charity collect for the people of one official account alone, or of all. Raises BadCharity."""
    charity = get_charity(db, number, lock=True)
    if account is not None and not _ORIGINAL_ID.fullmatch(account):
        raise BadCharity("an account is known by its original ID, as in gh_0123456789ab")
    charity.account = account
    db.flush()
    record(db, at=now, actor="system", action="account_set", subject="charity", subject_id=number)
    return charity


def get_charity(db: Session, number: int, *, lock: bool = False) -> Charity:
    """Get a charity. Raises BadCharity."""
    known = 0 <= number <= _HIGHEST_ID
    charity = db.get(Charity, number, with_for_update=lock, populate_existing=lock) if known else None
    if charity is None:
        raise BadCharity(f"there is no charity {number}")
    return charity


def read_line(words: str | None, most: int, what: str) -> str:
    """Return the operator's words, which donors will read, without spaces around them. Raises BadCharity."""
    line = (words or "").strip()
    if not 1 <= len(line) <= most:
        raise BadCharity(f"the {what} has 1 to {most} characters")
    if not line.isprintable():
        raise BadCharity(f"the {what} has a line break, or a character that nobody sees; type it by hand")
    return line


def charity_for(db: Session, region_code: str, account: str | None) -> Charity:
    """Choose the active charity that covers the place: first those of the account alone, and the nearest first.

    Raises NoCharity.
    """
    found = find_charity(db, region_code, account)
    if found is None:
        raise NoCharity(place=place_of(db, region_code))
    return found


def find_charity(
    db: Session, region_code: str, account: str | None, wanted: ColumnElement[bool] | None = None
) -> Charity | None:
    """Choose as ``charity_for`` does, of those that are ``wanted``; None where there is none."""
    wide = [*parents(region_code), region_code]
    there = Charity.region_code.in_(wide) | Charity.region_code.is_(None)
    theirs = Charity.account.is_(None) | (Charity.account == account)
    found = select(Charity).where(Charity.state == "active", there, theirs)
    if wanted is not None:
        found = found.where(wanted)
    nearest = (Charity.account.nulls_last(), Charity.region_code.desc().nulls_last(), Charity.id)
    return db.scalar(found.order_by(*nearest).limit(1))


def place_of(db: Session, region_code: str) -> str:
    """Return the region's full name."""
    return db.get_one(Region, region_code).full_name


def _describe(
    db: Session,
    charity: Charity,
    name: str | None,
    credit_code: str | None,
    certificate: str | None,
    region_code: str | None,
) -> None:
    """Set what a charity is registered under, once it is right. Raises BadCharity."""
    name = read_line(name, LONGEST_NAME, "name")
    certificate = read_line(certificate, LONGEST_CERTIFICATE, "certificate")
    code = uscc.compact(credit_code or "")
    if not uscc.is_valid(code):
        raise BadCharity(f"{credit_code} is no unified social credit code: 18 characters, and the last one checks them")
    same = db.scalar(select(Charity.id).where(Charity.credit_code == code))
    if same is not None and same != charity.id:
        raise BadCharity(f"charity {same} has this credit code already")
    if region_code is not None and db.get(Region, region_code) is None:
        raise BadCharity(f"there is no region {region_code}; import-regions loads them")
    charity.name, charity.credit_code, charity.region_code = name, code, region_code
    charity.certificate = certificate
