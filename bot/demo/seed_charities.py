"""Play how the charities of config/demo/charities.toml come to be: registered, with a merchant, with their filings."""

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from functools import partial

from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.demo.seed_cases import Happening, Row
from models.appeals.publication import begin_to_collect
from models.ledger.accounts import FIRST_CHARITY
from models.organisations.charity import Charity, add_charity, name_charity
from models.organisations.filing import Filing, add_filing
from models.organisations.merchant import add_merchant, merchant_of


class Charities:
    """Play the charities. ``numbers``: those that exist so far, by their keys in the file."""

    def __init__(self, db: Session, today: date) -> None:
        self.db, self.today = db, today
        self.numbers: dict[str, int] = {}

    def happenings(self, rows: dict[str, Row]) -> Iterator[Happening]:
        for key, row in rows.items():
            yield row["days_ago"], partial(self.register, key, row)
            for filing in row["filings"]:
                yield filing["from_days_ago"], partial(self.file, key, filing)

    def register(self, key: str, row: Row, when: datetime) -> None:
        """Register it, unless it is there: the year's county has the same one (bot.demo.year)."""
        known = self.db.scalar(select(Charity.id).where(Charity.credit_code == row["credit_code"]))
        if known is not None:
            self.numbers[key] = known
            return
        names = (row["name"], row["credit_code"], row["certificate"])
        self.numbers[key] = add_charity(self.db, *names, row.get("region"), when).id
        add_merchant(self.db, self.numbers[key], row["merchant"], when)

    def file(self, key: str, row: Row, when: datetime) -> None:
        """Enter the filing, unless it is there."""
        if self.db.scalar(select(Filing.id).where(Filing.number == row["number"])):
            return
        days = (self.today - timedelta(days=row["from_days_ago"]), self.today + timedelta(days=row["to_in_days"]))
        add_filing(self.db, self.numbers[key], row["number"], row["authority"], row["platform"], days, when)

    def name_first(self, rows: dict[str, Row], when: datetime) -> None:
        """Name the charity that the upgrade from 0.2 made of the data set's fund holders, so that it collects again."""
        charity = self.db.get(Charity, FIRST_CHARITY)
        if charity is None or charity.state != "unnamed":
            return
        key, row = next(iter(rows.items()))
        self.numbers[key] = charity.id
        name_charity(self.db, charity.id, row["name"], row["credit_code"], row["certificate"], row.get("region"), when)
        if merchant_of(self.db, charity.id) is None:
            add_merchant(self.db, charity.id, row["merchant"], when)
        for filing in row["filings"]:
            self.file(key, filing, when)
        begin_to_collect(self.db, when)
