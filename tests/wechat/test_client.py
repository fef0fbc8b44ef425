"""Every call to the platform: what goes out, what is made again and what never is, and what a failure may show."""

import json
import logging
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from copy import copy
from threading import Event
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr
from redis import Redis
from werkzeug.wrappers import Request, Response

from bot.wechat.client import MediaUnusable, WeChatApi, open_session
from bot.wechat.policy import BUSY, LARGEST_ANSWER, POLICY, Action, Unreachable, WeChatError, rule_for
from bot.wechat.token import TokenManager
from tests.harness.platform.token_platform import SECRET, everything_said, hang_up, nowhere
from tests.harness.platform.token_platform import api_url as api_url
from tests.harness.platform.token_platform import platform as platform
from tests.harness.platform.token_platform import redis as redis

PERSON = "oZhang-made-up-person-000001"
TEXT = "张婶：您要的菜籽油到村里了，请带上取货码 3912。"
DEAD_TOKEN = [40001, 40014, 42001]


@pytest.fixture
def make(api_url: str, redis: Redis) -> Iterator[Callable[..., WeChatApi]]:
    """Another client of the same account, as another process would have it."""
    app_id = f"wx{uuid4().hex[:16]}"
    with open_session() as http:

        def client(url: str = api_url, **options: Any) -> WeChatApi:
            return WeChatApi(url, TokenManager(api_url, app_id, SecretStr(SECRET), redis, http), http, **options)

        yield client


@pytest.fixture
def client(make: Callable[..., WeChatApi]) -> WeChatApi:
    return make()


def send_text(client: WeChatApi) -> None:
    client.send_text(PERSON, TEXT)


def send_template(client: WeChatApi) -> str:
    return client.send_template(PERSON, "tmpl-1", {"thing1": TEXT, "amount2": "12.50元"}, client_msg_id="notice-7")


SEND_PATHS = ("message/custom/send", "message/template/send", "message/subscribe/bizsend")
SENDS: list[Callable[[WeChatApi], Any]] = [
    send_text,
    lambda client: client.send_options(PERSON, "收到了吗？", [("y", "收到了"), ("n", "没收到")], "点一下就行"),
    send_template,
    lambda client: client.send_subscription(PERSON, "note-1", {"thing1": TEXT}),
]


# What goes out

CALLS: list[tuple[str, Callable[[WeChatApi], Any], str, str, Any]] = [
    (
        "text",
        send_text,
        "POST",
        "message/custom/send",
        {"touser": PERSON, "msgtype": "text", "text": {"content": TEXT}},
    ),
    (
        "options",
        SENDS[1],
        "POST",
        "message/custom/send",
        {
            "touser": PERSON,
            "msgtype": "msgmenu",
            "msgmenu": {
                "head_content": "收到了吗？",
                "list": [{"id": "y", "content": "收到了"}, {"id": "n", "content": "没收到"}],
                "tail_content": "点一下就行",
            },
        },
    ),
    (
        "template",
        send_template,
        "POST",
        "message/template/send",
        {
            "touser": PERSON,
            "template_id": "tmpl-1",
            "client_msg_id": "notice-7",
            "url": "",
            "data": {"thing1": {"value": TEXT}, "amount2": {"value": "12.50元"}},
        },
    ),
    (
        "subscription",
        lambda client: client.send_subscription(PERSON, "note-1", {"thing1": TEXT}),
        "POST",
        "message/subscribe/bizsend",
        {"touser": PERSON, "template_id": "note-1", "data": {"thing1": {"value": TEXT}}},
    ),
    ("person", lambda client: client.person(PERSON), "GET", "user/info", {"openid": PERSON, "lang": "zh_CN"}),
    ("menus", lambda client: client.menus(), "GET", "menu/get", {}),
    ("create", lambda client: client.create_menu({"button": []}), "POST", "menu/create", {"button": []}),
    ("delete", lambda client: client.delete_menus(), "GET", "menu/delete", {}),
    ("match", lambda client: client.menu_of(PERSON), "POST", "menu/trymatch", {"user_id": PERSON}),
    (
        "delete rule",
        lambda client: client.delete_conditional_menu("42"),
        "POST",
        "menu/delconditional",
        {"menuid": "42"},
    ),
]


@pytest.mark.parametrize(("call", "method", "path", "sent"), [case[1:] for case in CALLS], ids=[c[0] for c in CALLS])
def test_a_call_goes_to_the_configured_address_with_these_fields(client, platform, call, method, path, sent):
    call(client)
    (request,) = platform.calls(path)
    body = json.loads(request.get_data()) if method == "POST" else request.args.to_dict()
    body.pop("access_token", None)
    assert (request.method, body) == (method, sent)
    assert request.args["access_token"] == platform.token


