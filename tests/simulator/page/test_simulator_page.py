"""The page's own endpoints, what they refuse, and the process around them."""

import contextlib
import io
import json
import os
import re
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import requests

from bot.simulator.app import create_simulator
from bot.simulator.options import Options, Person, read_people
from bot.simulator.simulator import Simulator
from tests.harness.simulator.echo_bot import JPEG, MENU, OPTIONS, EchoBot, chatting
from tests.simulator.page.simulator_page import act, feed

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def simulator():
    with chatting(EchoBot()) as held:
        yield held


@pytest.fixture
def client(simulator):
    return create_simulator(simulator.options, simulator).test_client()


def test_the_page_names_the_account_and_asks_nothing_of_other_hosts(client, simulator):
    answer = client.get("/")
    page = answer.get_data(as_text=True)
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'none'; script-src 'self'; style-src 'self';" in policy
    assert f"frame-src 'self' {simulator.options.bot_url.removesuffix('/wechat')};" in policy
    links = re.findall(r'(?:src|href)="([^"]+)"', page)
    assert links
    assert all(link.startswith(("/assets/", "#icon-", "data:")) for link in links)


def test_every_asset_of_the_page_is_there(client, simulator):
    modules = {path.name for path in simulator.options.templates_dir.glob("*.js")}
    assert {"desk.js", "words.js"} <= modules
    for name in [*modules, "style.css", "phone.css", "dock.css", "desk.css"]:
        assert client.get(f"/assets/{name}", buffered=True).status_code == 200
    for name in ["page.html", "newcomers.json", "../page.py", "x.js"]:
        assert client.get(f"/assets/{name}", buffered=True).status_code == 404


def test_a_text_and_its_answer_come_with_the_feed(client):
    assert act(client, "text", openid="oAunt", text="三十万", ref="page-1").get_json() == {"status": "replied"}
    news = feed(client)
    assert [(entry["by"], entry["state"], entry["content"]["text"]) for entry in news["entries"]] == [
        ("person", "done", "三十万"),
        ("account", "done", "三十万"),
    ]
    assert news["entries"][0]["ref"] == "page-1"
    assert news["exchanges"][0]["delivery"]["status"] == "replied"
    assert feed(client, news["version"])["entries"] == []


def test_every_act_of_the_panel_arrives(client, simulator):
    simulator.menus.create(MENU)
    assert act(client, "meet", openid="oNew").get_json() == {"status": "replied"}
    assert act(client, "meet", openid="oNew").get_json() == {"status": None}
    acts: dict[str, dict[str, Any]] = {
        "tap": {"button": "0.0"},
        "voice": {"text": "路断了"},
        "place": {"lat": "27.1", "lng": "111", "label": "隆回"},
        "scan": {"scene": "7"},
        "photo": {"photo": (io.BytesIO(JPEG), "a.jpg")},
        "unfollow": {},
        "follow": {},
    }
    for action, fields in acts.items():
        assert act(client, action, openid="oNew", **fields).status_code == 200
    labels = [exchange["label"] for exchange in feed(client)["exchanges"]]
    assert labels == ["subscribe", "CLICK", "voice", "location", "SCAN", "image", "unsubscribe", "subscribe"]


def test_a_voice_is_said_in_some_way_and_wechat_recognises_it_or_not(client, simulator):
    said: list[dict[str, Any]] = [
        {"text": "路断了"},
        {"text": "路断了", "recognised": "1"},
        {"text": "路断了", "how": "noise"},
        {},
    ]
    for fields in said:
        assert act(client, "voice", openid="oAunt", **fields).status_code == 200
    assert act(client, "voice", openid="oAunt", text="路断了", how="loud").status_code == 400
    shown = [entry["content"]["text"] for entry in feed(client)["entries"] if entry["by"] == "person"]
    assert shown == ["路断了", "路断了", "路断了", ""]
    sent = [exchange["delivery"]["request_xml"] for exchange in feed(client)["exchanges"]]
    assert ["<Recognition><![CDATA[路断了]]>" in xml for xml in sent] == [False, True, False, False]


