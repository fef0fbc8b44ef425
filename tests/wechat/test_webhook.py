"""The door over HTTP: statuses, empty bodies, one line in the log, and nothing read past the cap."""

import http.client
import io
import socket
import threading
from collections.abc import Iterable
from typing import Any
from urllib.parse import urlencode

import pytest
from flask import Flask
from flask.testing import FlaskClient
from structlog.testing import capture_logs
from werkzeug.serving import make_server
from werkzeug.test import TestResponse

from bot.webhook import webhook
from bot.wechat.codec import BODY_BYTES, WebhookCodec
from config.settings import SAMPLE_AES_KEY, SAMPLE_APP_ID, SAMPLE_TOKEN, Mode
from models.people.message import Message
from tests.harness.platform import wechat as side
from tests.harness.platform.wechat import WeChat


class TryAgain(Exception):
    pass


class Turns:
    """Stands where the turn does: keeps what it was given, answers or raises what it was told to."""

    def __init__(self) -> None:
        self.taken: list[Message] = []
        self.reply: str | Exception = "您好"

    def __call__(self, message: Message) -> str:
        self.taken.append(message)
        if isinstance(self.reply, Exception):
            raise self.reply
        return self.reply


@pytest.fixture
def turns():
    return Turns()


@pytest.fixture(params=Mode)
def wechat(request):
    return WeChat(request.param)


@pytest.fixture
def app(wechat, turns):
    app = Flask(__name__)
    codec = WebhookCodec(SAMPLE_APP_ID, SAMPLE_TOKEN, SAMPLE_AES_KEY, "", wechat.mode)
    app.register_blueprint(webhook(codec, turns, TryAgain))
    return app


@pytest.fixture
def client(app):
    return app.test_client()


def post(client: FlaskClient, delivery: tuple[dict[str, str], bytes]) -> TestResponse:
    query, body = delivery
    return client.post("/wechat", query_string=query, data=body, content_type="text/xml")


def assert_refused(response: TestResponse, logs: list[Any], code: int, event: str, **fields: Any) -> None:
    assert (response.status_code, response.data) == (code, b"")
    assert logs == [{"event": event, "log_level": "warning"} | fields]


def test_a_message_takes_one_turn_and_its_reply_goes_back(client, wechat, turns):
    response = post(client, wechat.deliver(side.text("众筹")))
    assert response.status_code == 200
    assert response.content_type == "application/xml; charset=utf-8"
    assert wechat.read_text(response.data) == "您好"
    assert [message.text for message in turns.taken] == ["众筹"]


def test_nothing_to_say(client, wechat, turns):
    turns.reply = ""
    response = post(client, wechat.deliver(side.event("unsubscribe")))
    assert (response.status_code, response.data) == (200, b"success")
    assert response.content_type == "text/plain; charset=utf-8"


def test_the_url_check_echoes_and_cannot_be_taken_for_a_page(client, wechat):
    echo = "<script>alert(1)</script>"
    response = client.get("/wechat", query_string=wechat.signed(echostr=echo))
    assert (response.status_code, response.text) == (200, echo)
    assert response.content_type == "text/plain; charset=utf-8"
    assert response.headers["X-Content-Type-Options"] == "nosniff"


def test_a_url_check_by_someone_else_is_refused(client, turns):
    for query in ({}, {"echostr": "1"}, WeChat(token="another").signed(echostr="1")):
        with capture_logs() as logs:
            response = client.get("/wechat", query_string=query)
        assert response.status_code == 403
        assert response.data == b""
        assert [entry["event"] for entry in logs] == ["push_forged"]
    assert turns.taken == []


def test_a_forgery_gets_403_and_no_turn(client, wechat, turns):
    with capture_logs() as logs:
        response = post(client, WeChat(wechat.mode, token="another").deliver(side.text("捐")))
    assert_refused(response, logs, 403, "push_forged", reason="signature")
    assert turns.taken == []


@pytest.mark.parametrize("name", ["signature", "timestamp", "nonce"])
def test_an_argument_given_twice_counts_as_not_given(client, wechat, turns, name):
    query, body = wechat.deliver(side.text("捐"))
    twice = [*query.items(), (name, query[name])]
    with capture_logs() as logs:
        response = client.post("/wechat", query_string=twice, data=body)
    assert_refused(response, logs, 403, "push_forged", reason="arguments")
    assert turns.taken == []


@pytest.mark.parametrize(
    "query", ["signature=%ff%fe&timestamp=%00&nonce=%F0", "signature&timestamp&nonce", "&&==%", "a" * 9000]
)
def test_a_query_of_broken_bytes_is_a_forgery(client, query):
    assert client.post("/wechat?" + query, data=b"<xml/>").status_code == 403


