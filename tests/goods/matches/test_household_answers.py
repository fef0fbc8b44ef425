"""A household answers a proposal: by a number, by plain words, for all of it or a part; and takes its yes back."""

import pytest

from models.goods.matches.match import Match
from tests.scenes.handover import Handover
from tests.scenes.handover import handover as handover


@pytest.fixture
def match(handover: Handover) -> int:
    """Two of nine quilts, proposed to Wang."""
    handover.open_point()
    request = handover.ask(handover.resident("wang"))
    return handover.match(handover.give(handover.donor("qin"), told=False), request)


def proposal(handover: Handover) -> str:
    """Wang opens the proposal from 我的."""
    handover.say("wang", "我的")
    return handover.say("wang", "1")


def quantity_of(handover: Handover, match: int) -> int:
    with handover.session() as db:
        return db.get_one(Match, match).quantity


def test_one_digit_is_a_yes(handover: Handover, match: int) -> None:
    assert "1 要" in proposal(handover)
    assert "新棉被" in handover.say("wang", "1")
    assert handover.state_of(match) == "recipient_ok"


def test_two_is_a_no_and_the_request_stays(handover: Handover, match: int) -> None:
    proposal(handover)
    assert "下一回有人送，还有您家" in handover.say("wang", "2")
    assert handover.state_of(match) == "declined"


@pytest.mark.parametrize("word", ["要", "要的", "好", "行", "可以", "好的", "我要"])
def test_a_plain_yes_under_the_proposal_counts(handover: Handover, match: int, word: str) -> None:
    proposal(handover)
    assert "新棉被" in handover.say("wang", word)
    assert handover.state_of(match) == "recipient_ok"


def test_a_yes_counts_where_one_proposal_waits_and_nothing_else_stands_there(handover: Handover, match: int) -> None:
    assert "新棉被" in handover.say("wang", "要")
    assert handover.state_of(match) == "recipient_ok"


@pytest.mark.parametrize("word", ["要", "好的", "不要", "不用了"])
def test_a_word_under_something_else_decides_nothing(handover: Handover, match: int, word: str) -> None:
    handover.say("wang", "菜单")
    handover.say("wang", word)
    assert handover.state_of(match) == "proposed"


@pytest.mark.parametrize("word", ["要", "好的", "不要", "只要1件"])
def test_amid_a_question_the_words_are_of_the_question(handover: Handover, match: int, word: str) -> None:
    handover.say("wang", "求物")
    handover.say("wang", word)
    assert handover.state_of(match) == "proposed"


def test_a_no_without_the_proposal_on_the_screen_is_asked_back(handover: Handover, match: int) -> None:
    assert "2 不要" in handover.say("wang", "不要")
    assert handover.state_of(match) == "proposed"
    handover.say("wang", "2")
    assert handover.state_of(match) == "declined"


def test_of_two_proposals_a_yes_is_asked_back(handover: Handover, match: int) -> None:
    other = handover.match(handover.give(handover.donor("zhao"), "旧书", told=False), handover.ask("wang", "旧书"))
    assert "旧书" in handover.say("wang", "要")
    assert [handover.state_of(each) for each in (match, other)] == ["proposed", "proposed"]
    handover.say("wang", "2")
    handover.say("wang", "要")
    assert [handover.state_of(each) for each in (match, other)] == ["recipient_ok", "proposed"]


def test_a_part_is_asked_for_and_confirmed(handover: Handover, match: int) -> None:
    assert "3 只要一部分" in proposal(handover)
    assert "1 到 2" in handover.say("wang", "3")
    assert "只要：1 件" in handover.say("wang", "1")
    assert "剩下的给别家" in handover.say("wang", "确认")
    assert handover.state_of(match) == "recipient_ok"
    assert quantity_of(handover, match) == 1


@pytest.mark.parametrize(("said", "why"), [("0", "至少是 1"), ("5", "1 件到 2 件之间"), ("1.5", "整"), ("一半", "数")])
def test_a_part_that_cannot_be_is_said_why(handover: Handover, match: int, said: str, why: str) -> None:
    proposal(handover)
    handover.say("wang", "3")
    assert why in handover.say("wang", said)
    assert handover.state_of(match) == "proposed"