def test_words_travel_as_utf8_and_not_as_escapes(client, platform):
    send_text(client)
    assert TEXT.encode() in platform.calls("message/custom/send")[0].get_data()


def test_a_broken_character_does_not_stop_a_message(client, platform):
    client.send_text(PERSON, "好\ud800的")
    assert json.loads(platform.calls("message/custom/send")[0].get_data())["text"]["content"] == "好?的"


def test_what_the_platform_answers_comes_back(client, platform):
    platform.answer("message/template/send", {"errcode": 0, "msgid": 200163836})
    platform.answer("menu/addconditional", {"menuid": "208379533"})
    platform.answer("tags/create", {"tag": {"id": 134, "name": "居民"}})
    platform.answer("tags/get", {"tags": [{"id": 2, "name": "星标组", "count": 0}, {"id": 134, "name": "居民"}]})
    platform.answer("user/info", {"subscribe": 1, "openid": PERSON})
    platform.answer("menu/get", {"errcode": 46003, "errmsg": "menu no exist"})
    assert send_template(client) == "200163836"
    assert client.add_conditional_menu({"button": []}) == "208379533"
    assert client.create_tag("居民") == 134
    assert client.tags() == {"星标组": 2, "居民": 134}
    assert client.person(PERSON)["subscribe"] == 1
    assert client.menus() == {}


@pytest.mark.parametrize("answer", [{"tags": [{"id": 1}]}, {"tags": ["居民"]}, {"errcode": 0}])
def test_an_answer_without_what_was_promised_is_none(client, platform, answer):
    platform.answer("tags/get", answer)
    with pytest.raises(Unreachable):
        client.tags()


def test_people_are_tagged_fifty_at_a_time(client, platform):
    people = [f"o{number:027}" for number in range(120)]
    client.tag_people(134, people)
    client.untag_people(134, people[:1])
    bodies = [json.loads(request.get_data()) for request in platform.calls("tags/members/batchtagging")]
    assert [len(body["openid_list"]) for body in bodies] == [50, 50, 20]
    assert [person for body in bodies for person in body["openid_list"]] == people
    (away,) = platform.calls("tags/members/batchuntagging")
    assert json.loads(away.get_data()) == {"tagid": 134, "openid_list": people[:1]}


def test_one_connection_serves_call_after_call(client, platform):
    for _ in range(10):
        send_text(client)
    ports = {request.environ["REMOTE_PORT"] for request in platform.calls("message/custom/send")}
    assert len(ports) == 1


