"""The charities that the tests' stages stand on: one for the whole country, and one for Longhui county alone."""

from datetime import UTC, date, datetime, timedelta

from sqlalchemy import text
from sqlalchemy.orm import Session

from models.core.database import connect
from models.organisations.charity import Charity
from models.organisations.filing import Filing
from models.organisations.merchant import Merchant
from models.places.region import covers

# The first has the number that the upgrade gives, so that all of the tests stand on what was there before as well.
NATIONAL, LONGHUI = 0, 1
NAME, CREDIT_CODE, CERTIFICATE = "青禾桥助乡基金会", "53360000500000005N", "慈募证字第430001号"
FILING, AUTHORITY, PLATFORM = "53360000500000005NA26001", "湖南省民政厅", "帮扶通"
OTHER_NAME, OTHER_CREDIT_CODE = "隆回山路慈善会", "51430524500000002G"
# The newest first: an account that another replaced is still its own.
MERCHANTS = {NATIONAL: ("1900000109", "1900000999"), LONGHUI: ("1900000777",)}
_LONGHUI = "430524000000"
DAYS = (date(2026, 1, 1), date(2099, 12, 31))
_BEFORE_ALL = datetime(2026, 1, 1, tzinfo=UTC)


def seed_charities(database_url: str) -> None:
    """Put them into a database that has regions, past the audit trail: to a test they have always been there."""
    database = connect(database_url)
    with Session(database) as db, db.begin():
        for number, name, code, region in (
            (NATIONAL, NAME, CREDIT_CODE, None),
            (LONGHUI, OTHER_NAME, OTHER_CREDIT_CODE, _LONGHUI),
        ):
            certificate = CERTIFICATE if number == NATIONAL else "慈募证字第430002号"
            charity = Charity(name=name, credit_code=code, certificate=certificate, region_code=region, state="active")
            charity.created_at = _BEFORE_ALL
            if number == NATIONAL:
                charity.id = NATIONAL
            db.add(charity)
            db.flush()
            filing = FILING if number == NATIONAL else f"{OTHER_CREDIT_CODE}A26001"
            what = {"number": filing, "authority": AUTHORITY, "platform": PLATFORM, "entered_at": _BEFORE_ALL}
            for serial, merchant in enumerate(MERCHANTS[number]):
                added = _BEFORE_ALL - timedelta(days=serial)
                db.add(Merchant(number=merchant, charity_id=number, added_at=added))
            db.add(Filing(charity_id=number, from_day=DAYS[0], to_day=DAYS[1], **what))
    database.dispose()


def remove_charities(database_url: str) -> None:
    """Take them out again, for a database that is as the migrations made it."""
    database = connect(database_url)
    with database.begin() as connection:
        connection.execute(text("SET LOCAL session_replication_role = replica"))  # else they stay for ever
        for table in ("merchants", "filings", "charities"):
            connection.execute(text(f"DELETE FROM {table}"))  # noqa: S608 - names of ours
        for table in ("filings", "charities"):
            connection.execute(text(f"SELECT setval('{table}_id_seq', 1, false)"))
    database.dispose()


def charity_of_seat(role: str, region_code: str) -> int | None:
    """The charity of who is appointed for this seat: Longhui's own fund holders are its charity's."""
    if role != "fund_holder":
        return None
    return LONGHUI if covers(_LONGHUI, region_code) else NATIONAL
