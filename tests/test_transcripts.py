"""Every transcript, through the real door, in three ways and on both databases."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.stage import Stage, seed_regions
from tests.transcript import Actor

TRANSCRIPTS = sorted((Path(__file__).parent / "transcripts").glob("*.chat"))
KINDS = ("sqlite", "postgresql")


def _play(transcript: Path, url: str, *, times: int = 1, fresh: bool = False) -> None:
    seed_regions(url)
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
def test_transcript_restarted(transcript: Path, new_database: Callable[[str], str]) -> None:
    """A program that knows nothing but the database, each turn. Slow, so on one database each, in turn."""
    kind = KINDS[TRANSCRIPTS.index(transcript) % len(KINDS)]
    _play(transcript, new_database(kind), fresh=True)
