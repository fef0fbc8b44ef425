"""What phones send becomes 16 kHz, mono, WAV; what is none of it is refused, and nothing else is ever raised."""

import io
import math
import wave
from array import array
from contextlib import suppress
from typing import Any

import av
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.simulator.voices import How, Voices
from bot.speech.audio import FORMATS, LARGEST, RATE, NotAudio, TooLong, decode

TONE = array("h", (round(8_000 * math.sin(math.pi * at / 20)) for at in range(16_000)))


def encoded(container: str, codec: str, rate: int, samples: "array[int]" = TONE) -> bytes:
    file = io.BytesIO()
    with av.open(file, "w", format=container) as written:
        stream: Any = written.add_stream(codec, rate=rate, layout="mono")
        frame = av.AudioFrame(format="s16", layout="mono", samples=len(samples))
        frame.sample_rate, frame.pts = rate, 0
        frame.planes[0].update(samples.tobytes())
        resampler = av.AudioResampler(format=stream.codec_context.format, layout="mono", rate=rate)
        for piece in resampler.resample(frame):
            for packet in (*stream.encode(piece), *stream.encode(None)):
                written.mux(packet)
    return file.getvalue()


@pytest.mark.parametrize(
    ("container", "codec", "rate"),
    [
        ("amr", "libopencore_amrnb", 8_000),
        ("mp3", "libmp3lame", 16_000),
        ("ogg", "libopus", 16_000),
        ("wav", "pcm_s16le", 44_100),
    ],
)
def test_what_a_phone_may_send_is_brought_to_one_form(container: str, codec: str, rate: int) -> None:
    sound = decode(encoded(container, codec, rate))
    with wave.open(io.BytesIO(sound.wav)) as file:
        assert (file.getframerate(), file.getnchannels(), file.getsampwidth()) == (RATE, 1, 2)
        assert file.getnframes() == pytest.approx(RATE * sound.seconds)
    assert sound.seconds == pytest.approx(len(TONE) / rate, abs=0.1)
    assert not sound.is_silent


def test_silence_and_a_slip_of_the_finger_are_known() -> None:
    assert decode(Voices().say("")).is_silent
    assert decode(encoded("amr", "libopencore_amrnb", 8_000, TONE[:1600])).is_silent


@pytest.mark.parametrize("content", [Voices().say("看求助", How.LONG), b"#!AMR\n" + bytes(LARGEST)])
def test_more_than_a_minute_is_not_decoded_to_its_end(content: bytes) -> None:
    with pytest.raises(TooLong):
        decode(content)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"#!AMR\n",
        b"<html>",
        b"#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n",
        b"ffconcat version 1.0\nfile /etc/passwd\n",
        encoded("wav", "adpcm_ima_wav", 16_000),
        encoded("wav", "pcm_s16le", 16_000)[:30],
    ],
    ids=["nothing", "no frame", "a page", "a playlist", "a list of files", "another codec", "cut off"],
)
def test_what_is_no_voice_is_refused(content: bytes) -> None:
    with pytest.raises(NotAudio):
        decode(content)


@given(mark=st.sampled_from([mark for mark, _ in FORMATS]), rest=st.binary(max_size=400))
def test_a_file_made_to_break_its_reader_raises_what_is_expected(mark: bytes, rest: bytes) -> None:
    with suppress(NotAudio, TooLong):
        assert decode(mark + rest).seconds > 0
