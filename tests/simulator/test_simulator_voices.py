"""The simulator's people speak, and its recogniser hears what they said."""

import io
import wave

import pytest
import requests

from bot.simulator.faults import Fault, Kind
from bot.simulator.options import Person
from bot.simulator.voices import RECOGNISER, BadSound, How, Voices
from bot.speech.audio import decode
from tests.harness.platform.account_server import account
from tests.harness.simulator.in_process import RunningSimulator

AUNT = (Person("oAunt", "秀英", following=True),)


def test_each_voice_is_heard_as_what_was_said_in_it() -> None:
    voices = Voices()
    said = {words: voices.say(words) for words in ("看求助", "捐五十", "确认", "看求助")}
    for words, amr in said.items():
        assert amr.startswith(b"#!AMR\n")
        assert voices.hear(decode(amr).wav) == words
    assert all(voices.hear(decode(voices.say(f"第{number}句")).wav) == f"第{number}句" for number in range(20))


@pytest.mark.parametrize("amr", [Voices().say("a", How.SILENT), Voices().say("a", How.NOISE), Voices().say("")])
def test_where_nothing_is_said_nothing_is_heard(amr: bytes) -> None:
    assert Voices().hear(decode(amr).wav) == ""


def test_words_that_it_has_not_made_are_not_heard() -> None:
    assert Voices().hear(decode(Voices().say("看求助")).wav) == ""


def test_another_form_of_sound_is_refused() -> None:
    file = io.BytesIO()
    with wave.open(file, "wb") as written:
        written.setnchannels(1)
        written.setsampwidth(2)
        written.setframerate(8_000)
        written.writeframes(bytes(100))
    for sound in (file.getvalue(), b"", b"RIFF"):
        with pytest.raises(BadSound):
            Voices().hear(sound)


def ask(url: str, sound: bytes | None, key: str = "", model: str = "sensevoice") -> requests.Response:
    files = {} if sound is None else {"file": ("voice.wav", sound, "audio/wav")}
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    return requests.post(f"{url}{RECOGNISER}", files=files, data={"model": model}, headers=headers, timeout=10)


def test_a_voice_goes_from_a_phone_through_the_api_to_the_recogniser() -> None:
    with account(speech_key="k") as server:
        server.simulator.voice("oAunt", words="看求助")
        heard = server.heard[-1]
        assert heard.findtext("Recognition") in (None, "")
        token, _ = server.simulator.tokens.stable()
        query = {"access_token": token, "media_id": heard.findtext("MediaId")}
        amr = requests.get(f"{server.url}/cgi-bin/media/get", params=query, timeout=10)
        assert amr.headers["Content-Type"] == "audio/amr"
        wav = decode(amr.content).wav
        assert ask(server.url, wav, "k").json() == {"text": "看求助"}
        assert ask(server.url, wav).status_code == 401
        assert ask(server.url, wav, "other").status_code == 401
        assert ask(server.url, None, "k").status_code == 400
        assert ask(server.url, wav, "k", model="").status_code == 400
        assert ask(server.url, amr.content, "k").status_code == 400


def test_a_share_of_errors_stands_on_the_fault_desk_and_can_be_lifted() -> None:
    with account(speech_errors=0.5, seed=1) as server:
        wav = decode(server.simulator.voices.say("看求助")).wav
        assert {ask(server.url, wav).status_code for _ in range(20)} == {200, 503}
        (fault,) = server.simulator.faults.shown()
        assert (fault.share, fault.where) == (0.5, RECOGNISER)
        server.simulator.faults.lift()
        assert {ask(server.url, wav).status_code for _ in range(10)} == {200}


@pytest.mark.parametrize(
    ("fault", "status"),
    [(Fault(Kind.REFUSE, where="/v1/audio", code=429), 429), (Fault(Kind.REFUSE, where="/v1/audio"), 503)],
)
def test_its_errors_are_statuses(fault: Fault, status: int) -> None:
    with account() as server:
        server.simulator.faults.add(fault)
        assert ask(server.url, b"").status_code == status


@pytest.mark.parametrize("kind", [Kind.DOWN, Kind.LOST])
def test_a_connection_may_break(kind: Kind) -> None:
    with account() as server:
        server.simulator.faults.add(Fault(kind, where="/v1/audio"))
        wav = decode(server.simulator.voices.say("看求助")).wav
        with pytest.raises(requests.ConnectionError):
            ask(server.url, wav)


def test_a_share_above_all_is_refused(run_simulator: object) -> None:
    with pytest.raises(ValueError, match="share"):
        run_simulator(people=AUNT, speech_errors=1.5)  # type: ignore[operator]


def test_wechat_may_recognise_it_as_it_once_did(run_simulator: object) -> None:
    running: RunningSimulator = run_simulator(people=AUNT)  # type: ignore[operator]
    delivery = running.simulator.voice("oAunt", "看求助")
    assert "<Recognition><![CDATA[看求助]]></Recognition>" in delivery.request_xml
