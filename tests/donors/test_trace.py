"""查 and the page behind it: whoever has a gift's code sees where its money is, and nothing of anybody."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select
from sqlalchemy.orm import Session as Database

from bot.wechat.codec import REPLY_BYTES
from bot.words.lexicon import load_lexicon
from bot.words.render import Renderer
from flows.engine.flow import Say
from flows.readers.words.gift_code import read_code
from handlers.donors.trace import MOST_STEPS, MOST_TRIES
from models.appeals.appeal import freeze, get_appeal
from models.core.apportionment import split
from models.core.codes import ALPHABET
from models.core.money import LARGEST
from models.core.state_machine import SYSTEM
from models.donors.trace import Step, Trace, find_trace
from models.giving.allocation import DisbursementShare
from models.giving.pledge import CODE_LENGTH
from models.ledger.tables import LedgerLink, LedgerTransaction
from models.organisations.charity import LONGEST_NAME
from models.organisations.collector import Collector
from models.organisations.filing import LONGEST_NUMBER
from models.payments.redirection import redirect
from models.payments.refund import Refund
from tests.harness.stage import Stage
from tests.scenes.money import gifts, refunds
from tests.scenes.trace import GIFT, OTHER, SPENT, code_of, flat, page, received, secrets, walked, yuan

NOBODYS = "ZZZZ2345ZZ"


def number_of(stage: Stage, kind: str, cause: str) -> int:
    """In the public ledger."""
    posted = LedgerTransaction
    found = select(LedgerLink.number).join(posted, posted.id == LedgerLink.transaction_id)
    with Database(stage.database) as db:
        return db.scalars(found.where(posted.kind == kind, posted.cause == cause)).one()


def test_it_tells_the_way_of_the_money_in_days_and_facts(stage: Stage) -> None:
    way = walked(stage)
    part = split(SPENT, {way.gift: GIFT, 0: OTHER})[way.gift]
    for shown in (stage.say("o-li", f"查 {way.code}"), flat(page(stage, f"/trace/{way.code}"))):
        assert f"求助 {way.appeal} 号“苗寨修路”" in shown
        assert "2026年11月24日" in shown
        assert f"答应捐 {yuan(GIFT)}" in shown
        assert f"付了 {yuan(GIFT)}，到账" in shown
        assert f"{yuan(part)} 用在“水泥”，付给商家；收到没有，那家人还没说" in shown
        assert "2026年11月26日" in shown
        assert f"{yuan(part)} 已经用出去，{yuan(GIFT - part)} 还在慈善组织账上等着用" in shown
        assert f"公开账本第 {number_of(stage, 'disbursed', f'disbursement:{way.use}')} 笔" in shown
        assert f"公开账本第 {number_of(stage, 'payment_received', 'order:1')} 笔" in shown
    stage.clock.move(timedelta(days=3))
    received(stage, way)
    assert "那家人说收到了（2026年11月29日）" in stage.say("o-li", f"查 {way.code}")
    with Database(stage.database) as db:
        shares = select(DisbursementShare.amount_fen).where(DisbursementShare.pledge_id == way.gift)
        assert db.scalars(shares).one() == part


def test_nothing_of_anybody_is_in_it(stage: Stage) -> None:
    way = walked(stage)
    received(stage, way)
    told = stage.say("o-stranger", f"查 {way.code}") + flat(page(stage, f"/trace/{way.code}"))
    told += flat(page(stage, "/ledger")) + flat(page(stage, "/trace"))
    for secret in secrets(stage):
        assert secret not in told
    own = stage.say("o-stranger", f"查 {way.code}") + flat(page(stage, f"/trace/{way.code}"))
    for fen in (OTHER, SPENT, GIFT + OTHER):
        assert yuan(fen) not in own
    assert way.other not in own
    assert "留名" not in own


def test_it_is_the_same_for_everybody_who_has_the_code(stage: Stage) -> None:
    way = walked(stage)
    stage.say("o-li", "消息")
    own = stage.say("o-li", f"查 {way.code}")
    assert stage.said == ["replies/donors/trace"]
    for openid in ("o-other", "o-stranger", "o-holder"):
        stage.say(openid, "消息")
        assert stage.say(openid, f"查 {way.code}") == own


def test_a_number_leads_on_to_the_appeal(stage: Stage) -> None:
    way = walked(stage)
    stage.say("o-stranger", f"查 {way.code}")
    stage.say("o-stranger", "1")
    assert stage.said == ["replies/appeals/appeal"]


@pytest.mark.parametrize(
    "typed",
    [
        "查{code}",
        "查编号：{code}",
        "查 {spaced}",
        "查{lower}",
        "查编号 {wide}",
        "查 {code}。",
        "查捐款{lower}",
        "查\u200b {code}",
    ],
)
def test_a_code_is_read_however_it_is_typed(stage: Stage, typed: str) -> None:
    code = code_of(stage, gifts.give(stage, stage.open_appeal(), 100, "o-li"))
    wide = "".join(chr(ord(sign) + 0xFEE0) for sign in code)
    spaced = f"{code[:4]} {code[4:7]} {code[7:]}"
    said = stage.say("o-stranger", typed.format(code=code, lower=code.lower(), wide=wide, spaced=spaced))
    assert f"编号 {code}" in said


@given(st.text(alphabet=ALPHABET, min_size=CODE_LENGTH, max_size=CODE_LENGTH), st.data())
def test_whatever_stands_between_its_signs_a_code_is_read(code: str, data: st.DataObject) -> None:
    typed = "".join(
        data.draw(st.sampled_from([sign, sign.lower(), chr(ord(sign) + 0xFEE0)]))
        + data.draw(st.sampled_from(["", "", " ", "-", "\u3000", "\u200b", "·"]))
        for sign in code
    )
    read = read_code(typed)
    assert read.read == code
    assert read.fits


@given(st.text(max_size=60))
def test_no_words_break_the_reading(text: str) -> None:
    read = read_code(text)
    assert read.fits is (len(read.read) == CODE_LENGTH and set(read.read) <= set(ALPHABET))


@pytest.mark.parametrize(
    ("typed", "says"),
    [
        ("K7M20ABCDE", "看到的编号是“K7M20ABCDE”，编号里不会有“0”"),
        ("k7m2oilcde", "看到的编号是“K7M2OILCDE”，编号里不会有“O”“I”“L”"),
        ("K7M2ABCDE", "看到的编号是“K7M2ABCDE”，一共 9 位"),
        ("K7M2 ABCDE 234", "一共 12 位"),
    ],
)
def test_what_cannot_be_a_code_is_said_back_and_counted_for_nothing(stage: Stage, typed: str, says: str) -> None:
    for _ in range(MOST_TRIES + 1):
        assert says in stage.say("o-stranger", f"查 {typed}")
    assert "没有编号" in stage.say("o-stranger", f"查 {NOBODYS}")


def test_wrong_codes_come_to_an_end_for_a_day_and_ones_own_do_not(stage: Stage) -> None:
    code = code_of(stage, gifts.give(stage, stage.open_appeal(), 100, "o-li"))
    for _ in range(MOST_TRIES):
        assert f"没有编号 {NOBODYS}" in stage.say("o-li", f"查 {NOBODYS}")
        assert f"没有编号 {NOBODYS}" in stage.say("o-stranger", f"查 {NOBODYS}")
    for typed in (NOBODYS, code):
        assert "今天不能再查" in stage.say("o-stranger", f"查 {typed}")
    assert "全在慈善组织账上" in stage.say("o-li", f"查 {code}")
    assert "全在慈善组织账上" in stage.say("o-other", f"查 {code}")
    stage.clock.move(timedelta(days=1))
    assert "全在慈善组织账上" in stage.say("o-stranger", f"查 {code}")


def test_the_word_alone_lists_ones_own(stage: Stage) -> None:
    assert "请写上它的编号" in stage.say("o-stranger", "查")
    code = code_of(stage, gifts.give(stage, stage.open_appeal(), 12_000, "o-li"))
    stage.say("o-li", "消息")
    assert "1 ¥120 给 1 号" in stage.say("o-li", "查")
    assert f"编号 {code}" in stage.say("o-li", "1")


def test_each_state_has_its_words(stage: Stage) -> None:
    """From a promise to what went back."""
    appeal = stage.open_appeal()
    waits = gifts.promise(stage, appeal, 10_000, "o-li")
    code = code_of(stage, waits)
    assert "还没有付钱" in stage.say("o-x", f"查 {code}")
    gifts.take(stage, gifts.payment_of(stage, gifts.ordered(stage, waits)))
    assert "¥100 全在慈善组织账上" in stage.say("o-x", f"查 {code}")
    refunds.spend(stage, appeal, 4_000)
    stage.clock.move(timedelta(days=1))
    refund = refunds.want_back(stage, waits)
    stage.clock.move(timedelta(days=1))
    with Database(stage.database) as db:
        found = find_trace(db, code)
        assert found
        assert [step.kind for step in found.steps] == ["promised", "paid", "spent", "goes_back"]
        assert (found.held_fen, found.spent_fen) == (0, 4_000)
    refunds.hear(stage, refunds.news_of(stage, refund))
    with Database(stage.database) as db:
        found = find_trace(db, code)
        assert found
        assert [(step.kind, step.fen) for step in found.steps][2:] == [("spent", 4_000), ("gone_back", 6_000)]
    assert found.steps[-1].number is None  # it has no place in the public ledger before it is sealed
    stage.seal()
    with Database(stage.database) as db:
        found = find_trace(db, code)
        assert found
    assert found.steps[-1].number == number_of(stage, "refund_paid", refund.cause)


def test_what_is_asked_back_and_what_went_back_is_said(stage: Stage) -> None:
    gift = gifts.give(stage, stage.open_appeal(), 10_000, "o-li")
    code = code_of(stage, gift)
    refund = refunds.want_back(stage, gift)
    assert "钱正在退回，原路退" in stage.say("o-x", f"查 {code}")
    assert "¥100 开始退（捐赠人要退）" in flat(page(stage, f"/trace/{code}"))
    stage.clock.move(timedelta(days=1))
    refunds.hear(stage, refunds.news_of(stage, refund))
    assert "钱已经原路退回" in stage.say("o-x", f"查 {code}")
    assert "2026年11月25日 ¥100 退到了（捐赠人要退）" in flat(page(stage, f"/trace/{code}"))


def test_a_gift_that_was_handed_on_leads_to_the_new_one_and_back(stage: Stage) -> None:
    first = stage.open_appeal()
    code = refunds.given(stage, "o-li", first, 10_000, "similar")
    stage.clock.move(timedelta(hours=1))
    refunds.fail_and_plan(stage, first)
    third = stage.open_appeal()
    with Database(stage.database) as db, db.begin():
        made = redirect(db, db.scalars(select(Refund.id)).one(), stage.clock())
        assert made
        new = made.code
    told = stage.say("o-x", f"查 {code}")
    assert "钱转给了另一个求助" in told
    assert f"转给求助 {third} 号“苗寨修路”（求助没办成），新编号 {new}" in told
    told = stage.say("o-x", f"查 {new}")
    assert f"¥100 从求助 {first} 号转过来" in told
    assert "¥100 全在慈善组织账上" in told


def test_a_stopped_appeal_is_said(stage: Stage) -> None:
    appeal = stage.open_appeal()
    code = code_of(stage, gifts.give(stage, appeal, 10_000, "o-li"))
    with Database(stage.database) as db, db.begin():
        freeze(db, get_appeal(db, appeal, lock=True), SYSTEM, stage.clock(), "complaint")
    assert "求助暂停了，县里在核查；¥100 在慈善组织账上，先不动" in stage.say("o-x", f"查 {code}")


def test_a_promise_while_no_money_is_taken_is_one(stage: Stage) -> None:
    stage.register("o-li", "donor")
    stage.open_appeal()
    for words in ("捐 1 100", "2", "确认"):
        said = stage.say("o-li", words)
    found = re.search(rf"[{ALPHABET}]{{{CODE_LENGTH}}}", said)
    assert found
    assert "这是一句承诺，还没有付钱" in stage.say("o-x", f"查 {found[0]}")


def test_a_promise_to_an_appeal_that_stopped_or_is_over_need_not_be_paid(stage: Stage) -> None:
    appeal = stage.open_appeal()
    code = code_of(stage, gifts.promise(stage, appeal, 10_000, "o-li"))
    with Database(stage.database) as db, db.begin():
        freeze(db, get_appeal(db, appeal, lock=True), SYSTEM, stage.clock(), "complaint")
    assert "求助暂停了，县里在核查，先不用付" in stage.say("o-x", f"查 {code}")
    other = stage.open_appeal(target_fen=20_000)
    late = code_of(stage, gifts.promise(stage, other, 10_000, "o-li"))
    gifts.give(stage, other, 20_000, "o-wang")
    assert "答应了，没有付钱；求助已经不收捐款了，不用付了" in stage.say("o-x", f"查 {late}")


LONGEST = Collector("𠮷" * LONGEST_NAME, "5" * 18, "9" * 40, "A" * LONGEST_NUMBER)


def test_what_is_yet_to_be_paid_fits_with_its_two_addresses() -> None:
    at = datetime(2026, 12, 31, 2, 0, tzinfo=UTC)
    steps = [Step("promised", at, LARGEST)]
    trace = Trace(NOBODYS, 999_999, "𠮷" * 30, LARGEST, "awaiting_payment", False, at, LONGEST, 0, 0, steps)
    links = {kind: f"https://{'a' * 60}.example/{kind}/{'b' * 120}" for kind in ("trace", "pay")}
    ways = list(enumerate(("appeal", "let_go"), 1))
    values = {"trace": trace, "steps": steps, "earlier": False, "link": links["trace"], "pay": links["pay"]}
    words = Renderer(load_lexicon().words).say(Say("replies/donors/trace", None, {**values, "ways": ways}))
    assert len(words.encode()) <= REPLY_BYTES
    assert all(link in words for link in links.values())


@pytest.mark.parametrize("state", ["refund_pending", "redirected", "committed", "awaiting_payment"])
def test_the_longest_way_fits_into_one_reply(state: str) -> None:
    at = datetime(2026, 12, 31, 2, 0, tzinfo=UTC)
    spent = Step("spent", at, LARGEST, 9_999_999, "𠮷" * 60, "household", "acquitted", at)
    moved = Step("redirected", at, LARGEST, 9_999_999, state="cancelled", appeal=999_999, title="𠮷" * 30, code=NOBODYS)
    steps = [*[spent] * (MOST_STEPS - 1), moved]
    trace = Trace(NOBODYS, 999_999, "𠮷" * 30, LARGEST, state, True, at, LONGEST, LARGEST, LARGEST, steps)
    link = f"https://{'a' * 60}.example/trace/{NOBODYS}"
    values = {"trace": trace, "steps": steps, "earlier": True, "link": link, "pay": "", "ways": [(1, "appeal")]}
    words = Renderer(load_lexicon().words).say(Say("replies/donors/trace", None, values))
    assert len(words.encode()) <= REPLY_BYTES
    assert words.count("公开账本第 9999999 笔") == MOST_STEPS
