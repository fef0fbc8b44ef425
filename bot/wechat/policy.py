"""Say what the platform's error codes mean and what to do about each, in one table, and make the calls.

Every call to WeChat goes through ``exchange``. Every failure there is raised as
one of the exceptions below, and none of them holds what was sent: no token,
no secret, no message text, not even through ``__context__``.
"""

import json
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, NamedTuple

import requests
from urllib3.exceptions import HTTPError, NewConnectionError


class Action(StrEnum):
    """What to do next; the caller does it, the table only names it."""

    RETRY_LATER = "retry_later"
    RENEW_TOKEN = "renew_token"  # noqa: S105 - a step, not a secret
    GIVE_UP_PERSON = "give_up_person"
    STOP_UNTIL_RESET = "stop_until_reset"
    WAIT_A_MINUTE = "wait_a_minute"
    NEXT_CHANNEL = "next_channel"
    DISABLE_FEATURE = "disable_feature"
    TREAT_AS_SENT = "treat_as_sent"
    FIX_PARAMETERS = "fix_parameters"
    CLEAR_CONSENT = "clear_consent"
    RESTART_OAUTH = "restart_oauth"


class Rule(NamedTuple):
    meaning: str
    action: Action


BUSY = -1

# Meanings: the platform's list of global return codes and the page of each API
# (developers.weixin.qq.com/doc/service), and WxJava's WxMpErrorMsgEnum. The actions are our own reading.
POLICY: Mapping[int, Rule] = {
    BUSY: Rule("the platform is busy", Action.RETRY_LATER),
    # Access token: doc/service/guide/dev/api
    40001: Rule("the access token is wrong or not the latest", Action.RENEW_TOKEN),
    40014: Rule("the access token is malformed", Action.RENEW_TOKEN),
    42001: Rule("the access token has expired", Action.RENEW_TOKEN),
    # The account's own set-up: the program cannot mend it, a person must
    40013: Rule("the AppID is wrong", Action.DISABLE_FEATURE),
    40125: Rule("the AppSecret is wrong", Action.DISABLE_FEATURE),
    40164: Rule("this server's address is not on the account's list (older code)", Action.DISABLE_FEATURE),
    61004: Rule("this server's address is not on the account's list", Action.DISABLE_FEATURE),
    40243: Rule("the AppSecret is frozen", Action.DISABLE_FEATURE),
    48001: Rule("the account may not use this API", Action.DISABLE_FEATURE),
    40037: Rule("there is no such template", Action.DISABLE_FEATURE),
    40200: Rule("test accounts cannot send option menus", Action.DISABLE_FEATURE),
    45109: Rule("the platform has withdrawn this API", Action.DISABLE_FEATURE),
    # The person: a retry does not help
    40003: Rule("no such person on this account", Action.GIVE_UP_PERSON),
    49003: Rule("no such person among the followers", Action.GIVE_UP_PERSON),
    43004: Rule("the person does not follow the account", Action.GIVE_UP_PERSON),
    43019: Rule("the person is on the account's blacklist", Action.GIVE_UP_PERSON),
    48002: Rule("the person refuses the account's messages", Action.GIVE_UP_PERSON),
    43101: Rule("the person did not consent to this template", Action.CLEAR_CONSENT),
    # Quotas: doc/service/Message_Management/API_Call_Limits.html
    45009: Rule("the day's quota is used up", Action.STOP_UNTIL_RESET),
    48006: Rule("the month's quota resets are used up", Action.STOP_UNTIL_RESET),
    45011: Rule("too many calls this minute", Action.WAIT_A_MINUTE),
    45066: Rule("the same client message id again too soon", Action.WAIT_A_MINUTE),
    # Customer-service messages: doc/service/api/customer/message/api_sendcustommessage
    45015: Rule("outside the reply window, or no longer a follower", Action.NEXT_CHANNEL),
    45047: Rule("the window's count of messages is used up", Action.NEXT_CHANNEL),
    45002: Rule("the message is too long", Action.FIX_PARAMETERS),
    45008: Rule("more than one article", Action.FIX_PARAMETERS),
    45098: Rule("the option menu is too long", Action.FIX_PARAMETERS),
    # Sends with a client message id
    45065: Rule("this client message id was already sent", Action.TREAT_AS_SENT),
    45067: Rule("the client message id is too long", Action.FIX_PARAMETERS),
    47003: Rule("a template field breaks its type's limits", Action.FIX_PARAMETERS),
    # Media, menus, tags: the page of each API
    40007: Rule("no such media, or older than three days", Action.FIX_PARAMETERS),
    46003: Rule("there is no menu", Action.FIX_PARAMETERS),
    65303: Rule("a conditional menu needs a default menu first", Action.FIX_PARAMETERS),
    65320: Rule("conditional menus match by tag only", Action.FIX_PARAMETERS),
    40032: Rule("more than 50 people in one call", Action.FIX_PARAMETERS),
    45056: Rule("the account has 100 tags already", Action.FIX_PARAMETERS),
    45057: Rule("the tag has too many people to be deleted", Action.FIX_PARAMETERS),
    45058: Rule("tags 0, 1 and 2 are the platform's own", Action.FIX_PARAMETERS),
    45059: Rule("a person has as many tags as allowed", Action.FIX_PARAMETERS),
    45157: Rule("the tag's name is taken or not allowed", Action.FIX_PARAMETERS),
    45158: Rule("the tag's name is too long", Action.FIX_PARAMETERS),
    45159: Rule("there is no such tag", Action.FIX_PARAMETERS),
    # Web authorisation: doc/service/api/webdev/access
    40029: Rule("the authorisation code is wrong", Action.RESTART_OAUTH),
    40163: Rule("the authorisation code was used before", Action.RESTART_OAUTH),
    42003: Rule("the authorisation code has expired", Action.RESTART_OAUTH),
}

