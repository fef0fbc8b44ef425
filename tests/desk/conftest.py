"""The fixture of tests that open files with pictures at the desk."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.harness.stage import Stage
from tests.scenes.gallery import Gallery


@pytest.fixture
def gallery(database_url: str, tmp_path: Path) -> Iterator[Gallery]:
    """An appeal with two pictures, and the officer of its place."""
    stage = Stage(database_url)
    yield Gallery(stage, tmp_path / "media")
    stage.close()
