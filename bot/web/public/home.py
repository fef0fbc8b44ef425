"""Show at ``/`` what this is: what can be done here, how to follow the account, and where everybody may check it.

Public, the same for everybody, and without a look at the database.
"""

from flask import Blueprint, Response

from bot.web.pages import Pages
from models.verification.case import NOTICE_PERIOD

_KEPT = "public, max-age=3600"


def home_page(pages: Pages) -> Blueprint:
    blueprint = Blueprint("home", __name__)

    @blueprint.get("/")
    def show() -> Response:
        response = pages.show("public/home", notice_days=NOTICE_PERIOD.days)
        response.headers["Cache-Control"] = _KEPT
        # Nobody's data are on it, and people who wonder whether this is real should find it by a search.
        del response.headers["X-Robots-Tag"]
        return response

    return blueprint
