"""Every transcript, through the real door, in three ways."""

from pathlib import Path

import pytest

from tests.support.stage import Stage
from tests.support.transcript import Actor

TRANSCRIPTS = sorted((Path(__file__).parent.parent / "transcripts").glob("*.chat"))


def _play(transcript: Path, url: str, *, times: int = 1, fresh: bool = False) -> None:
    stage = Stage(url, fresh=fresh)
    try:
        Actor(stage, times=times).play(transcript.read_text(encoding="utf-8"))
    finally:
        stage.close()


@pytest.mark.parametrize("way", ["plain", "thrice"])
@pytest.mark.parametrize("transcript", TRANSCRIPTS, ids=lambda path: path.stem)
def test_transcript(transcript: Path, way: str, database_url: str) -> None:
    _play(transcript, database_url, times=3 if way == "thrice" else 1)


@pytest.mark.parametrize("transcript", TRANSCRIPTS, ids=lambda path: path.stem)
def test_transcript_restarted(transcript: Path, database_url: str) -> None:
    """A program that knows nothing but the database, each turn."""
    _play(transcript, database_url, fresh=True)