def test_photos_are_shown_and_can_be_fetched_by_the_bot(client, simulator):
    act(client, "photo", openid="oAunt", photo=(io.BytesIO(JPEG), "a.jpg"))
    media_id = feed(client)["entries"][0]["content"]["media_id"]
    shown = client.get(f"/media/{media_id}")
    assert (shown.data, shown.mimetype, shown.headers["X-Content-Type-Options"]) == (JPEG, "image/jpeg", "nosniff")
    assert f"{simulator.options.public_url}/media/{media_id}" in feed(client)["exchanges"][0]["delivery"]["request_xml"]
    assert client.get("/media/none").status_code == 404


def test_newcomers_arrive_with_names_and_openids_of_their_own(client):
    openids = {act(client, "people").get_json()["openid"] for _ in range(20)}
    assert len(openids) == 20
    people = feed(client)["people"]
    assert {person["openid"] for person in people[:20]} == openids  # above those who were there at the start
    assert all(person["name"] and person["gloss"] for person in people[:20])


def test_the_menu_stamp_moves_when_somebodys_menu_may_have(client, simulator):
    before = feed(client)["menu_stamp"]
    simulator.menus.create(MENU)
    after = feed(client)["menu_stamp"]
    assert before != after
    assert client.get("/desk/menu?openid=oAunt").get_json()["button"][0]["name"] == "求助"
    tag = simulator.crowd.create_tag("村民")
    simulator.crowd.tag(["oAunt"], tag, wear=True)
    assert feed(client)["menu_stamp"] != after


@pytest.mark.parametrize(
    ("action", "fields", "status", "error"),
    [
        ("text", {"openid": "oNobody", "text": "1"}, 404, "unknown_person"),
        ("text", {"openid": "oAunt"}, 400, "bad_request"),
        ("text", {"text": "1"}, 400, "bad_request"),
        ("tap", {"openid": "oAunt", "button": "9.9"}, 409, "no_such_button"),
        ("tap", {"openid": "oAunt", "button": "first"}, 400, "bad_request"),
        ("place", {"openid": "oAunt", "lat": "91", "lng": "0"}, 400, "bad_request"),
        ("place", {"openid": "oAunt", "lat": "nan", "lng": "0"}, 400, "bad_request"),
        ("photo", {"openid": "oAunt"}, 400, "bad_request"),
        ("photo", {"openid": "oAunt", "photo": (io.BytesIO(b"<svg/>"), "a.png")}, 422, "40005"),
        ("dance", {"openid": "oAunt"}, 404, None),
    ],
)
def test_what_the_page_gets_wrong_has_a_name(client, action, fields, status, error):
    answer = act(client, action, **fields)
    assert answer.status_code == status
    assert (answer.get_json(silent=True) or {}).get("error") == error
    assert feed(client)["entries"] == []


@pytest.mark.parametrize(
    "headers", [{}, {"Origin": "http://evil.test"}, {"Origin": "null"}, {"Origin": "https://localhost"}]
)
def test_other_sites_cannot_act(client, headers):
    assert act(client, "text", headers=headers, openid="oAunt", text="1").status_code == 403
    assert act(client, "people", headers=headers).status_code == 403
    assert feed(client)["entries"] == []


def test_a_name_rebound_to_this_machine_gets_nothing(client):
    for path in ["/", "/desk/feed", "/desk/menu?openid=oAunt", "/media/x", "/assets/desk.js"]:
        assert client.get(path, headers={"Host": "evil.test:8001"}).status_code == 403
        assert client.get(path, headers={"Host": "127.0.0.1:8001"}, buffered=True).status_code != 403


def test_the_check_of_the_server_is_told_to_the_page(client):
    assert act(client, "check").get_json() == {"ok": True}


def test_people_are_read_from_json(tmp_path):
    path = tmp_path / "people.json"
    rows = [{"openid": "oA", "name": "秀英", "note": "村民", "gloss": "a villager", "following": True}]
    path.write_text(json.dumps(rows), encoding="utf-8")
    assert read_people(path) == (Person("oA", "秀英", "村民", "a villager", following=True),)


@pytest.mark.parametrize(
    "rows", [{}, [{"name": "x"}], [{"openid": "a", "age": 3}], [{"openid": "a"}, {"openid": "a"}], ["a"]]
)
def test_people_that_do_not_fit_are_refused(tmp_path, rows):
    path = tmp_path / "people.json"
    path.write_text(json.dumps(rows), encoding="utf-8")
    with pytest.raises(ValueError, match="people"):
        read_people(path)


