"""Web authorisation as a browser and the account's server go through it: codes, tokens, consent and snapshots."""

from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import requests

from bot.simulator.oauth import ASKED_LIFE, CODE_LIFE, REFRESH_LIFE, TOKEN_LIFE
from tests.harness.platform.account_server import OPTIONS, Account, Json, account

BACK = "http://a.test/pages/pay?appeal=4#top"


@pytest.fixture
def server() -> Iterator[Account]:
    with account() as server:
        yield server


def authorize(server: Account, openid: str = "oAunt", **changes: str) -> requests.Response:
    """A browser that is this person's."""
    query = {"appid": OPTIONS.app_id, "redirect_uri": BACK, "response_type": "code"}
    query |= {"scope": "snsapi_base", "state": "s1"} | changes
    cookies = {"simulator_person": openid} if openid else {}
    address = f"{server.url}/connect/oauth2/authorize"
    return requests.get(address, params=query, cookies=cookies, timeout=5, allow_redirects=False)


def code_in(address: str) -> str:
    return parse_qs(urlsplit(address).query)["code"][0]


def consented(server: Account, openid: str = "oAunt") -> str:
    """The code after a yes to snsapi_userinfo."""
    page = authorize(server, openid, scope="snsapi_userinfo")
    link = page.text.split('href="/connect/oauth2/agree')[1].split('"')[0]
    answer = requests.get(f"{server.url}/connect/oauth2/agree{link}", timeout=5, allow_redirects=False)
    return code_in(answer.headers["Location"])


def redeem(server: Account, code: str, /, **changes: str) -> Json:
    query = {"appid": OPTIONS.app_id, "secret": OPTIONS.app_secret, "code": code, "grant_type": "authorization_code"}
    return sns(server, "oauth2/access_token", **(query | changes))


def sns(server: Account, path: str, **query: str) -> Json:
    return dict(requests.get(f"{server.url}/sns/{path}", params=query, timeout=5).json())


def test_a_silent_visit_brings_the_openid_and_nothing_else(server: Account) -> None:
    answer = authorize(server)
    assert answer.status_code == 302
    back = urlsplit(answer.headers["Location"])
    assert (back.netloc, back.path, back.fragment) == ("a.test", "/pages/pay", "top")
    query = parse_qs(back.query)
    assert (query["appeal"], query["state"]) == (["4"], ["s1"])
    tokens = redeem(server, query["code"][0])
    assert (tokens["openid"], tokens["scope"], tokens["expires_in"]) == ("oAunt", "snsapi_base", 7200)
    assert not {"is_snapshotuser", "unionid"} & set(tokens)
    assert sns(server, "auth", access_token=tokens["access_token"], openid="oAunt") == {"errcode": 0, "errmsg": "ok"}
    told = sns(server, "userinfo", access_token=tokens["access_token"], openid="oAunt")
    assert told["errcode"] == 48001


def test_who_one_is_is_told_after_a_yes(server: Account) -> None:
    page = authorize(server, scope="snsapi_userinfo")
    assert (page.status_code, "秀英" in page.text) == (200, True)
    tokens = redeem(server, consented(server))
    told = sns(server, "userinfo", access_token=tokens["access_token"], openid="oAunt", lang="zh_CN")
    assert (told["openid"], told["nickname"], told["headimgurl"], told["privilege"]) == ("oAunt", "秀英", "", [])
    assert "unionid" not in told


@pytest.mark.parametrize(("seconds", "statuses"), [(ASKED_LIFE - 1, [302, 400]), (ASKED_LIFE, [400, 400])])
def test_a_yes_is_taken_once_and_for_a_while(server: Account, seconds: float, statuses: list[int]) -> None:
    page = authorize(server, scope="snsapi_userinfo").text
    address = server.url + page.split('href="')[2].split('"')[0]
    server.simulator.timeline.move(seconds)
    assert [requests.get(address, timeout=5, allow_redirects=False).status_code for _ in range(2)] == statuses
    assert requests.get(f"{server.url}/connect/oauth2/agree", timeout=5).status_code == 400


