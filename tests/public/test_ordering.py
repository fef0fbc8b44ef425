"""The order of the public lists: what is urgent first, then what has waited longest; for who asks for a place the
nearest before all else. Page after page each thing comes once."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import insert, text
from sqlalchemy.orm import Session as Database

from models.core.database import connect
from models.goods.exchange import GoodsRequest
from models.public.catalogue import REQUESTS
from models.public.ordering import URGENT, read_cursor
from tests.harness.stage import DAOXIAN_MEIHUA
from tests.harness.tiers import examples

NOW = datetime(2026, 11, 24, 2, 0, tzinfo=UTC)
TODAY = date(2026, 11, 24)
DAOXIAN, LONGHUI, YUELU = "431124000000", "430524000000", "430104000000"
# The levels of region that each shares with the township of Meihua: all but the village, the city's, the province's.
PLACES = {DAOXIAN_MEIHUA: 0, "431124102000": 1, "431103000000": 2, LONGHUI: 3, YUELU: 3}


@dataclass(frozen=True)
class Asked:
    number: int
    place: str
    waited: int
    need_by: int | None

    def order(self, near: bool) -> tuple[int, bool, int, int]:
        """Where it stands: how far away, urgent ones first, the sooner day or the longer wait, and its number."""
        urgent = self.need_by is not None and 0 <= self.need_by <= URGENT.days
        return (
            PLACES[self.place] if near else 0,
            not urgent,
            (self.need_by or 0) if urgent else -self.waited,
            self.number,
        )

    @property
    def row(self) -> dict[str, object]:
        since = NOW - timedelta(hours=self.waited)
        return {
            **{"id": self.number, "draft_id": f"d{self.number}", "owner_id": 1, "household_id": self.number},
            **{"category": "food", "item": "大米", "unit": "piece", "quantity": 2, "reason": "r", "state": "open"},
            **{"region_code": self.place, "created_at": since, "looked_at": since, "waits_from": since},
            "need_by": None if self.need_by is None else TODAY + timedelta(days=self.need_by),
        }


ASKED = st.builds(
    Asked,
    number=st.integers(1, 40),
    place=st.sampled_from(sorted(PLACES)),
    waited=st.integers(0, 3),
    need_by=st.none() | st.integers(-2, 9),
)


@settings(max_examples=examples())
@given(
    there=st.lists(ASKED, max_size=14, unique_by=lambda each: each.number),
    new=st.lists(ASKED, max_size=4, unique_by=lambda each: each.number),
    near=st.booleans(),
    turns=st.integers(0, 2),
)
def test_each_comes_once_in_its_order_whatever_is_asked_while_pages_are_turned(
    module_database: str, there: list[Asked], new: list[Asked], near: bool, turns: int
) -> None:
    database = connect(module_database)
    with Database(database) as db:
        # Their owner and households are not there: the order is all that is looked at. Nothing of it is kept.
        db.execute(text("SET LOCAL session_replication_role = replica"))
        if there:
            db.execute(insert(GoodsRequest), [each.row for each in there])
        seen, after, pages = [], "", 0
        while True:
            page = REQUESTS.page(db, (), NOW, near=DAOXIAN_MEIHUA if near else None, after=after)
            seen += [item.number for item in page.items]
            pages += 1
            if pages == turns:
                known = {each.number for each in there}
                more = [each.row for each in new if each.number not in known]
                if more:
                    db.execute(insert(GoodsRequest), more)
            after = page.after
            if not after:
                break
        db.rollback()
    database.dispose()
    assert len(seen) == len(set(seen))
    known = {each.number for each in there}
    assert [number for number in seen if number in known] == [
        each.number for each in sorted(there, key=lambda each: each.order(near))
    ]


def test_a_cursor_of_an_older_release_begins_anew() -> None:
    assert read_cursor("12") is None
    assert read_cursor("") is None
