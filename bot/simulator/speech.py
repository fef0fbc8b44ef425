"""A recogniser behind the widespread transcription API, beside the platform: the form that FunASR's server speaks.

``POST /v1/audio/transcriptions`` takes the fields ``file`` and ``model`` and answers ``{"text": …}``, or a status with
``{"error": {"message": …}}``. The fault desk breaks it as any other call; its error code is then the status.
"""

import time

from flask import Blueprint, Response, jsonify, request

from bot.simulator.breaking import Broken, hang_up
from bot.simulator.faults import Kind
from bot.simulator.simulator import Simulator
from bot.simulator.voices import RECOGNISER, BadSound

UNAVAILABLE = 503


class Refused(Exception):
    def __init__(self, status: int, message: str) -> None:
        super().__init__(status, message)
        self.status, self.message = status, message


def make_speech(simulator: Simulator) -> Blueprint:
    speech = Blueprint("speech", __name__)
    speech.register_error_handler(Broken, hang_up)

    @speech.errorhandler(Refused)
    def refuse(error: Refused) -> tuple[Response, int]:
        return jsonify(error={"message": error.message}), error.status

    @speech.post(RECOGNISER)
    def transcribe() -> Response:
        faults = {fault.kind: fault for fault in simulator.faults.on_call(RECOGNISER)}
        if Kind.SLOW in faults:
            time.sleep(faults[Kind.SLOW].seconds)
        if Kind.DOWN in faults:
            raise Broken
        if Kind.REFUSE in faults:
            code = faults[Kind.REFUSE].code
            raise Refused(code if 400 <= code < 600 else UNAVAILABLE, "the model is busy")
        text = _heard(simulator)
        if Kind.LOST in faults:
            raise Broken
        return jsonify(text=text)

    return speech


def _heard(simulator: Simulator) -> str:
    key = simulator.options.speech_key
    if key and request.headers.get("Authorization") != f"Bearer {key}":
        raise Refused(401, "wrong key")
    sent = request.files.get("file")
    if sent is None or not request.form.get("model"):
        raise Refused(400, "file and model are needed")
    try:
        return simulator.voices.hear(sent.read())
    except BadSound as error:
        raise Refused(400, str(error)) from error