def test_a_unionid_is_told_where_the_account_is_bound() -> None:
    with account(bound=True) as server:
        tokens = redeem(server, consented(server))
        assert tokens["unionid"] == server.get("/user/info", openid="oAunt")["unionid"]
        told = sns(server, "userinfo", access_token=tokens["access_token"], openid="oAunt")
        assert told["unionid"] == tokens["unionid"]


def test_a_snapshot_visit_is_a_made_up_persons(server: Account) -> None:
    server.simulator.oauth.show_snapshots("oAunt", True)
    tokens = redeem(server, consented(server))
    assert tokens["is_snapshotuser"] == 1
    assert tokens["openid"] != "oAunt"
    assert server.get("/user/info", openid=tokens["openid"])["errcode"] == 40003
    told = sns(server, "userinfo", access_token=tokens["access_token"], openid=tokens["openid"])
    assert (told["is_snapshotuser"], told["nickname"]) == (1, "")
    server.simulator.oauth.show_snapshots("oAunt", False)
    assert redeem(server, consented(server))["openid"] == "oAunt"


def test_a_code_is_good_once_and_for_five_minutes(server: Account) -> None:
    code = code_in(authorize(server).headers["Location"])
    assert "openid" in redeem(server, code)
    assert redeem(server, code)["errcode"] == 40163
    for seconds, known in ((CODE_LIFE - 1, True), (CODE_LIFE, False)):
        code = code_in(authorize(server).headers["Location"])
        server.simulator.timeline.move(seconds)
        answer = redeem(server, code)
        assert answer.get("errcode") == (None if known else 40029)
    assert redeem(server, "made-up")["errcode"] == 40029


def test_a_code_redeemed_at_once_is_redeemed_once(server: Account) -> None:
    code = code_in(authorize(server).headers["Location"])
    with ThreadPoolExecutor(8) as pool:
        codes = Counter(pool.map(lambda _: redeem(server, code).get("errcode"), range(8)))
    assert codes == {None: 1, 40163: 7}


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"appid": ""}, 41002),
        ({"appid": "wxother"}, 40013),
        ({"secret": ""}, 41004),
        ({"secret": "guess"}, 40125),
        ({"code": ""}, 41008),
        ({"grant_type": "client_credential"}, 40002),
    ],
)
def test_only_the_account_redeems(server: Account, changes: dict[str, str], code: int) -> None:
    given = code_in(authorize(server).headers["Location"])
    assert redeem(server, given, **changes)["errcode"] == code
    assert "openid" in redeem(server, given)


def refresh(server: Account, token: str, **changes: str) -> Json:
    query = {"appid": OPTIONS.app_id, "grant_type": "refresh_token", "refresh_token": token}
    return sns(server, "oauth2/refresh_token", **(query | changes))


def test_tokens_end_and_are_renewed_for_thirty_days(server: Account) -> None:
    tokens = redeem(server, consented(server))
    server.simulator.timeline.move(TOKEN_LIFE)
    old = {"access_token": tokens["access_token"], "openid": "oAunt"}
    assert sns(server, "userinfo", **old)["errcode"] == 42001
    newer = refresh(server, tokens["refresh_token"])
    assert (newer["openid"], newer["scope"]) == ("oAunt", "snsapi_userinfo")
    assert sns(server, "userinfo", access_token=newer["access_token"], openid="oAunt")["nickname"] == "秀英"
    server.simulator.timeline.move(REFRESH_LIFE - TOKEN_LIFE)
    assert refresh(server, tokens["refresh_token"])["errcode"] == 42002
    assert refresh(server, "made-up")["errcode"] == 40030
    assert refresh(server, "")["errcode"] == 41003
    assert refresh(server, "made-up", grant_type="code")["errcode"] == 40002


def test_a_token_is_for_its_own_person(server: Account) -> None:
    tokens = redeem(server, consented(server))
    wrong: list[tuple[dict[str, str], int]] = [
        ({"access_token": tokens["access_token"], "openid": "oUncle"}, 40003),
        ({"access_token": tokens["access_token"]}, 41009),
        ({"access_token": "made-up", "openid": "oAunt"}, 40001),
        ({"openid": "oAunt"}, 41001),
    ]
    for query, code in wrong:
        assert sns(server, "auth", **query)["errcode"] == code
        assert sns(server, "userinfo", **query)["errcode"] == code
    assert sns(server, "auth", access_token=server.simulator.tokens.stable()[0], openid="oAunt")["errcode"] == 40001


