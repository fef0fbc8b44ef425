"""Turn a voice as phones send it (AMR; also MP3, Ogg and WAV) into what recognisers take: 16 kHz, mono, WAV.

FFmpeg decodes it, by PyAV. Nothing is written to a disk.
"""

import io
import wave
from array import array
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import av.container

RATE = 16_000
# doc/service/api/material/temporary: a voice has 2 MB and 60 seconds at most; a second more for the last frame.
LARGEST = 2 * 1024 * 1024
MOST_SECONDS = 61
# Shorter is a slip of the finger.
LEAST_SECONDS = 0.3
# Of 32,767: a quiet room stays below it, a whisper into the phone does not.
QUIET = 250
# How a file begins -> FFmpeg's name of its format. No other format is tried: some lead to other files and servers.
FORMATS = (
    (b"#!AMR", "amr"),
    (b"ID3", "mp3"),
    (b"\xff\xfb", "mp3"),
    (b"\xff\xf3", "mp3"),
    (b"OggS", "ogg"),
    (b"RIFF", "wav"),
)
CODECS = frozenset({"amrnb", "amrwb", "mp3", "mp3float", "opus", "pcm_s16le", "speex"})


class NotAudio(Exception):
    """The file is no sound that we know, a broken one, or one made to break its reader."""


class TooLong(Exception):
    """The voice is longer than a minute, or larger than a minute can be."""


@dataclass(frozen=True, slots=True)
class Sound:
    wav: bytes = field(repr=False)
    seconds: float
    peak: int

    @property
    def is_silent(self) -> bool:
        return self.peak < QUIET or self.seconds < LEAST_SECONDS


def decode(content: bytes) -> Sound:
    """Decode a voice. Raises NotAudio or TooLong."""
    if len(content) > LARGEST:
        raise TooLong
    container = next((name for mark, name in FORMATS if content.startswith(mark)), None)
    if container is None:
        raise NotAudio("another format")
    try:
        samples = _samples(content, container)
    except (NotAudio, TooLong):
        raise
    except Exception as error:  # on a file made to break them, FFmpeg's readers raise anything
        raise NotAudio(type(error).__name__) from None
    if not samples:
        raise NotAudio("empty")
    return Sound(_as_wav(samples), len(samples) / RATE, max(map(abs, (max(samples), min(samples)))))


def _samples(content: bytes, container: str) -> "array[int]":
    # Loaded here: it takes a fifth of a second and 20 MB, and of all processes only a worker that hears needs it.
    import av

    samples = array("h")
    resampler = av.AudioResampler(format="s16", layout="mono", rate=RATE)
    with av.open(io.BytesIO(content), mode="r", format=container) as opened:
        stream = _audio_of(opened)
        for frame in opened.decode(stream):
            for piece in resampler.resample(frame):
                samples.frombytes(bytes(piece.planes[0])[: piece.samples * 2])
            if len(samples) > MOST_SECONDS * RATE:
                raise TooLong
        for piece in resampler.resample(None):
            samples.frombytes(bytes(piece.planes[0])[: piece.samples * 2])
    return samples


def _audio_of(opened: "av.container.InputContainer") -> "av.AudioStream":
    """Return the file's first sound. Raises NotAudio where there is none, or in a codec that no phone uses."""
    if not opened.streams.audio:
        raise NotAudio("no sound")
    stream = opened.streams.audio[0]
    if stream.codec_context.name not in CODECS:
        raise NotAudio("another codec")
    return stream


def _as_wav(samples: "array[int]") -> bytes:
    file = io.BytesIO()
    with wave.open(file, "wb") as written:
        written.setnchannels(1)
        written.setsampwidth(2)
        written.setframerate(RATE)
        written.writeframes(samples.tobytes())
    return file.getvalue()
