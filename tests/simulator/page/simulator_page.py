"""The simulator's page, asked as its script asks."""

from typing import Any

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

HOME = {"Origin": "http://localhost"}


def act(client: FlaskClient, action: str, headers: dict[str, str] = HOME, **fields: Any) -> TestResponse:
    return client.post(f"/desk/{action}", data=fields, headers=headers)


def feed(client: FlaskClient, after: int = 0) -> dict[str, Any]:
    return dict(client.get(f"/desk/feed?after={after}").get_json())