@pytest.mark.parametrize(
    ("changes", "shown"),
    [
        ({"appid": "wxother"}, "app_id"),
        ({"response_type": "token"}, "response_type"),
        ({"scope": "snsapi_login"}, "scope"),
        ({"state": "a-b"}, "state"),
        ({"state": "a" * 129}, "state"),
        ({"state": "字"}, "state"),
        ({"redirect_uri": "javascript:alert(1)"}, "redirect_uri"),
        ({"redirect_uri": "//a.test/"}, "redirect_uri"),
        ({"redirect_uri": ""}, "redirect_uri"),
        ({"redirect_uri": "http://[a.test/"}, "redirect_uri"),
    ],
)
@pytest.mark.parametrize("openid", ["oAunt", ""])
def test_a_wrong_address_is_a_page_that_says_so(
    server: Account, openid: str, changes: dict[str, str], shown: str
) -> None:
    answer = authorize(server, openid, **changes)
    assert answer.status_code == 400
    assert f"<code>{shown}</code>" in answer.text


@pytest.mark.parametrize("state", ["", "a" * 128, "Az09"])
def test_a_state_comes_back_as_it_was(server: Account, state: str) -> None:
    query = parse_qs(urlsplit(authorize(server, state=state).headers["Location"]).query, keep_blank_values=True)
    assert query["state"] == [state]


def test_redirects_keep_to_the_accounts_domains() -> None:
    with account(oauth_domains=("a.test",)) as server:
        assert authorize(server).status_code == 302
        assert authorize(server, redirect_uri="http://evil.test/").status_code == 400
        assert authorize(server, redirect_uri="http://a.test.evil.test/").status_code == 400


# --- who is at this browser


def become(server: Account, openid: str, to: str, **headers: str) -> requests.Response:
    query = {"openid": openid, "to": to}
    return requests.get(f"{server.url}/desk/as", params=query, headers=headers, timeout=5, allow_redirects=False)


def test_the_browser_of_a_person_goes_through_to_the_page(server: Account) -> None:
    with requests.Session() as browser:
        page = authorize(server, openid="")
        link = next(part for part in page.text.split('href="') if part.startswith("/desk/as?openid=oUncle"))
        address = link.split('"')[0].replace("&amp;", "&")
        first = browser.get(f"{server.url}{address}", timeout=5, allow_redirects=False)
        assert "HttpOnly" in first.headers["Set-Cookie"]
        second = browser.get(f"{server.url}{first.headers['Location']}", timeout=5, allow_redirects=False)
        assert redeem(server, code_in(second.headers["Location"]))["openid"] == "oUncle"


@pytest.mark.parametrize(
    ("openid", "to", "headers", "status"),
    [
        ("oAunt", "http://a.test/page", {}, 302),
        ("oAunt", "/", {"Sec-Fetch-Site": "same-origin"}, 302),
        ("oNobody", "/", {}, 404),
        ("oAunt", "javascript:alert(1)", {}, 404),
        ("oAunt", "//a.test/", {}, 404),
        ("oAunt", "/\\a.test/", {}, 404),
        ("oAunt", "http://[a", {}, 404),
        ("oAunt", "/", {"Sec-Fetch-Site": "cross-site"}, 403),
        ("oAunt", "/", {"Host": "evil.test"}, 403),
    ],
)
def test_who_may_send_a_browser_where(server: Account, openid: str, to: str, headers: Any, status: int) -> None:
    answer = become(server, openid, to, **headers)
    assert answer.status_code == status
    assert ("Set-Cookie" in answer.headers) == (status == 302)


def test_the_pages_run_nothing_and_stand_in_no_foreign_frame(server: Account) -> None:
    policy = authorize(server, scope="snsapi_userinfo").headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'self'" in policy
