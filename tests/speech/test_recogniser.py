"""A recogniser's form and answers: nothing odd counts as words, and no error tells what was sent."""

from collections.abc import Iterator

import pytest
from flask import Flask, Response, redirect, request

from bot.simulator.serving import serving
from bot.speech.recogniser import LARGEST_ANSWER, PATH, NoAnswer, TranscriptionServer, make_recogniser
from bot.wechat.client import open_session
from config.settings import Environment, Settings

WAV, KEY = b"RIFF-the-voice", "the-key"


class Server:
    """Answers what it is told to, and keeps what it got."""

    def __init__(self) -> None:
        self.answer: Response | str = ""
        self.got: dict[str, object] = {}
        self.app = Flask(__name__)
        self.app.add_url_rule(PATH, view_func=self.take, methods=["POST"])
        self.app.add_url_rule("/elsewhere", view_func=self.take, methods=["GET", "POST"])

    def take(self) -> Response | str:
        sent = request.files.get("file")
        self.got = {
            "path": request.path,
            "file": sent.read() if sent else None,
            "name": sent.filename if sent else None,
            "model": request.form.get("model"),
            "key": request.headers.get("Authorization"),
        }
        return self.answer


@pytest.fixture
def server() -> Iterator[Server]:
    server = Server()
    with serving(server.app) as url:
        server.url = url  # type: ignore[attr-defined]
        yield server


def asked(server: Server, path: str = "") -> str:
    url = f"{server.url}{path}"  # type: ignore[attr-defined]
    with open_session(1) as http:
        return TranscriptionServer(url, KEY, "sensevoice", http, (1.0, 2.0)).recognise(WAV)


@pytest.mark.parametrize("path", ["", "/", PATH])
def test_it_is_asked_in_the_widespread_form(server: Server, path: str) -> None:
    server.answer = '{"text": "看求助", "language": "zh"}'
    assert asked(server, path) == "看求助"
    wanted = {"path": PATH, "file": WAV, "name": "voice.wav", "model": "sensevoice", "key": f"Bearer {KEY}"}
    assert server.got == wanted


@pytest.mark.parametrize(
    "answer",
    [
        "",
        "看求助",
        "[]",
        '{"text": null}',
        '{"text": ["看求助"]}',
        '{"error": {"message": "no model"}}',
        "[" * 60_000,
        '{"text": "' + "a" * LARGEST_ANSWER + '"}',
        Response("busy", status=503),
        Response('{"text": "看求助"}', status=400),
        redirect("/elsewhere"),
    ],
    ids=range(11),
)
def test_an_odd_answer_counts_as_none(server: Server, answer: Response | str) -> None:
    server.answer = answer
    with pytest.raises(NoAnswer) as failure:
        asked(server)
    assert server.got["path"] == PATH
    told = f"{failure.value!r} {failure.value.__cause__!r} {failure.value.__context__!r}"
    assert not any(words in told for words in ("看求助", KEY, "the-voice", "127.0.0.1"))


def test_nobody_at_the_address_counts_as_none() -> None:
    with open_session(1) as http, pytest.raises(NoAnswer, match="ConnectionError"):
        TranscriptionServer("http://127.0.0.1:9", KEY, "m", http, (0.5, 0.5)).recognise(WAV)


def test_without_a_url_nobody_listens() -> None:
    assert make_recogniser(Settings(bangfu_env=Environment.DEMO, _env_file=None)) is None
    assert make_recogniser(Settings(bangfu_env=Environment.DEMO, speech_url="http://s", _env_file=None)) is not None
