"""Say on a page of one's own why it does not open: its link is dead, or WeChat names another visitor."""

import structlog
from flask import Blueprint, Response, request

from bot.web.links import DeadLink
from bot.web.pages import Pages
from bot.web.visitor import VisitRefused

log = structlog.get_logger()


def show_refusals(blueprint: Blueprint, pages: Pages, template: str) -> None:
    """Answer DeadLink and VisitRefused of the blueprint's routes with this template (pages/shared/gone.html).

    A page that may not be shown for a reason of its own raises VisitRefused with that reason.
    """

    def answer(reason: str, status: int, again: str) -> Response:
        log.warning("page.refused", page=blueprint.name, reason=reason)
        return pages.show(template, status, reason=reason, again=again)

    @blueprint.errorhandler(DeadLink)
    def dead(link: DeadLink) -> Response:
        return answer(link.reason, 403, "")

    @blueprint.errorhandler(VisitRefused)
    def refuse(refused: VisitRefused) -> Response:
        return answer(refused.reason, refused.status, request.path)
