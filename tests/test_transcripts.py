"""Every transcript, through the real door, in three ways and on both databases."""

from pathlib import Path

import pytest

from tests.stage import Stage, seed_regions
from tests.transcript import Actor

TRANSCRIPTS = sorted((Path(__file__).parent / "transcripts").glob("*.chat"))


@pytest.mark.parametrize("way", ["plain", "restarted", "thrice"])
@pytest.mark.parametrize("transcript", TRANSCRIPTS, ids=lambda path: path.stem)
def test_transcript(transcript: Path, way: str, database_url: str) -> None:
    seed_regions(database_url)
    stage = Stage(database_url, fresh=way == "restarted")
    try:
        Actor(stage, times=3 if way == "thrice" else 1).play(transcript.read_text(encoding="utf-8"))
    finally:
        stage.close()
