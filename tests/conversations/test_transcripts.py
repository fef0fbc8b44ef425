"""Every transcript, through the real door, in three ways."""

from pathlib import Path
from typing import Any

import pytest

from tests.harness.stage import Stage
from tests.harness.transcript import Actor

TRANSCRIPTS = sorted((Path(__file__).parent.parent / "transcripts").glob("*.chat"))


def _play(transcript: Path, url: str, *, times: int = 1, fresh: bool = False) -> None:
    stage = Stage(url, fresh=fresh)
    try:
        Actor(stage, times=times).play(transcript.read_text(encoding="utf-8"))
    finally:
        stage.close()


# Restarted: by a program that knows nothing but the database, each turn.
WAYS: dict[str, dict[str, Any]] = {"plain": {}, "restarted": {"fresh": True}, "thrice": {"times": 3}}

# In the fast tier each goes one way. A program for each turn takes ten times as long, and three deliveries of each
# message twice as long: the shortest has the first, and of the shorter half every third has the other.
BY_LENGTH = sorted(TRANSCRIPTS, key=lambda path: (path.stat().st_size, path.stem))
FAST = {
    path: "restarted" if place == 0 else "thrice" if place % 3 == 2 and place < len(BY_LENGTH) // 2 else "plain"
    for place, path in enumerate(BY_LENGTH)
}
PLAYED = [
    pytest.param(path, way, marks=[] if way == FAST[path] else [pytest.mark.slow], id=f"{path.stem}-{way}")
    for path in TRANSCRIPTS
    for way in WAYS
]


@pytest.mark.parametrize(("transcript", "way"), PLAYED)
def test_transcript(transcript: Path, way: str, database_url: str) -> None:
    _play(transcript, database_url, **WAYS[way])


def test_the_fast_tier_plays_each_transcript_in_one_way_and_all_ways_are_played() -> None:
    fast = [param.values for param in PLAYED if not param.marks]
    assert [path for path, _ in fast] == TRANSCRIPTS
    assert {way for _, way in fast} == set(WAYS)
    assert {param.values for param in PLAYED} == {(path, way) for path in TRANSCRIPTS for way in WAYS}