def test_an_unreadable_body_gets_400_and_no_turn(client, wechat, turns):
    with capture_logs() as logs:
        response = post(client, wechat.deliver("<xml><MsgType>text</MsgType></xml>"))
    assert_refused(response, logs, 400, "push_unreadable", reason="bad_ToUserName")
    assert turns.taken == []


def test_a_json_push_says_in_the_log_what_to_change(client, wechat):
    with capture_logs() as logs:
        response = post(client, (wechat.signed(), b'{"ToUserName": "gh_1"}'))
    assert_refused(response, logs, 400, "push_unreadable", reason="json_push_set_the_console_to_xml")


def test_a_form_is_not_read_as_one(client, wechat):
    response = client.post("/wechat", query_string=wechat.signed(), data={"a": "b"})
    assert (response.status_code, response.data) == (400, b"")


def test_a_turn_that_cannot_be_taken_now_gets_503_so_that_wechat_comes_back(client, wechat, turns):
    turns.reply = TryAgain("database is down")
    with capture_logs() as logs:
        response = post(client, wechat.deliver(side.text("捐")))
    assert_refused(response, logs, 503, "push_put_off")


def test_any_other_failure_of_a_turn_is_not_swallowed(app, client, wechat, turns):
    app.testing = True
    turns.reply = RuntimeError("a bug")
    with pytest.raises(RuntimeError, match="a bug"):
        post(client, wechat.deliver(side.text("捐")))


def test_other_methods_are_refused(client):
    assert client.put("/wechat").status_code == 405


def test_three_megabytes_get_413(client, wechat, turns):
    with capture_logs() as logs:
        response = post(client, wechat.deliver(side.text("汉" * 1_000_000)))
    assert_refused(response, logs, 413, "push_refused", status=413)
    assert turns.taken == []


def test_just_below_the_cap_is_let_in(turns):
    sender = WeChat(Mode.PLAIN)
    empty = len(sender.deliver(side.text(""))[1])
    app = Flask(__name__)
    app.register_blueprint(webhook(WebhookCodec(SAMPLE_APP_ID, SAMPLE_TOKEN, "", "", Mode.PLAIN), turns, TryAgain))
    assert post(app.test_client(), sender.deliver(side.text("a" * (BODY_BYTES - empty)))).status_code == 200
    assert post(app.test_client(), sender.deliver(side.text("a" * (BODY_BYTES - empty + 1)))).status_code == 413


# --- a real socket


@pytest.fixture
def port(app):
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    yield server.server_port
    server.shutdown()
    thread.join()
    server.server_close()


def post_chunked(port: int, query: dict[str, str], chunks: Iterable[bytes]) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    target = "/wechat?" + urlencode(query)
    try:
        connection.request(
            "POST", target, body=iter(chunks), encode_chunked=True, headers={"Transfer-Encoding": "chunked"}
        )
        response = connection.getresponse()
        return response.status, response.read()
    finally:
        connection.close()


def test_a_chunked_message_is_read(port, wechat, turns):
    query, body = wechat.deliver(side.text("众筹"))
    status, reply = post_chunked(port, query, [body[:50], body[50:]])
    assert (status, wechat.read_text(reply)) == (200, "您好")
    assert len(turns.taken) == 1


class Endless(io.RawIOBase):
    """A body that never ends, as a server hands on a chunked one; it counts what was taken from it."""

    taken = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        self.taken += len(buffer)
        buffer[:] = b"x" * len(buffer)
        return len(buffer)


def test_a_body_without_end_is_read_to_the_cap_and_no_further(client, wechat, turns):
    body = Endless()
    with capture_logs() as logs:
        response = client.post(
            "/wechat",
            query_string=wechat.signed(),
            environ_overrides={"wsgi.input": body, "wsgi.input_terminated": True, "CONTENT_LENGTH": ""},
        )
    assert_refused(response, logs, 413, "push_refused", status=413)
    assert body.taken == BODY_BYTES + 1
    assert turns.taken == []


def test_a_body_broken_off_on_the_way_takes_no_turn(port, wechat, turns):
    query, body = wechat.deliver(side.text("众筹"))
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    connection.putrequest("POST", "/wechat?" + urlencode(query))
    connection.putheader("Content-Length", str(len(body)))
    connection.endheaders(body[:40])
    connection.sock.shutdown(socket.SHUT_WR)
    response = connection.getresponse()
    assert (response.status, response.read()) == (400, b"")
    connection.close()
    assert turns.taken == []


def test_a_strangers_body_is_not_waited_for(port, turns):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    connection.putrequest("POST", "/wechat?signature=forged&timestamp=1&nonce=1")
    connection.putheader("Content-Length", "1000")
    connection.endheaders(b"<xm")
    response = connection.getresponse()
    assert (response.status, response.read()) == (403, b"")
    connection.close()
    assert turns.taken == []
