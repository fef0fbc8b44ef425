"""What the tests of the command line share."""

from collections.abc import Iterator

import pytest
from flask import Flask

from bot.app import create_app
from tests.harness.stage import settings_for


@pytest.fixture
def app(database_url: str) -> Iterator[Flask]:
    app = create_app(settings_for(database_url))
    yield app
    app.extensions["bangfu"]["turns"].database.dispose()
