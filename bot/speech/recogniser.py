"""Ask a recogniser for the words of a voice: one interface, and its form for the widespread transcription API.

FunASR's server and others take it: POST ``/v1/audio/transcriptions`` with the multipart fields ``file`` and ``model``
and a bearer key; the answer is JSON with ``text``. No error holds the sound, the words or the key.
"""

import json
import time
from typing import Protocol

import requests
from urllib3.exceptions import HTTPError

from bot.wechat.client import open_session
from config.settings import Settings

PATH = "/v1/audio/transcriptions"
# Seconds to connect and to answer: a minute of speech takes a server a few.
TIMEOUT = (3.0, 20.0)
LARGEST_ANSWER = 64 * 1024


class NoAnswer(Exception):
    """The recogniser gave no usable answer. ``why``: a status, or the name of an error; ours to put right at 4xx."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


class Recogniser(Protocol):
    def recognise(self, wav: bytes) -> str:
        """Return the words of a voice (16 kHz, mono), empty where it hears none. Raises NoAnswer."""
        ...


class TranscriptionServer:
    """A recogniser behind the transcription API. ``url``: with its path, or what stands before it."""

    def __init__(
        self, url: str, key: str, model: str, http: requests.Session, timeout: tuple[float, float] = TIMEOUT
    ) -> None:
        self._url = url.rstrip("/").removesuffix(PATH) + PATH
        self._key, self._model, self._http, self._timeout = key, model, http, timeout

    def recognise(self, wav: bytes) -> str:
        try:
            # A redirect would carry voice and key to another host, so none is followed.
            with self._http.post(
                self._url,
                files={"file": ("voice.wav", wav, "audio/wav")},
                data={"model": self._model},
                headers={"Authorization": f"Bearer {self._key}"} if self._key else {},
                timeout=self._timeout,
                allow_redirects=False,
                stream=True,
            ) as answer:
                status = answer.status_code
                body = self._body(answer) if status == requests.codes.ok else b""
        except (requests.RequestException, HTTPError) as error:
            failure = NoAnswer(type(error).__name__)
        else:
            if status == requests.codes.ok:
                return _text(body)
            failure = NoAnswer(str(status))
        # Raised outside the handler: the library's own error may quote what was sent.
        raise failure

    def _body(self, answer: requests.Response) -> bytes:
        body, deadline = bytearray(), time.monotonic() + sum(self._timeout)
        while piece := answer.raw.read1(LARGEST_ANSWER, decode_content=True):
            body += piece
            if len(body) > LARGEST_ANSWER or time.monotonic() > deadline:
                raise requests.ReadTimeout
        return bytes(body)


def _text(body: bytes) -> str:
    try:
        text = json.loads(body)["text"]
    except (ValueError, KeyError, TypeError, RecursionError):
        text = None
    if not isinstance(text, str):
        raise NoAnswer("no text")
    return text


def make_recogniser(settings: Settings) -> Recogniser | None:
    """Make the recogniser that the settings name; None where they name none."""
    if not settings.speech_url:
        return None
    key = settings.speech_key.get_secret_value()
    return TranscriptionServer(settings.speech_url, key, settings.speech_model, open_session(4))
