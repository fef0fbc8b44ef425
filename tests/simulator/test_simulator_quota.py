"""The day's calls by name, clear_quota, what is told of a refused call, and of the way to the account's server."""

from collections.abc import Iterator
from dataclasses import replace

import pytest
import requests

from bot.simulator.app import create_simulator
from bot.simulator.calls import CALLS
from bot.simulator.quotas import CLEARS_PER_MONTH, PER_DAY, SANDBOX_PER_DAY
from bot.simulator.rids import LIFE
from bot.simulator.serving import serving
from bot.simulator.simulator import Simulator
from tests.harness.platform.account_server import OPTIONS, Account, Json, account
from tests.harness.simulator.echo_bot import OPTIONS as ECHO_OPTIONS
from tests.harness.simulator.echo_bot import EchoBot

LIMITED = sorted(path for path, call in CALLS.items() if call.quota)


@pytest.fixture
def server() -> Iterator[Account]:
    with account() as server:
        yield server


def called(server: Account, path: str) -> Json:
    if CALLS[path].method == "GET":
        return server.get(path.removeprefix("/cgi-bin"))
    return server.post(path.removeprefix("/cgi-bin"), {})


@pytest.mark.parametrize("path", LIMITED)
def test_a_days_calls_come_to_an_end(server: Account, path: str) -> None:
    server.simulator.quotas.limits[CALLS[path].quota] = 2
    codes = [called(server, path).get("errcode") for _ in range(3)]
    assert 45009 not in codes[:2]
    assert codes[2] == 45009
    server.simulator.timeline.move(86400)
    assert called(server, path).get("errcode") != 45009


def test_every_quota_is_drawn_on() -> None:
    assert {CALLS[path].quota for path in LIMITED} == set(PER_DAY) >= set(SANDBOX_PER_DAY)


def test_the_days_figures_are_the_platforms() -> None:
    figures = {"token": 2_000, "menu_create": 1_000, "media_upload": 100_000, "media_get": 200_000}
    figures |= {"custom_send": 500_000, "template_send": 100_000, "qrcode_create": 100_000, "user_info": 5_000_000}
    assert {name: PER_DAY[name] for name in figures} == figures


def left(server: Account, path: str) -> Json:
    return server.post("/openapi/quota/get", {"cgi_path": path})


def test_what_is_left_of_the_day_is_told(server: Account) -> None:
    server.get("/user/get")
    assert left(server, "/cgi-bin/user/get")["quota"] == {"daily_limit": 500, "used": 1, "remain": 499}
    assert left(server, "/cgi-bin/no/such")["errcode"] == 76021
    assert left(server, "/cgi-bin/tags/get")["errcode"] == 76021


def test_the_day_begins_anew_ten_times_a_month(server: Account) -> None:
    server.simulator.quotas.limits["user_get"] = 1
    for _ in range(CLEARS_PER_MONTH):
        server.get("/user/get")
        assert server.get("/user/get")["errcode"] == 45009
        assert server.post("/clear_quota", {"appid": OPTIONS.app_id})["errcode"] == 0
    assert server.post("/clear_quota", {"appid": OPTIONS.app_id})["errcode"] == 48006
    server.simulator.timeline.move(31 * 86400)
    assert server.post("/clear_quota", {"appid": OPTIONS.app_id})["errcode"] == 0
    assert server.post("/clear_quota", {"appid": "wxother"})["errcode"] == 40013


def test_the_secret_clears_without_a_token(server: Account) -> None:
    def clear(**body: str) -> int:
        address = f"{server.url}/cgi-bin/clear_quota/v2"
        return int(requests.post(address, json=body, timeout=5).json()["errcode"])

    assert clear(appid=OPTIONS.app_id, appsecret=OPTIONS.app_secret) == 0
    assert clear(appid=OPTIONS.app_id, appsecret="guess") == 40125
    assert clear(appid="wxother", appsecret=OPTIONS.app_secret) == 40013


# --- refused calls


def test_a_refusal_is_known_by_its_rid_for_a_week(server: Account) -> None:
    refused = server.post("/message/custom/send", {"touser": "oNobody"})
    rid = refused["errmsg"].split("rid: ")[1]
    told = server.post("/openapi/rid/get", {"rid": rid})["request"]
    assert '"errcode": 40003' in told["response_body"]
    assert (told["request_body"], told["client_ip"]) == ('{"touser": "oNobody"}', "127.0.0.1")
    token, _ = server.simulator.tokens.stable()
    assert token not in str(told)
    server.simulator.timeline.move(LIFE)
    assert server.post("/openapi/rid/get", {"rid": rid})["errcode"] == 76001
    assert server.post("/openapi/rid/get", {"rid": "rid"})["errcode"] == 76002


def test_no_rid_tells_the_accounts_secret(server: Account) -> None:
    proof = {"grant_type": "client_credential", "appid": "wxother", "secret": OPTIONS.app_secret}
    for refused in (
        requests.post(f"{server.url}/cgi-bin/stable_token", json=proof, timeout=5).json(),
        requests.get(f"{server.url}/cgi-bin/token", params=proof, timeout=5).json(),
    ):
        told = server.post("/openapi/rid/get", {"rid": refused["errmsg"].split("rid: ")[1]})["request"]
        assert OPTIONS.app_secret not in str(told)


# --- the way to the account's server


def test_the_addresses_of_the_platform(server: Account) -> None:
    assert server.get("/getcallbackip") == server.get("/get_api_domain_ip") == {"ip_list": ["127.0.0.1"]}


def check(server: Account, **changes: str) -> Json:
    return server.post("/callback/check", {"action": "all", "check_operator": "DEFAULT"} | changes)


def test_a_server_that_is_out_of_reach_is_told(server: Account) -> None:
    answer = check(server)
    assert answer["dns"] == [{"ip": "127.0.0.1", "real_operator": "DEFAULT"}]
    assert answer["ping"][0]["package_loss"] == "100%"
    assert set(check(server, action="dns")) == {"dns"}
    assert set(check(server, action="ping")) == {"ping"}
    assert check(server, action="other")["errcode"] == 40202
    assert check(server, check_operator="other")["errcode"] == 40203


def test_a_server_in_reach_is_told() -> None:
    with serving(EchoBot().app()) as bot_url:
        options = replace(ECHO_OPTIONS, bot_url=f"{bot_url}/wechat")
        simulator = Simulator(options)
        with serving(create_simulator(options, simulator)) as url:
            assert check(Account(url, simulator), action="ping")["ping"][0]["package_loss"] == "0%"
        simulator.close()