@pytest.mark.parametrize("said", ["只要1件", "只要一件", "我家只要1个", "要1件", "要一床"])
def test_a_part_typed_at_once_is_reviewed(handover: Handover, match: int, said: str) -> None:
    assert "只要：1 件" in handover.say("wang", said)
    handover.say("wang", "确认")
    assert (handover.state_of(match), quantity_of(handover, match)) == ("recipient_ok", 1)


def test_a_part_that_is_all_of_it_is_a_yes(handover: Handover, match: int) -> None:
    handover.say("wang", "要2件")
    assert (handover.state_of(match), quantity_of(handover, match)) == ("recipient_ok", 2)


@pytest.mark.parametrize("said", ["只要0件", "只要9件", "只要一半"])
def test_a_part_typed_at_once_that_cannot_be_is_said_why(handover: Handover, match: int, said: str) -> None:
    assert "没有记下" in handover.say("wang", said) or "数" in handover.say("wang", said)
    assert handover.state_of(match) == "proposed"


def test_what_its_donor_does_not_part_is_taken_whole(handover: Handover) -> None:
    handover.open_point()
    offer = handover.give(handover.donor("qin"), told=False)
    handover.smallest(offer, 2)
    match = handover.match(offer, handover.ask(handover.resident("wang")))
    assert "3 只要一部分" not in proposal(handover)
    assert "不能再分" in handover.say("wang", "只要1件")
    handover.say("wang", "1")
    assert handover.state_of(match) == "recipient_ok"


def test_whose_it_is_not_learns_nothing(handover: Handover, match: int) -> None:
    handover.resident("zhou")
    for command in ("view_match", "want_goods", "want_part", "leave_goods"):
        assert "不是您的" in handover.choose("zhou", command, str(match))
    assert "不是您的" in handover.choose("zhou", "will_send", f"match:{match}")
    assert "不是您的" in handover.choose("wang", "will_send", f"match:{match}")
    assert "不是您的" in handover.choose("qin", "want_goods", str(match))
    assert handover.state_of(match) == "proposed"


def test_an_answer_twice_says_where_it_stands(handover: Handover, match: int) -> None:
    proposal(handover)
    handover.say("wang", "1")
    assert "已经说过要了" in handover.choose("wang", "want_goods", str(match))
    handover.choose("wang", "leave_goods", str(match), "sure")
    assert "说过不要" in handover.choose("wang", "want_goods", str(match))


def test_an_answer_after_the_time_says_that_it_went_on(handover: Handover, match: int) -> None:
    proposal(handover)
    handover.lapse(match)
    assert "过了说的时间" in handover.say("wang", "1")


def test_of_two_phones_at_once_one_counts(handover: Handover, match: int) -> None:
    handover.choose("wang", "want_goods", str(match))
    handover.choose("wang", "leave_goods", str(match))
    assert handover.state_of(match) == "recipient_ok"


@pytest.mark.parametrize("state", ["recipient_ok", "donor_ok", "in_transit", "at_point"])
def test_a_yes_is_taken_back_once_it_is_sure(handover: Handover, match: int, state: str) -> None:
    handover.advance(match, state)
    handover.say("wang", "消息")
    handover.clear("wang")
    assert "不要了？" in handover.say("wang", "不要了")
    assert handover.state_of(match) == state
    assert "不给您家了" in handover.say("wang", "1")
    # What is on its way is taken in at the point all the same, and offered to others there.
    assert handover.state_of(match) == ("in_transit" if state == "in_transit" else "cancelled")
    assert "说过不要" in handover.choose("wang", "leave_goods", str(match))


def test_without_goods_on_their_way_the_word_to_leave_shows_the_menu(handover: Handover) -> None:
    handover.resident("wang")
    assert "求物" in handover.say("wang", "不要了")


def test_the_six_digits_are_the_household_s_alone(handover: Handover, match: int) -> None:
    handover.advance(match, "at_point")
    with handover.session() as db:
        code = db.get_one(Match, match).code or ""
    handover.say("wang", "消息")
    page = proposal(handover)
    assert code in page
    assert " ".join(code) in page
    assert code not in handover.say("qin", "包裹") + handover.say("qin", "1")