# No retry, no person is given up, nothing counts as sent: an operator must look.
UNKNOWN = Rule("a code this program does not know", Action.FIX_PARAMETERS)

# Seconds between tries of a call that may safely be made again while the platform is busy.
BUSY_PAUSES = (0.3, 0.9)
# The largest answer read, in bytes: the platform's own limit on an image or a video.
LARGEST_ANSWER = 10 * 1024 * 1024
_CHUNK = 64 * 1024
_RID = re.compile(r"\brid: ?([0-9a-f-]{8,64})")
_REFUSED_ADDRESS = re.compile(r"\binvalid ip ([0-9a-f.:]{3,45})")


def rule_for(code: int) -> Rule:
    return POLICY.get(code, UNKNOWN)


class WeChatError(Exception):
    """The platform answered ``call`` with an error code. ``rid``: the number that its support asks for.

    ``address``: of this machine, as the platform saw it, where it refused that.
    """

    def __init__(self, code: int, action: Action, call: str = "", rid: str = "", address: str = "") -> None:
        super().__init__(code, action, call, rid)
        self.code, self.action, self.call, self.rid, self.address = code, action, call, rid, address

    def __str__(self) -> str:
        return f"{self.call}: {self.code} {rule_for(self.code).meaning} ({self.action}, rid {self.rid or 'none'})"


class Unreachable(Exception):
    """There is no usable answer. ``outcome_unknown``: the call may have been carried out nevertheless."""

    def __init__(self, outcome_unknown: bool, call: str = "", why: str = "") -> None:
        super().__init__(outcome_unknown, call, why)
        self.outcome_unknown, self.call, self.why = outcome_unknown, call, why

    def __str__(self) -> str:
        done = "may have been carried out" if self.outcome_unknown else "was not carried out"
        return f"{self.call}: no answer ({self.why}); the call {done}"


class TooLarge(Unreachable):
    """There is an answer, but it is larger than LARGEST_ANSWER and was not read to the end."""


@dataclass(frozen=True, slots=True)
class Answer:
    """The platform's answer. ``fields``: its JSON object, or None if the body is something else (a photo)."""

    content_type: str
    body: bytes = field(repr=False)
    fields: dict[str, Any] | None = field(repr=False)


def exchange(
    http: requests.Session,
    method: str,
    url: str,
    *,
    call: str,
    timeout: tuple[float, float],
    repeatable: bool = False,
    **request: Any,
) -> Answer:
    """Make one call to the platform. ``timeout``: seconds to connect and to answer.

    A ``repeatable`` call is made up to three times while the platform says it is
    busy; any other exactly once. Raises WeChatError, or Unreachable (TooLarge where there was too much of it).
    """
    pauses = iter(BUSY_PAUSES if repeatable else ())
    while True:
        try:
            return _judged(_once(http, method, url, call, timeout, request), call)
        except WeChatError as error:
            pause = next(pauses, None)
            if error.code != BUSY or pause is None:
                raise
        time.sleep(pause)


def _once(
    http: requests.Session, method: str, url: str, call: str, timeout: tuple[float, float], request: dict[str, Any]
) -> tuple[str, bytes]:
    """Return the content type and body of a 200 answer. Raises Unreachable."""
    try:
        # A redirect would carry the token to another host, so none is followed.
        with http.request(method, url, timeout=timeout, stream=True, allow_redirects=False, **request) as response:
            status = response.status_code
            kind = response.headers.get("Content-Type", "").partition(";")[0].strip().lower()
            body = _body(response, call, deadline=time.monotonic() + sum(timeout))
    except (requests.RequestException, HTTPError) as error:
        failure = Unreachable(not _never_left(error), call, type(error).__name__)
    else:
        if status == requests.codes.ok:
            return kind, body
        failure = Unreachable(status >= requests.codes.server_error, call, f"status {status}")
    # Raised outside the handler: the library's own error quotes URL and body, and must not be chained to ours.
    raise failure


def _body(response: requests.Response, call: str, deadline: float) -> bytes:
    body = bytearray()
    # Reads what has arrived, not a full chunk: waiting for a full one could exceed the deadline.
    while piece := response.raw.read1(_CHUNK, decode_content=True):
        body += piece
        if len(body) > LARGEST_ANSWER:
            raise TooLarge(True, call, "too large")
        if time.monotonic() > deadline:
            raise requests.ReadTimeout
    return bytes(body)


def _never_left(error: Exception) -> bool:
    """Tell whether the request was certainly not sent: no connection, or refused on this machine (a ValueError)."""
    reason = getattr(error.args[0] if error.args else None, "reason", None)
    return isinstance(error, requests.ConnectTimeout | ValueError) or isinstance(reason, NewConnectionError)


def _judged(received: tuple[str, bytes], call: str) -> Answer:
    kind, body = received
    fields = _json_object(body)
    code = (fields or {}).get("errcode") or 0
    if not isinstance(code, int):
        raise Unreachable(True, call, "unreadable errcode")
    if code == 0:
        return Answer(kind, body, fields)
    said = str(fields.get("errmsg", "")) if fields else ""
    rid, address = _RID.search(said), _REFUSED_ADDRESS.search(said)
    raise WeChatError(code, rule_for(code).action, call, rid[1] if rid else "", address[1] if address else "")


def _json_object(body: bytes) -> dict[str, Any] | None:
    """Return the body's JSON object, else None. The declared type is ignored: media calls' errors have others."""
    if not body.lstrip().startswith(b"{"):
        return None
    try:
        found = json.loads(body.decode("utf-8", "replace"), strict=False)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None
