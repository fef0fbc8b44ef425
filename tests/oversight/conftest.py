"""The fixture of tests that open pages of pictures."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.harness.stage import Stage
from tests.scenes.gallery import Gallery


@pytest.fixture
def gallery(database_url: str, tmp_path: Path) -> Iterator[Gallery]:
    stage = Stage(database_url)
    yield Gallery(stage, tmp_path / "media")
    stage.close()