def test_secrets_stay_out_of_what_is_printed():
    printed = repr(replace(OPTIONS, app_secret="hidden-1", token="hidden-2"))
    assert "hidden" not in printed
    assert OPTIONS.aes_key not in printed


def test_the_simulator_knows_nothing_of_the_rest():
    ours = {path.stem for path in ROOT.iterdir() if path.is_dir() or path.suffix == ".py"}
    for path in (ROOT / "bot" / "simulator").glob("*.py"):
        names = re.findall(r"^\s*(?:from|import) ([\w.]+)", path.read_text(encoding="utf-8"), re.MULTILINE)
        foreign = [name for name in names if name.split(".")[0] in ours and not name.startswith("bot.simulator")]
        assert foreign == [], path.name
        assert "wechatpy" not in names


ENVIRONMENT = {
    "PATH": os.environ["PATH"],
    "WECHAT_APP_ID": OPTIONS.app_id,
    "WECHAT_APP_SECRET": OPTIONS.app_secret,
    "WECHAT_TOKEN": OPTIONS.token,
    "WECHAT_AES_KEY": OPTIONS.aes_key,
    "SIMULATOR_PORT": "0",
}
COMMAND = [sys.executable, "-m", "bot.simulator"]


def start(command: list[str], **changes: str) -> subprocess.Popen[str]:
    environment = {name: value for name, value in (ENVIRONMENT | changes).items() if value}
    pipe = subprocess.PIPE
    return subprocess.Popen(command, cwd=ROOT, env=environment, stdout=pipe, stderr=pipe, text=True)


def ready(process: subprocess.Popen[str]) -> str:
    assert process.stdout
    found = re.search(r"http://\S+/", process.stdout.readline())
    assert found
    return found[0]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_command_serves_and_ends_when_told(number):
    with start(COMMAND) as process:
        url = ready(process)
        assert "微信模拟器" in requests.get(url, timeout=10).text
        process.send_signal(number)
        assert process.wait(60) == 0


def test_an_open_stream_does_not_keep_it_from_ending():
    with start(COMMAND) as process:
        url = ready(process)
        with requests.get(f"{url}desk/stream", stream=True, timeout=10) as answer:
            lines = answer.iter_lines(chunk_size=1)
            assert any(line.startswith(b"data: ") for line in lines)
            process.send_signal(signal.SIGTERM)
            assert process.wait(60) == 0
            with contextlib.suppress(requests.exceptions.ChunkedEncodingError):  # the process is gone in mid-stream
                assert [line for line in lines if line] == []


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a process that its parent is gone")
def test_the_command_ends_with_whoever_started_it():
    inner = f"import subprocess, time; p = subprocess.Popen({COMMAND!r}); time.sleep(60)"
    with start([sys.executable, "-c", inner]) as parent:
        url = ready(parent)
        parent.kill()
        assert parent.stdout
        assert parent.stdout.read() == ""  # closed: nobody holds it any more
        with pytest.raises(requests.ConnectionError):
            requests.get(url, timeout=10)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"WECHAT_TOKEN": ""}, "--token"),
        ({"WECHAT_AES_KEY": "short"}, "43 characters"),
        ({"WECHAT_MODE": "loud"}, "loud"),
        ({"SIMULATOR_PEOPLE": "/nowhere.json"}, "nowhere"),
        ({"SIMULATOR_PORT": "1x"}, "1x"),
    ],
)
def test_a_wrong_setting_is_named(changes, said):
    with start(COMMAND, **changes) as process:
        _, complaint = process.communicate(timeout=120)
    assert process.returncode != 0
    assert said in complaint
    assert "Traceback" not in complaint


def test_help_names_every_setting_and_its_variable():
    with start([*COMMAND, "--help"]) as process:
        told, _ = process.communicate(timeout=120)
    assert {"--bot-url", "--port", "--people", "--mode", "SIMULATOR_PORT", "WECHAT_AES_KEY"} <= set(
        re.findall(r"[\w-]+", told)
    )


def test_it_can_stand_without_people():
    options = Options(bot_url="http://127.0.0.1:9/", app_id="a", app_secret="b", token="c", aes_key=OPTIONS.aes_key)
    simulator = Simulator(options)
    assert simulator.crowd.shown() == []
    simulator.close()
