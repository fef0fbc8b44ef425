"""Tell donors who collects for an appeal: the charity, what it is registered under, and its filing."""

from dataclasses import dataclass
from datetime import date

from sqlalchemy.orm import Session

from models.organisations.charity import Charity
from models.organisations.filing import Filing


@dataclass(frozen=True, slots=True)
class Collector:
    """The charity that collects for an appeal, in public. ``filing``: its number; empty but for crowdfunding.

    ``authority``, ``platform`` and ``until`` are the filing's; ``until`` is its last day.
    """

    name: str
    credit_code: str
    certificate: str
    filing: str = ""
    authority: str = ""
    platform: str = ""
    until: date | None = None


def find_collector(db: Session, charity_id: int | None, filing_id: int | None) -> Collector | None:
    """Return who collects; None for an appeal that has no charity yet, or one that has no name."""
    charity = db.get(Charity, charity_id) if charity_id is not None else None
    if charity is None or charity.name is None or charity.credit_code is None or charity.certificate is None:
        return None
    own = (charity.name, charity.credit_code, charity.certificate)
    filing = db.get(Filing, filing_id) if filing_id is not None else None
    if filing is None:
        return Collector(*own)
    return Collector(*own, filing.number, filing.authority, filing.platform, filing.to_day)
