"""Two sides of a day, compared: whatever lines there are, each discrepancy is found once, and none is invented."""

from collections import Counter
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from models.treasury.comparison import NOT_BACK, BillRecord, BookRecord, FoundDiscrepancy, compare, pair

ENDS = datetime(2026, 11, 25, 16, tzinfo=UTC)
WITHIN, LATER = ENDS - timedelta(hours=1), ENDS + timedelta(hours=1)
KEYS = st.tuples(st.sampled_from(["payment", "refund"]), st.sampled_from("ABab_-09@"), st.sampled_from("XY"))
FEN = st.integers(1, 3)
REFUND_STATES = ["owed", "asked", "paid", "abnormal", "closed", "refused", "redirected"]
LINE_STATES = [*sorted(NOT_BACK), "SUCCESS", "NEWS_TO_US"]


@st.composite
def ours(draw: st.DrawFn) -> BookRecord:
    subject, number, order = draw(KEYS)
    state = "paid" if subject == "payment" else draw(st.sampled_from(REFUND_STATES))
    done_at = draw(st.sampled_from([WITHIN, LATER])) if state == "paid" else None
    earlier = subject == "refund" and draw(st.booleans())
    return BookRecord(subject, number, order, draw(FEN), state, done_at, draw(st.integers(0, 3)), earlier)


@st.composite
def theirs(draw: st.DrawFn) -> BillRecord:
    subject, number, order = draw(KEYS)
    state = "SUCCESS" if subject == "payment" else draw(st.sampled_from(LINE_STATES))
    return BillRecord(subject, number, order, draw(FEN), state)


def is_back(ours: BookRecord) -> bool:
    return ours.state == "paid" and not ours.earlier


def states_differ(ours: BookRecord, theirs: BillRecord) -> bool:
    """Said the other way round than in models.treasury.comparison: of a refund, when is one side wrong?"""
    if ours.subject == "payment":
        return False
    if theirs.state == "SUCCESS":
        return not is_back(ours)
    if theirs.state == "NEWS_TO_US":
        return True
    if ours.earlier:
        return False
    nothing_was_to_go = ours.state in ("refused", "redirected")
    return nothing_was_to_go or (ours.state == "paid" and ours.done_at == WITHIN)


def expected(ours: list[BookRecord], theirs: list[BillRecord]) -> Counter[tuple[str, tuple[str, str, str]]]:
    """By counting, without any order: of each key so many are on both sides as on the side with fewer."""
    wrong: Counter[tuple[str, tuple[str, str, str]]] = Counter()
    for key in {one.key for one in ours} | {one.key for one in theirs}:
        mine = [one for one in ours if one.key == key]
        yours = [one for one in theirs if one.key == key]
        wrong["missing_here", key] += max(len(yours) - len(mine), 0)
        wrong["missing_there", key] += max(len(mine) - len(yours), 0)
        for one, other in zip(mine, yours, strict=False):
            wrong["amount", key] += one.fen != other.fen
            wrong["state", key] += states_differ(one, other)
        wrong["ledger", key] += sum(one.ledger_fen != one.moved_fen for one in mine)
    return +wrong


def count(found: list[FoundDiscrepancy]) -> Counter[tuple[str, tuple[str, str, str]]]:
    return Counter((one.kind, one.key) for one in found)


@given(mine=st.lists(ours(), max_size=12), yours=st.lists(theirs(), max_size=12))
def test_each_discrepancy_is_found_once_and_none_is_invented(mine: list[BookRecord], yours: list[BillRecord]) -> None:
    mine.sort(key=lambda one: one.key)
    yours.sort(key=lambda one: one.key)
    assert count(list(compare(mine, yours, ENDS))) == expected(mine, yours)


@given(mine=st.lists(ours(), max_size=12), yours=st.lists(theirs(), max_size=12))
def test_every_line_is_paired_once_and_in_order(mine: list[BookRecord], yours: list[BillRecord]) -> None:
    mine.sort(key=lambda one: one.key)
    yours.sort(key=lambda one: one.key)
    pairs = list(pair(mine, yours))
    assert [one for one, _ in pairs if one] == mine
    assert [one for _, one in pairs if one] == yours
    assert all(one.key == other.key for one, other in pairs if one and other)


@given(mine=st.lists(ours(), max_size=12), yours=st.lists(theirs(), max_size=12))
def test_the_discrepancies_explain_what_the_sums_of_payments_differ_by(
    mine: list[BookRecord], yours: list[BillRecord]
) -> None:
    mine = sorted((one for one in mine if one.subject == "payment"), key=lambda one: one.key)
    yours = sorted((one for one in yours if one.subject == "payment"), key=lambda one: one.key)
    explained = 0
    for found in compare(mine, yours, ENDS):
        match found.kind:
            case "missing_here":
                explained += found.theirs_fen or 0
            case "missing_there":
                explained -= found.ours_fen or 0
            case "amount":
                explained += (found.theirs_fen or 0) - (found.ours_fen or 0)
    unposted = sum(one.fen - one.ledger_fen for one in mine)
    assert sum(one.fen for one in yours) - sum(one.ledger_fen for one in mine) == explained + unposted


@given(same=st.lists(ours(), max_size=12, unique_by=lambda one: one.key))
def test_what_is_the_same_on_both_sides_differs_in_nothing(same: list[BookRecord]) -> None:
    right = [
        BookRecord(
            one.subject, one.number, one.out_trade_no, one.fen, one.state, one.done_at, one.moved_fen, one.earlier
        )
        for one in sorted(same, key=lambda one: one.key)
    ]
    lines = [
        BillRecord(*one.key, one.fen, "SUCCESS" if one.subject == "payment" or is_back(one) else "CLOSED")
        for one in right
        if one.state not in ("refused", "redirected") or one.earlier
    ]
    unasked = [one for one in right if one.state in ("refused", "redirected") and not one.earlier]
    assert list(compare([one for one in right if one not in unasked], lines, ENDS)) == []