def test_the_environment_does_not_decide_where_calls_go(client, platform, monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{nowhere()}")
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/nowhere")
    send_text(client)
    assert len(platform.calls("message/custom/send")) == 1


def test_no_cookie_is_kept(client, platform):
    platform.answer("user/info", Response('{"subscribe": 1}', headers={"Set-Cookie": "who=somebody"}))
    client.person(PERSON)
    client.person(PERSON)
    assert [request.cookies.to_dict() for request in platform.calls("user/info")] == [{}, {}]


# Dead tokens


@pytest.mark.parametrize("send", SENDS)
@pytest.mark.parametrize("code", DEAD_TOKEN)
def test_a_dead_token_is_renewed_and_the_call_made_once_more(client, platform, send, code):
    refusals = iter([{"errcode": code, "errmsg": "dead"}])
    for path in SEND_PATHS:
        platform.answer(path, lambda _: next(refusals, {"errcode": 0}))
    send(client)
    sends = [request for path, request in platform.received if path.startswith("message/")]
    assert len(sends) == 2
    assert sends[0].get_data() == sends[1].get_data()


@pytest.mark.parametrize("code", DEAD_TOKEN)
def test_a_token_that_stays_dead_is_an_error_after_one_more_try(client, platform, code):
    platform.answer("message/custom/send", {"errcode": code, "errmsg": "dead"})
    with pytest.raises(WeChatError) as raised:
        send_text(client)
    assert (raised.value.code, raised.value.action) == (code, Action.RENEW_TOKEN)
    assert len(platform.calls("message/custom/send")) == 2
    assert len(platform.calls("stable_token")) == 3  # the first, the same again, and one that was forced


def test_two_hundred_calls_with_a_dead_token_fetch_one_new_token(make, platform):
    clients = [make() for _ in range(4)]  # as many processes
    for client in clients:
        send_text(client)
    platform.renew()
    with ThreadPoolExecutor(16) as pool:
        list(pool.map(lambda number: send_text(clients[number % 4]), range(200)))
    assert len(platform.calls("stable_token")) == 2
    answered = Counter(request.args["access_token"] for request in platform.calls("message/custom/send"))
    assert answered[platform.token] == 200


def test_refusals_without_a_reason_do_not_become_a_storm(make, platform):
    """Now and then the platform calls a good token dead."""
    sends = iter(range(1_000_000))
    platform.answer("message/custom/send", lambda _: {"errcode": 40001 if next(sends) % 5 == 0 else 0})
    clients = [make() for _ in range(4)]

    def send(number: int) -> bool:
        try:
            send_text(clients[number % 4])
        except WeChatError as error:
            return error.code == 40001
        return True

    with ThreadPoolExecutor(16) as pool:
        assert all(pool.map(send, range(200)))
    assert len(platform.calls("message/custom/send")) <= 400
    assert len(platform.calls("stable_token")) <= 3


def test_without_a_token_nothing_is_sent(client, platform):
    platform.answer("stable_token", {"errcode": 40164, "errmsg": "invalid ip"})
    with pytest.raises(WeChatError) as raised:
        send_text(client)
    assert raised.value.action is Action.DISABLE_FEATURE
    assert not platform.calls("message/custom/send")


# Answers that do not come


def cut_off(body: bytes) -> Response:
    """An answer that promises twice as much as comes."""
    response = Response(body, headers={"Connection": "close"})
    response.headers["Content-Length"] = str(2 * len(body))
    return response


@pytest.mark.parametrize("send", SENDS)
@pytest.mark.parametrize("warm", [False, True], ids=["new connection", "used connection"])
def test_a_send_whose_connection_breaks_is_made_exactly_once(client, platform, send, warm):
    if warm:
        client.person(PERSON)
    platform.answer("message/custom/send", hang_up)
    platform.answer("message/template/send", hang_up)
    platform.answer("message/subscribe/bizsend", hang_up)
    with pytest.raises(Unreachable) as raised:
        send(client)
    assert raised.value.outcome_unknown is True
    assert len([path for path, _ in platform.received if path.startswith("message/")]) == 1


def test_a_send_that_is_not_answered_in_time_is_made_exactly_once(make, platform):
    leave = Event()

    def hang(_):
        leave.wait(10)
        return {}

    platform.answer("message/custom/send", hang)
    with pytest.raises(Unreachable) as raised:
        send_text(make(timeout=(1, 0.3)))
    leave.set()
    assert raised.value.outcome_unknown is True
    assert len(platform.calls("message/custom/send")) == 1


def test_an_answer_that_trickles_is_not_waited_for_forever(make, platform):
    leave = Event()

    def trickle() -> Iterator[bytes]:
        while not leave.wait(0.05):
            yield b" "

    platform.answer("message/custom/send", lambda _: Response(trickle()))
    with pytest.raises(Unreachable) as raised:
        send_text(make(timeout=(0.2, 0.3)))
    leave.set()
    assert raised.value.outcome_unknown is True


@pytest.mark.parametrize("url", ["http://127.0.0.1:{port}", "http://no such host", "nothing", "http://[::1"])
def test_a_send_that_could_not_leave_is_known_not_to_have_left(make, url):
    with pytest.raises(Unreachable) as raised:
        send_text(make(url.format(port=nowhere())))
    assert raised.value.outcome_unknown is False


@pytest.mark.parametrize(
    ("answer", "unknown"),
    [
        (Response("<html>bad gateway</html>", 502), True),
        (Response("", 500), True),
        (Response("<html>not found</html>", 404), False),
        (Response(status=307, headers={"Location": "/cgi-bin/elsewhere"}), False),
        (Response("<html>welcome</html>"), True),
        (Response(""), True),
        (Response('{"errcode": '), True),
        (Response('{"errcode": "many"}'), True),
        (Response('{"a":' * 100_000), True),
        (cut_off(b'{"errcode": 0}'), True),
    ],
)
def test_strange_answers_to_a_send(client, platform, answer, unknown):
    answer.headers["Connection"] = "close"
    platform.answer("message/custom/send", answer)
    with pytest.raises(Unreachable) as raised:
        send_text(client)
    assert raised.value.outcome_unknown is unknown
    assert len(platform.calls("message/custom/send")) == 1
    assert not platform.calls("elsewhere")


# The platform is busy


def test_a_busy_platform_is_asked_again_where_that_is_harmless(client, platform):
    answers = iter([{"errcode": BUSY}, {"errcode": BUSY}])
    platform.answer("user/info", lambda _: next(answers, {"subscribe": 1}))
    assert client.person(PERSON) == {"subscribe": 1}
    assert len(platform.calls("user/info")) == 3


def test_a_busy_platform_is_not_asked_for_ever(client, platform):
    platform.answer("menu/get", {"errcode": BUSY, "errmsg": "system error"})
    with pytest.raises(WeChatError) as raised:
        client.menus()
    assert raised.value.action is Action.RETRY_LATER
    assert len(platform.calls("menu/get")) == 3


def test_a_template_message_is_repeated_under_the_same_client_msg_id(client, platform):
    answers = iter([{"errcode": BUSY}])
    platform.answer("message/template/send", lambda _: next(answers, {"errcode": 0, "msgid": 5}))
    assert send_template(client) == "5"
    bodies = [json.loads(request.get_data()) for request in platform.calls("message/template/send")]
    assert [body["client_msg_id"] for body in bodies] == ["notice-7"] * 2


@pytest.mark.parametrize(
    ("path", "call"),
    [
        ("message/custom/send", send_text),
        ("message/custom/send", SENDS[1]),
        ("tags/create", lambda client: client.create_tag("居民")),
        ("menu/addconditional", lambda client: client.add_conditional_menu({"button": []})),
    ],
)
def test_what_might_be_done_twice_is_not_repeated(client, platform, path, call):
    platform.answer(path, {"errcode": BUSY, "errmsg": "system error"})
    with pytest.raises(WeChatError):
        call(client)
    assert len(platform.calls(path)) == 1


# The policy

EXPECTED = {
    Action.RETRY_LATER: {-1},
    Action.RENEW_TOKEN: {40001, 40014, 42001},
    Action.GIVE_UP_PERSON: {40003, 43004, 43019, 48002, 49003},
    Action.STOP_UNTIL_RESET: {45009, 48006},
    Action.WAIT_A_MINUTE: {45011, 45066},
    Action.NEXT_CHANNEL: {45015, 45047},
    Action.DISABLE_FEATURE: {48001, 61004, 40164, 40243, 40013, 40125, 40037, 40200, 45109},
    Action.TREAT_AS_SENT: {45065},
    Action.FIX_PARAMETERS: {45067, 47003, 45002, 45008, 45098, 40007, 46003, 65303, 65320, 40032}
    | {45056, 45057, 45058, 45059, 45157, 45158, 45159},
    Action.CLEAR_CONSENT: {43101},
    Action.RESTART_OAUTH: {40029, 40163, 42003},
}


def test_every_code_has_the_action_that_was_decided():
    assert {code: rule.action for code, rule in POLICY.items()} == {
        code: action for action, codes in EXPECTED.items() for code in codes
    }
    assert set(EXPECTED) == set(Action)


@pytest.mark.parametrize("code", sorted(POLICY.keys() - EXPECTED[Action.TREAT_AS_SENT]))
def test_every_refusal_of_a_send_names_its_action(client, platform, code):
    platform.answer("message/custom/send", {"errcode": code, "errmsg": f"{TEXT} rid: 6744aa01-5d3c77-0b"})
    with pytest.raises(WeChatError) as raised:
        send_text(client)
    error = raised.value
    assert (error.code, error.action, error.call) == (code, POLICY[code].action, "message/custom/send")
    assert error.rid == "6744aa01-5d3c77-0b"
    assert POLICY[code].meaning in str(error)
    assert TEXT not in everything_said(error)


@pytest.mark.parametrize("send", SENDS)
def test_what_was_sent_before_counts_as_sent(client, platform, send):
    for path in SEND_PATHS:
        platform.answer(path, {"errcode": 45065, "errmsg": "duplicate"})
    assert not send(client)


@given(st.integers().filter(lambda code: code not in POLICY))
def test_a_code_that_nobody_knows_repeats_nothing_and_gives_nobody_up(code):
    assert rule_for(code).action is Action.FIX_PARAMETERS


# Media

PHOTO = b"\xff\xd8\xff\xe0" + bytes(range(256)) * 64


def test_a_photo_comes_with_its_type(client, platform):
    platform.answer("media/get", Response(PHOTO, content_type="image/jpeg; charset=x"))
    media = client.download("m-1")
    assert (media.content, media.content_type) == (PHOTO, "image/jpeg")
    assert platform.calls("media/get")[0].args["media_id"] == "m-1"
    assert "xff" not in repr(media)


@pytest.mark.parametrize("kind", ["image/jpeg", "text/plain", "application/json; encoding=utf-8"])
def test_an_error_instead_of_a_photo_is_seen_whatever_its_type_says(client, platform, kind):
    platform.answer("media/get", Response('{"errcode":40007,"errmsg":"invalid media_id"}', content_type=kind))
    with pytest.raises(WeChatError) as raised:
        client.download("m-1")
    assert raised.value.code == 40007


def test_a_dead_token_is_renewed_for_a_photo_too(client, platform):
    client.person(PERSON)
    platform.renew()
    platform.answer("media/get", Response(PHOTO, content_type="image/jpeg"))
    assert client.download("m-1").content == PHOTO


def test_a_video_is_answered_with_a_link_and_is_not_a_file(client, platform):
    platform.answer("media/get", {"video_url": "http://127.0.0.1/v"})
    with pytest.raises(MediaUnusable, match="not a file"):
        client.download("m-1")


def test_ten_megabytes_are_read_and_not_a_byte_more(client, platform):
    platform.answer("media/get", lambda _: Response(b"\xff" * LARGEST_ANSWER, content_type="image/png"))
    assert len(client.download("m-1").content) == LARGEST_ANSWER
    platform.answer("media/get", lambda _: Response(b"\xff" * (LARGEST_ANSWER + 1), content_type="image/png"))
    with pytest.raises(MediaUnusable, match="too large"):
        client.download("m-1")


def test_an_endless_answer_is_cut_off(client, platform):
    def endless() -> Iterator[bytes]:
        while True:
            yield b"\xff" * 65536

    platform.answer("media/get", lambda _: Response(endless(), content_type="image/png"))
    with pytest.raises(MediaUnusable, match="too large"):
        client.download("m-1")


def test_a_photo_that_breaks_off_is_not_a_photo(client, platform):
    platform.answer("media/get", cut_off(PHOTO))
    with pytest.raises(Unreachable):
        client.download("m-1")


@pytest.mark.parametrize("page", ["", "<html><title>502 Bad Gateway</title></html>"])
def test_a_page_in_a_photos_place_says_nothing_about_the_photo(client, platform, page):
    platform.answer("media/get", Response(page, content_type="text/html; charset=utf-8"))
    with pytest.raises(Unreachable):
        client.download("m-1")


def test_an_upload_is_whole_the_second_time_too(client, platform):
    uploads = []

    def take(request: Request) -> dict[str, Any]:
        with request.files["media"].stream as content:
            file = request.files["media"]
            uploads.append((file.filename, file.mimetype, content.read(), request.args["type"]))
        return {"errcode": 40001} if len(uploads) == 1 else {"type": "image", "media_id": "m-9"}

    platform.answer("media/upload", take)
    assert client.upload("image", PHOTO, "photo.jpg", "image/jpeg") == "m-9"
    assert uploads == [("photo.jpg", "image/jpeg", PHOTO, "image")] * 2


# Nobody sees the token, the secret or the words


@pytest.mark.parametrize(
    "answer",
    [
        {"errcode": 45015, "errmsg": f"{TEXT} {SECRET}"},
        {"errcode": f"{TEXT}"},
        Response(TEXT, 500),
        Response(TEXT, 403),
        Response(TEXT),
        hang_up,
    ],
)
@pytest.mark.parametrize("send", SENDS)
def test_no_exception_shows_what_was_sent(client, platform, send, answer):
    platform.answer("message/custom/send", answer)
    platform.answer("message/template/send", answer)
    platform.answer("message/subscribe/bizsend", answer)
    with pytest.raises((WeChatError, Unreachable)) as raised:
        send(client)
    said = everything_said(raised.value)
    assert PERSON not in said
    assert TEXT not in said
    assert platform.token not in said
    assert SECRET not in said


@pytest.mark.parametrize("url", ["http://127.0.0.1:{port}", "http://no such host", "nothing"])
def test_no_exception_shows_what_could_not_be_sent(make, platform, url):
    with pytest.raises(Unreachable) as raised:
        send_text(make(url.format(port=nowhere())))
    said = everything_said(raised.value)
    assert TEXT not in said
    assert platform.token not in said


def test_no_log_shows_the_token_or_the_words(client, platform, caplog):
    caplog.set_level(logging.DEBUG)
    send_text(client)
    platform.answer("user/info", hang_up)
    with pytest.raises(Unreachable):
        client.person(PERSON)
    assert "access_token=***" in caplog.text
    assert platform.token not in caplog.text
    assert TEXT not in caplog.text


def test_exceptions_survive_being_copied_as_between_processes():
    error = copy(WeChatError(45015, Action.NEXT_CHANNEL, "message/custom/send", "6744aa01"))
    lost = copy(Unreachable(True, "message/custom/send", "ReadTimeout"))
    assert (error.code, error.action, error.rid) == (45015, Action.NEXT_CHANNEL, "6744aa01")
    assert str(lost) == "message/custom/send: no answer (ReadTimeout); the call may have been carried out"
