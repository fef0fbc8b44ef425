"""What must not work at the desk: planted cookies, forms of other sites, other methods, and made-up tokens."""

import pytest

from tests.harness.stage import Stage
from tests.scenes.desk import OFFICER, Browser, sessions, signed_in
from tests.scenes.seat import SEAT

PLANTED = "A" * 43


@pytest.fixture(autouse=True)
def officer(stage: Stage) -> int:
    return stage.appoint(OFFICER, "county", SEAT["county"])


def test_a_planted_cookie_is_not_what_is_signed_in(stage: Stage) -> None:
    """Session fixation: whoever put their own tokens into the victim's browser has nothing once the victim is in."""
    victim, attacker = Browser(stage), Browser(stage)
    for browser in (victim, attacker):
        browser.client.set_cookie("bangfu_desk", PLANTED)
        browser.client.set_cookie("bangfu_desk_code", PLANTED)
    stage.say(OFFICER, f"登录 {victim.ask_for_code()}")
    stage.say(OFFICER, "1")
    attacker.get()
    assert attacker.state() == "over"
    attacker.enter()
    assert not attacker.is_in()
    assert victim.enter().status_code == 303
    assert victim.is_in()
    assert victim.cookie() != PLANTED
    attacker.client.set_cookie("bangfu_desk", PLANTED)
    assert not attacker.is_in()


@pytest.mark.parametrize("path", ["/desk/code", "/desk/enter"])
def test_a_form_of_another_site_does_nothing(stage: Stage, path: str) -> None:
    browser, other = Browser(stage), Browser(stage)
    stage.say(OFFICER, f"登录 {browser.ask_for_code()}")
    stage.say(OFFICER, "1")
    other.get()
    token = browser.cookie("bangfu_desk_code")
    for csrf in ("", "0" * 64, "é", other.csrf()):
        assert browser.post(path, csrf=csrf).status_code == 403
        assert browser.cookie("bangfu_desk_code") == token
    assert sessions(stage) == []


def test_nobody_is_signed_out_by_another_site(stage: Stage) -> None:
    browser, other = signed_in(stage), Browser(stage)
    other.get()
    for csrf in ("", "0" * 64, other.csrf()):
        assert browser.post("/desk/out", csrf=csrf).status_code == 403
    assert browser.is_in()


def test_a_made_up_token_opens_nothing(stage: Stage) -> None:
    browser = Browser(stage)
    for token in ("", PLANTED, "x", "../../etc", "A" * 4000):
        browser.client.set_cookie("bangfu_desk", token)
        assert not browser.is_in()
        assert browser.get("/desk/figures").status_code == 403


def test_nothing_is_done_by_a_mere_address(stage: Stage) -> None:
    browser = Browser(stage)
    assert {browser.get(path).status_code for path in ("/desk/code", "/desk/enter", "/desk/out")} == {405}


def test_nothing_of_the_desk_is_kept_indexed_framed_or_told_to_others(stage: Stage) -> None:
    browser = signed_in(stage)
    for path in ("/desk", "/desk/figures", "/desk/state"):
        answer = browser.get(path)
        assert answer.headers["Cache-Control"] == "no-store"
        assert answer.headers["Referrer-Policy"] == "no-referrer"
        assert answer.headers["X-Robots-Tag"] == "noindex, nofollow"
        assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
        assert "unsafe" not in answer.headers["Content-Security-Policy"]


def test_a_preview_of_the_phones_link_signs_nobody_in(stage: Stage) -> None:
    browser = Browser(stage)
    browser.client.set_cookie("bangfu_visitor", stage.visitor_cookie(OFFICER))
    browser.headers["Purpose"] = "prefetch"
    assert browser.get("/desk/phone").status_code == 503
    assert sessions(stage) == []
