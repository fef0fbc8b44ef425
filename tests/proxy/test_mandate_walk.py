"""Random sequences of proxy work by random people: nothing is done without a consent that lives at that moment."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session as Database

from models.core.database import connect
from models.core.encryption import Keyring, use_keyring
from models.core.refusal import Refusal
from models.people.user import Registration, User, register
from models.proxy.act import confirm_act, deny_act, use
from models.proxy.consent_code import MOST_TRIES, ConsentCode, check_code, make_code, use_code, void_codes
from models.proxy.mandate import Mandate, ProxyAct, get_mandate, grant, live_mandate, revoke_all, unconfirmed
from models.staff.member import Staff
from tests.harness.stage import DAOXIAN_MEIHUA, id_number, settings_for
from tests.harness.tiers import examples

START = datetime(2026, 11, 24, 2, 0, tzinfo=UTC)
PEOPLE, OFFICERS = (0, 1), (0, 1)
person, officer = st.sampled_from(PEOPLE), st.sampled_from(OFFICERS)
# A code that is made and read out comes often, else little of what follows ever happens.
CONSENTS = st.tuples(st.just("consent"), officer, person)
STEPS = st.one_of(
    CONSENTS,
    st.tuples(st.just("act"), officer, person),
    st.tuples(st.just("make"), person),
    st.tuples(st.just("redeem"), officer, person, st.booleans()),
    st.tuples(st.just("guess"), officer, person),
    st.tuples(st.just("use"), officer, st.integers(1, 2)),
    st.tuples(st.just("take_back"), person),
    st.tuples(st.just("answer"), person, st.integers(1, 2), st.booleans()),
    st.tuples(st.just("wait"), st.sampled_from([1, 23, 24 * 29])),
)


class Walk:
    """What should be true is kept beside the tables, in a few lines of its own."""

    def __init__(self, db: Database) -> None:
        self.db, self.now, self.serial = db, START, 0
        self.users = [user.id for user in db.scalars(select(User).order_by(User.id))]
        self.staff = list(db.scalars(select(Staff).order_by(Staff.id)))
        self.codes: dict[int, tuple[str, datetime, int]] = {}
        self.consents: dict[int, tuple[int, int, datetime]] = {}
        self.answers: dict[int, str] = {}

    def refuses(self, act: Any, *arguments: Any) -> bool:
        try:
            act(self.db, *arguments)
        except Refusal:
            return True
        return False

    def make(self, who: int) -> None:
        digits, until = make_code(self.db, self.users[who], self.now)
        self.codes[who] = (digits, until, 0)

    def consent(self, by: int, who: int) -> None:
        self.make(who)
        self.redeem(by, who, True)

    def act(self, by: int, who: int) -> None:
        self.consent(by, who)
        self.use(by, max(self.consents))

    def guess(self, by: int, who: int) -> None:
        for _ in range(MOST_TRIES):
            self.redeem(by, who, False)
        self.redeem(by, who, True)

    def redeem(self, by: int, who: int, right: bool) -> None:
        digits, until, tries = self.codes.get(who, ("", self.now, 0))
        live = bool(digits) and until > self.now and tries < MOST_TRIES
        said = digits if right and digits else f"{(int(digits or 0) + 1) % 10**6:06}"
        user, staff = self.users[who], self.staff[by]
        try:
            code = check_code(self.db, user, said, staff.actor.name, self.now)
        except Refusal:
            assert not (live and right)
            if live:
                self.codes[who] = (digits, until, tries + 1)
            return
        assert live
        assert right
        use_code(self.db, code, user, self.now)
        assert self.refuses(use_code, code, user, self.now)
        self.serial += 1
        mandate = grant(self.db, staff.id, user, "code", "appeal", f"walk-{self.serial}", self.now)
        self.consents[mandate.id] = (by, who, mandate.expires_at)
        del self.codes[who]

    def use(self, by: int, number: int) -> None:
        """A registration stands for any act: its subject is told apart by a number that nothing has."""
        holder = self.consents.get(number)
        good = holder is not None and holder[0] == by and holder[2] > self.now
        try:
            mandate = get_mandate(self.db, number, self.staff[by].id, "appeal", self.now)
        except Refusal:
            assert not good
            return
        assert good
        self.serial += 1
        act = use(self.db, mandate, self.staff[by], "user", 10_000 + self.serial, "", self.now)
        self.answers[act.id] = ""

    def take_back(self, who: int) -> None:
        void_codes(self.db, self.users[who], self.now)
        self.codes.pop(who, None)
        revoke_all(self.db, self.users[who], "walk", self.now)
        self.consents = {number: each for number, each in self.consents.items() if each[1] != who}

    def answer(self, who: int, number: int, yes: bool) -> None:
        act = self.db.get(ProxyAct, number)
        may = act is not None and act.user_id == self.users[who] and self.answers[number] == ""
        if self.refuses(confirm_act if yes else deny_act, self.users[who], number, self.now):
            assert not may
            return
        assert may
        assert act
        self.answers[number] = "yes" if yes else "no"
        if not yes:
            self.consents.pop(act.mandate_id, None)

    def wait(self, hours: int) -> None:
        self.now += timedelta(hours=hours)

    def holds(self) -> None:
        for act in self.db.scalars(select(ProxyAct)):
            assert unconfirmed(self.db, act.subject, act.subject_id) == (self.answers[act.id] != "yes")
        for who, user in enumerate(self.users):
            for by, staff in enumerate(self.staff):
                live = any(each[:2] == (by, who) and each[2] > self.now for each in self.consents.values())
                assert (live_mandate(self.db, user, staff.id, "appeal", self.now) is not None) == live
            unused = ConsentCode.used_at.is_(None) & (ConsentCode.tries < MOST_TRIES)
            usable = (ConsentCode.user_id == user) & unused & (ConsentCode.expires_at > self.now)
            assert (self.db.scalar(select(func.count()).where(usable)) or 0) <= 1


@pytest.fixture(scope="module")
def village(module_database: str) -> Iterator[Database]:
    url = module_database
    use_keyring(Keyring.parse(settings_for(url).data_keys.get_secret_value()))
    database = connect(url)
    with Database(database) as db, db.begin():
        for serial in PEOPLE:
            number = id_number(serial + 3)
            wanted = Registration(f"p{serial}", "resident", (), None, "王秀兰", number, None, DAOXIAN_MEIHUA)
            register(db, wanted, START)
        for serial in OFFICERS:
            common = {"role": "village", "region_code": DAOXIAN_MEIHUA, "name": "周建国", "active_from": START}
            db.add(Staff(work_no=f"N{serial}", account="gh_a", openid=f"o-{serial}", **common))
    with database.connect() as connection:
        yield Database(connection, join_transaction_mode="create_savepoint", expire_on_commit=False)
    database.dispose()


@settings(max_examples=examples(100), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.lists(STEPS, min_size=5, max_size=25))
def test_nothing_is_done_without_a_live_consent(village: Database, steps: list[tuple[Any, ...]]) -> None:
    for table in (ProxyAct, Mandate, ConsentCode):
        village.execute(delete(table))
    walk = Walk(village)
    try:
        for name, *arguments in steps:
            getattr(walk, name)(*arguments)
            walk.holds()
    finally:
        village.rollback()
