"""No name of the people around an appeal, and no number of theirs, is on its page; its owner sees what is masked."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.orm import Session as Database

from models.appeals.appeal import Appeal, BudgetLine
from models.disbursements.payee import Payee
from models.outreach.update import Update
from models.people.user import User
from models.public.page_view import read_page
from models.public.screening import Screen, pattern_of
from models.staff.member import Staff
from tests.harness.stage import Stage, id_number
from tests.scenes.pages import agreed, read

OWNER, CHILD, KIN, OFFICER = "欧阳晚秋", "欧阳小满", "顾长庚", "裴照临"
PHONE, ID_NUMBER, CARD = "13907461234", id_number(77), "6228480402564890018"
SPACED = f"{PHONE[:3]} {PHONE[3:7]}-{PHONE[7:]}"
SAID = f"我叫{OWNER}。我家小满在读书，{KIN}是我舅舅。"
NUMBERS = f"电话{SPACED}，身份证{ID_NUMBER}，卡号{CARD}。要 3,000,000 元。"


@pytest.fixture
def planted(stage: Stage) -> Stage:
    """An appeal in whose every public word a name or a number got past the flows and the officer."""
    stage.open_appeal()
    with Database(stage.database) as db, db.begin():
        appeal = db.get_one(Appeal, 1)
        owner = db.get_one(User, appeal.owner_id)
        owner.name, owner.phone = OWNER, PHONE
        child = User(
            draft_id="child", role="donor", name=CHILD, household_id=owner.household_id, created_at=stage.clock()
        )
        payee = Payee(draft_id="p", appeal_id=1, kind="household", name=KIN, account=CARD, added_by=owner.id)
        payee.fixed_at = stage.clock()
        db.get_one(Staff, appeal.endorsed_by).name = OFFICER
        db.add_all([child, payee])
        appeal.title, appeal.story = f"帮{OWNER}修路", SAID + NUMBERS
        db.get_one(BudgetLine, 1).item = f"给{KIN}的水泥"
        words = f"{OFFICER}来看过，欧 阳·小满也高兴。"
        told = {"draft_id": "u", "appeal_id": 1, "words": words, "state": "published"}
        db.add(Update(**told, created_at=stage.clock(), decided_at=stage.clock()))
    agreed(stage, 1)
    return stage


def test_no_name_and_no_number_of_anybody_is_on_the_page(planted: Stage) -> None:
    page = read(planted, 1)
    assert page.status_code == 200
    bare = re.sub(r"[\s·\-]", "", page.text)
    for words in (OWNER, OWNER[1:], CHILD, CHILD[1:], KIN, OFFICER, PHONE, ID_NUMBER, CARD):
        assert words not in bare
    for words in ("修路", "水泥", "是我舅舅", "3,000,000", "来看过"):
        assert words in page.text
    # Nobody's row can be told from the page.
    with Database(planted.database) as db:
        assert f"user:{db.get_one(Appeal, 1).owner_id}" not in page.text
    assert "household" not in page.text


def test_the_owner_reads_which_sentences_are_masked(planted: Stage) -> None:
    with Database(planted.database) as db:
        masked = read_page(db, 1, planted.clock(), is_open=True).masked
    assert f"帮{OWNER}修路" in masked
    assert f"我叫{OWNER}。" in masked
    assert "要 3,000,000 元。" not in masked
    link = next(word for word in planted.say("o-owner-0", "网页").split() if word.startswith("http"))
    assert planted.browse("o-owner-0", link).status_code == 200


@given(st.text("王秀兰 ·，。a1", max_size=40), st.sampled_from(["王秀兰", "秀兰", "王"]))
def test_what_is_masked_holds_no_name_and_keeps_its_length(text: str, name: str) -> None:
    masked = Screen(pattern_of([name])).mask(text)
    assert len(masked) == len(text)
    assert len(name) == 1 or name not in re.sub(r"[\s·]", "", masked)
