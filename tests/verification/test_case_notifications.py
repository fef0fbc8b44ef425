"""What a household, an objector and a late officer hear: every word of it can be said, and is one."""

from itertools import product

import pytest

from bot.words.lexicon import load_lexicon
from bot.words.render import Renderer
from flows.engine.flow import Say
from models.core.state_machine import By
from models.staff.task_steps import STEPS
from models.verification.case import MACHINE

LEXICON = load_lexicon()
RENDERER = Renderer(LEXICON.words, LEXICON.choices)
SETS = ("case_reject_reason", "case_return_reason", "freeze_reason")
REASONS = [*dict.fromkeys(reason for name in SETS for reason in LEXICON.choices[name])]


@pytest.mark.parametrize("state", sorted(MACHINE.states - {"draft"}))
def test_the_news_of_every_state_says_what_comes_next(state: str) -> None:
    dates: tuple[dict[str, str | None], ...] = (
        {"until": "2026-11-29", "expires": "2027-11-29", "due": "2026-12-09"},
        {"until": None, "expires": None},
    )
    for facts, reasons, registry in product(dates, ([], REASONS[:2], ["gone"]), (None, "match", "not_found")):
        values = {"number": 7, "state": state, "reasons": reasons, "registry": registry, "due": "2026-12-09", **facts}
        said = RENDERER.say(Say("notifications/verification/case_moved", "unread", {"v": values}))
        assert "认证" in said
        assert not any(key in said for key in (state, *REASONS, "None", "gone"))


@pytest.mark.parametrize("reason", REASONS)
def test_a_reason_is_said_in_words(reason: str) -> None:
    values = {"number": 7, "reasons": [reason], "registry": None, "due": None, "until": None, "expires": None}
    words = {word for name in SETS for word in LEXICON.choices[name].get(reason, ())}
    for state in ("rejected", "suspended", "revoked", "registry_checked"):
        said = RENDERER.say(Say("notifications/verification/case_moved", "unread", {"v": {**values, "state": state}}))
        assert any(word in said for word in words)


def test_what_goes_on_is_not_told_as_if_it_began() -> None:
    values = {"number": 7, "reasons": [], "registry": None, "due": None, "until": "2026-11-29", "expires": "2027-11-29"}
    for state, was, told, wrong in (
        ("public_notice", "adjudication", "不成立，您家的认证接着公示", "开始公示"),
        ("verified", "suspended", "查清楚了，您家的认证恢复了", "好消息"),
    ):
        said = RENDERER.say(
            Say("notifications/verification/case_moved", "unread", {"v": {**values, "state": state, "was": was}})
        )
        assert told in said
        assert wrong not in said
        first = RENDERER.say(
            Say("notifications/verification/case_moved", "unread", {"v": {**values, "state": state, "was": None}})
        )
        assert wrong in first


def test_an_appeal_that_goes_on_is_not_told_as_another_step() -> None:
    values = {"number": 7, "title": "修房子", "state": "funding", "reasons": [], "resumed": True}
    said = RENDERER.say(Say("notifications/appeals/appeal_moved", "unread", {"v": values}))
    assert "查清楚了" in said
    assert "往前走了一步" not in said


@pytest.mark.parametrize("upheld", [True, False])
def test_who_objected_hears_how_it_ended(upheld: bool) -> None:
    said = RENDERER.say(
        Say("notifications/verification/objection_decided", "unread", {"v": {"number": 7, "upheld": upheld}})
    )
    assert ("重新走访" in said) is upheld
    assert ("接着往下办" in said) is not upheld


@pytest.mark.parametrize("step", sorted(STEPS))
@pytest.mark.parametrize("yours", [True, False])
def test_whoever_is_late_or_gets_it_next_hears_what_it_is(step: str, yours: bool) -> None:
    for subject in ("case", "appeal", "revision"):
        values = {"subject": subject, "number": 7, "step": step, "yours": yours}
        said = RENDERER.say(Say("notifications/staff/task_overdue", "unread", {"v": values}))
        assert "7 号" in said
        assert ("转到您这里" in said) is yours


def test_the_end_of_the_year_is_told_with_its_day() -> None:
    values = {"number": 7, "state": "verified", "reasons": [], "expires": "2027-11-29"}
    said = RENDERER.say(Say("notifications/verification/case_ends_soon", "unread", {"v": values}))
    assert "2027年11月29日" in said
    assert "认证" in said


def test_every_step_that_a_resident_is_shown_is_one_of_five() -> None:
    steps = RENDERER.env.get_template("shared/verification/case.txt").module.steps  # type: ignore[attr-defined]
    assert set(steps) == {state for state in MACHINE.states if (state, "withdrawn") in MACHINE.moves} - {
        "verified",
        "suspended",
    }
    assert {step for step, _ in steps.values()} == {1, 2, 3, 4, 5}
    holders = RENDERER.env.get_template("shared/staff/steps.txt").module.holder  # type: ignore[attr-defined]
    assert {By.VILLAGE, By.TOWNSHIP, By.COUNTY} <= set(holders)
