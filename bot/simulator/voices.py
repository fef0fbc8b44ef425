"""Make voices that carry words, and hear them again: a recogniser that needs no model.

The words stay here, under a number. The voice is real AMR, as phones send it, in which tones spell the number: so it
must be fetched, decoded and brought to another rate without harm before anything is heard in it.
"""

import io
import math
import threading
import wave
from array import array
from enum import StrEnum
from random import Random

RECOGNISER = "/v1/audio/transcriptions"
"""Where the account's server asks what a voice says."""
AMR_RATE = 8_000
HEARD_RATE = 16_000
MARK = b"#!AMR\n"
TONES = tuple(500 + 100 * digit for digit in range(16))
DIGITS = 3
SECONDS = 0.12
"""Of each tone."""
LOUD = 9_000
# A tone counts where it is so much stronger than the next strongest.
CLEARLY = 20
# As many words are kept.
KEPT = 16**DIGITS
LONG = 62
"""Seconds: longer than WeChat lets anybody speak."""


class How(StrEnum):
    """How a person speaks."""

    CLEAR = "clear"
    SILENT = "silent"
    NOISE = "noise"
    LONG = "long"


class BadSound(ValueError):
    """The file is no sound that the recogniser takes."""


class Voices:
    def __init__(self, seed: int = 0) -> None:
        self._lock = threading.Lock()
        self._chance = Random(seed)  # noqa: S311 - not for secrets
        self._words: dict[int, str] = {}
        self._last = 0

    def say(self, words: str, how: How = How.CLEAR) -> bytes:
        """An AMR file; without words it is silent."""
        if how is How.SILENT or not words:
            return _encode(array("h", bytes(2 * AMR_RATE)))
        if how is How.NOISE:
            noise = (self._chance.randint(-LOUD, LOUD) for _ in range(AMR_RATE))
            return _encode(array("h", noise))
        with self._lock:
            number = self._last = (self._last + 1) % KEPT
            self._words[number] = words
        spoken = _encode(_tones(_digits(number)))
        if how is How.LONG:
            frames = spoken.removeprefix(MARK)
            return MARK + frames * math.ceil(LONG / (SECONDS * (DIGITS + 1)))
        return spoken

    def hear(self, wav: bytes) -> str:
        """The words in a WAV file of 16 kHz and one channel; empty where there are none. Raises BadSound."""
        digits = _read(_samples(wav))
        if digits is None or digits != _digits(_number(digits)):
            return ""
        with self._lock:
            return self._words.get(_number(digits), "")


def _digits(number: int) -> list[int]:
    """The number's digits and a check digit, in base 16."""
    digits = [number >> 4 * place & 15 for place in reversed(range(DIGITS))]
    return [*digits, sum(digits) * 7 % 16]


def _number(digits: list[int]) -> int:
    return sum(digit << 4 * place for place, digit in enumerate(reversed(digits[:DIGITS])))


def _tones(digits: list[int]) -> "array[int]":
    length = round(SECONDS * AMR_RATE)
    samples = array("h")
    for digit in digits:
        turn = 2 * math.pi * TONES[digit] / AMR_RATE
        # Softly on and off, for a sudden tone is heard as all tones.
        loud = (LOUD * min(1.0, at / 80, (length - at) / 80) for at in range(length))
        samples.extend(round(volume * math.sin(turn * at)) for at, volume in enumerate(loud))
    return samples


def _encode(samples: "array[int]") -> bytes:
    import av  # here, since only who speaks needs it

    file = io.BytesIO()
    with av.open(file, "w", format="amr") as written:
        stream = written.add_stream("libopencore_amrnb", rate=AMR_RATE, layout="mono")
        stream.bit_rate = 12_200
        frame = av.AudioFrame(format="s16", layout="mono", samples=len(samples))
        frame.sample_rate, frame.pts = AMR_RATE, 0
        frame.planes[0].update(samples.tobytes())
        for packet in (*stream.encode(frame), *stream.encode(None)):
            written.mux(packet)
    return file.getvalue()


def _samples(wav: bytes) -> "array[int]":
    try:
        with wave.open(io.BytesIO(wav)) as file:
            if (file.getframerate(), file.getnchannels(), file.getsampwidth()) != (HEARD_RATE, 1, 2):
                raise BadSound("not 16 kHz, one channel, 16 bits")
            return array("h", file.readframes(file.getnframes()))
    except (wave.Error, EOFError) as error:
        raise BadSound("no WAV file") from error


def _read(samples: "array[int]") -> list[int] | None:
    """The digits that the tones at the beginning spell; None where a tone is not clear."""
    length, edge = round(SECONDS * HEARD_RATE), HEARD_RATE // 80
    found = []
    for start in range(0, length * (DIGITS + 1), length):
        piece = samples[start + edge : start + length - edge]
        powers = [_power(piece, tone) for tone in TONES]
        second, first = sorted(powers)[-2:]
        if first <= CLEARLY * second or not first:
            return None
        found.append(powers.index(first))
    return found


def _power(samples: "array[int]", tone: int) -> float:
    """How strong a tone is, by Goertzel's algorithm."""
    turn = 2 * math.cos(2 * math.pi * tone / HEARD_RATE)
    last = before = 0.0
    for sample in samples:
        last, before = sample + turn * last - before, last
    return last * last + before * before - turn * last * before
