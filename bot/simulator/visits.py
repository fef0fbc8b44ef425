"""The platform's own pages in a person's browser: web authorisation, and the consent to a one-time message.

Who the person is, says a cookie that /desk/as sets on the way to any page. It
is for this machine's browser, as the chat page is: whoever sits at it may be
any of the people here.
"""

from urllib.parse import urlencode, urlsplit

from flask import Blueprint, Response, abort, redirect, render_template, request
from werkzeug.wrappers import Response as Redirect

from bot.simulator.errors import ApiError
from bot.simulator.oauth import USERINFO, WrongRequest
from bot.simulator.simulator import Simulator
from bot.simulator.subscriptions import SCENES

COOKIE = "simulator_person"
LOOPBACK = {"127.0.0.1", "localhost", "::1"}
POLICY = "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'self'"

Page = str | tuple[str, int] | Redirect


def make_visits(simulator: Simulator) -> Blueprint:
    visits = Blueprint("visits", __name__)

    @visits.before_request
    def refuse_strangers() -> None:
        """A name that was rebound to this machine gets nothing."""
        hosts = LOOPBACK | {urlsplit(simulator.options.public_url).hostname}
        if urlsplit(f"//{request.host}").hostname not in hosts:
            abort(403)

    @visits.after_request
    def harden(response: Response) -> Response:
        response.headers["Content-Security-Policy"] = POLICY
        response.headers["X-Content-Type-Options"] = "nosniff"
        response.headers["Cache-Control"] = "no-store"
        response.headers["Referrer-Policy"] = "no-referrer"
        return response

    @visits.errorhandler(WrongRequest)
    def wrong(error: WrongRequest) -> tuple[str, int]:
        return render_template("wrong.html", code=error.code), 400

    @visits.get("/desk/as")
    def become() -> Page:
        """``openid`` goes on to ``to``. No foreign page may send a visitor here."""
        openid, to = request.args.get("openid", ""), request.args.get("to", "/")
        if request.headers.get("Sec-Fetch-Site", "none") not in {"none", "same-origin", "same-site"}:
            abort(403)
        if not simulator.crowd.knows(openid) or not _is_page(to):
            abort(404)
        response = redirect(to)
        response.set_cookie(COOKIE, openid, httponly=True, samesite="Lax")
        return response

    @visits.get("/connect/oauth2/authorize")
    def authorize() -> Page:
        openid = _visitor(simulator)
        visit = simulator.oauth.visit(openid, request.args.to_dict())
        if not openid:
            return _who(simulator)
        if visit.scope != USERINFO:
            return redirect(simulator.oauth.go(visit))
        name = simulator.crowd.person(openid).name
        return render_template("agree.html", options=simulator.options, name=name, asked=simulator.oauth.ask(visit))

    @visits.get("/connect/oauth2/agree")
    def agree() -> Page:
        """The person's yes. Its address is known to their page only, and good once."""
        return redirect(simulator.oauth.agree(request.args.get("asked", "")))

    @visits.get("/mp/subscribemsg")
    def once() -> Page:
        """The page that asks whether one message may come; the answer goes back to ``redirect_url``."""
        openid = _visitor(simulator)
        query = request.args.to_dict()
        if query.get("action") != "get_confirm" or query.get("appid") != simulator.options.app_id:
            raise WrongRequest("app_id")
        if not _is_scene(query.get("scene", "")) or not _is_known(simulator, query.get("template_id", "")):
            raise WrongRequest("scene")
        if not _is_page(query.get("redirect_url", ""), bare=False):
            raise WrongRequest("redirect_uri")
        if not openid:
            return _who(simulator)
        asked = simulator.subscriptions.ask_once(openid, query)
        return render_template("once.html", options=simulator.options, asked=asked)

    @visits.get("/mp/subscribemsg/answer")
    def answer_once() -> Page:
        found = simulator.subscriptions.answer_once(request.args.get("asked", ""), request.args.get("action", ""))
        if found is None:
            raise WrongRequest("asked")
        return redirect(found)

    return visits


def _visitor(simulator: Simulator) -> str:
    openid = request.cookies.get(COOKIE, "")
    return openid if simulator.crowd.knows(openid) else ""


def _who(simulator: Simulator) -> str:
    """Asks which of the people is visiting, and comes back here."""
    here = request.full_path
    people = [
        (row["name"] or row["openid"], f"/desk/as?{urlencode({'openid': row['openid'], 'to': here})}")
        for row in simulator.crowd.shown()
    ]
    return render_template("who.html", people=people)


def _is_page(address: str, bare: bool = True) -> bool:
    """A web address; ``bare``: or a path of the simulator."""
    try:
        parts = urlsplit(address)
    except ValueError:
        return False
    if not parts.scheme and not parts.netloc:
        return bare and address.startswith("/") and not address.startswith(("//", "/\\"))
    return parts.scheme in {"http", "https"} and bool(parts.hostname)


def _is_scene(written: str) -> bool:
    return written.isascii() and written.isdigit() and int(written) <= SCENES


def _is_known(simulator: Simulator, template_id: str) -> bool:
    try:
        simulator.subscriptions.find(template_id)
    except ApiError:
        return False
    return True
