"""The simulator as plain calls: what a person with a phone can do, and the account's pushes.

The page, the tests and a terminal chat all act through it. Every call of a
person waits for the outcome (at most three deadlines) and returns a Delivery.
"""

import hashlib
import secrets
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from bot.simulator import envelope, events, wire
from bot.simulator.chat import Chat
from bot.simulator.codes import Codes
from bot.simulator.crowd import Crowd
from bot.simulator.envelope import Content
from bot.simulator.faults import Fault, FaultDesk, Kind
from bot.simulator.media import MediaStore
from bot.simulator.menus import Button, MenuBoard
from bot.simulator.oauth import OAuth
from bot.simulator.options import Options, Person
from bot.simulator.pay.desk import Pay
from bot.simulator.people import People
from bot.simulator.platform import Delivery, Platform, Status
from bot.simulator.quotas import SANDBOX_PER_DAY, Quotas
from bot.simulator.rids import Rids
from bot.simulator.subscriptions import Subscriptions
from bot.simulator.templates import Templates
from bot.simulator.tickets import Tickets
from bot.simulator.timeline import SharedClock, Timeline
from bot.simulator.tokens import Tokens
from bot.simulator.voices import RECOGNISER, How, Voices
from bot.simulator.windows import Windows

TAPS = {"click", "view", "miniprogram"}
PICTURES = {"pic_sysphoto", "pic_photo_or_album", "pic_weixin"}
SCANS = {"scancode_push", "scancode_waitmsg"}
PLACES = {"location_select"}


class NoSuchButton(LookupError):
    """The person's menu has no button there (it may have changed since they looked)."""


class Simulator:
    """``post`` replaces the sockets, so that a test can drive an application in process.

    ``shared``: the clock's moves, where the account's server moves along.
    """

    def __init__(
        self,
        options: Options,
        post: wire.Post | None = None,
        clock: Callable[[], float] = time.time,
        shared: SharedClock | None = None,
    ) -> None:
        self._session = wire.make_session()
        self.options = options
        self.timeline = Timeline(clock, shared)
        self.faults = FaultDesk(options.seed)
        if options.speech_errors:
            self.faults.add(Fault(Kind.REFUSE, share=options.speech_errors, where=RECOGNISER, code=503))
        self.crowd = Crowd(options.people, options.templates_dir, options.followers)
        self.tokens = Tokens(self.timeline.tokens_clock)
        self.quotas = Quotas(self.timeline)
        if options.test_account:
            self.quotas.limits |= SANDBOX_PER_DAY
        self.people = People(self.crowd, self.timeline, options.bound)
        self.windows = Windows(self.timeline)
        self.templates = Templates(self.timeline, options.templates, options.template_library)
        self.subscriptions = Subscriptions(self.timeline, options.subscriptions)
        self.codes = Codes(self.timeline)
        self.oauth = OAuth(self.timeline, options.app_id, options.oauth_domains)
        self.tickets = Tickets(self.timeline.tokens_clock)
        self.rids = Rids(self.timeline)
        self.menus = MenuBoard()
        self.media = MediaStore(self.timeline)
        self.voices = Voices(options.seed)
        self.chat = Chat(self.timeline)
        self.platform = Platform(options, post or wire.poster(self._session), self.timeline, self.faults)
        self.pay = Pay(options, post or wire.poster(self._session), self.timeline, self.faults, self.crowd.knows)
        self.pay.on_paid = self.windows.paid

    def close(self) -> None:
        self.chat.close()
        self.timeline.close()
        self._session.close()

    def new_person(self, openid: str = "", name: str = "", following: bool = False) -> Person:
        return self.crowd.add(openid, name, following)

    def send_text(self, openid: str, text: str, option_id: str = "", ref: str = "") -> Delivery:
        """``option_id``: this text is a tapped msgmenu option."""
        return self._say(openid, envelope.text(text, option_id), {"text": text}, ref)

    def photo(self, openid: str, data: bytes, ref: str = "", button: Sequence[int] = ()) -> Delivery:
        """JPEG, PNG, GIF or BMP. Raises ApiError (40005, 40009, 41005)."""
        media = self.media.put("image", data)
        if button:
            checksum = hashlib.md5(data, usedforsecurity=False).hexdigest()
            self._press(
                openid, button, PICTURES, lambda found: events.pictures(found["type"], found["key"], [checksum])
            )
        url = f"{self.options.public_url}/media/{media.media_id}"
        shown = {"media_id": media.media_id, "bytes": len(data)}
        return self._say(openid, envelope.image(url, media.media_id), shown, ref)

    def place(
        self, openid: str, lat: float, lng: float, label: str, ref: str = "", button: Sequence[int] = ()
    ) -> Delivery:
        """Degrees, GCJ-02."""
        if button:
            self._press(openid, button, PLACES, lambda found: events.location_select(found["key"], lat, lng, label))
        shown = {"latitude": lat, "longitude": lng, "label": label}
        return self._say(openid, envelope.location(lat, lng, label), shown, ref)

    def voice(
        self, openid: str, recognition: str = "", ref: str = "", *, words: str = "", how: How = How.CLEAR
    ) -> Delivery:
        """``recognition``: what WeChat itself has heard, usually nothing. ``words``: what is said in it, and how."""
        media = self.media.put("voice", self.voices.say(words, how))
        return self._say(openid, envelope.voice(media.media_id, recognition), {"text": words or recognition}, ref)

    def link(self, openid: str, title: str, description: str, url: str, ref: str = "") -> Delivery:
        shown = {"title": title, "description": description, "url": url}
        return self._say(openid, envelope.link(title, description, url), shown, ref)

    def scan_code(self, openid: str, ticket: str) -> Delivery:
        """One of the account's codes that still lives, by its ticket or by what it says. Raises DeadCode."""
        code = self.codes.find(ticket)
        return self.scan(openid, code.scene, ticket=code.ticket)

    def scan(self, openid: str, scene: str, button: Sequence[int] = (), ticket: str = "") -> Delivery:
        """The account's code with this scene. Somebody who does not follow yet, follows by it."""
        if button:
            return self._press(openid, button, SCANS, lambda found: events.scancode(found["type"], found["key"], scene))
        ticket = ticket or f"gQ{secrets.token_urlsafe(60)}"
        if self.crowd.is_following(openid):
            return self._act(openid, events.scan(scene, ticket), {"scene": scene})
        self.crowd.follow(openid, True)
        return self._act(openid, events.subscribe(scene, ticket), {"scene": scene})

    def follow(self, openid: str) -> Delivery:
        self.crowd.follow(openid, True)
        return self._act(openid, events.subscribe(), {})

    def unfollow(self, openid: str) -> Delivery:
        self.crowd.follow(openid, False)
        return self._act(openid, events.unsubscribe(), {})

    def meet(self, openid: str) -> Delivery | None:
        """A first look at the account follows it; later ones (None) change nothing."""
        return None if self.crowd.has_met(openid) else self.follow(openid)

    def menu_of(self, openid: str) -> tuple[int, list[Button]]:
        return self.menus.shown_to(self.crowd.tags_of(openid))

    def click(self, openid: str, key: str) -> Delivery:
        """A CLICK with this key, whether or not the menu has such a button."""
        return self._act(openid, events.click(key), {"name": key})

    def tap(self, openid: str, button: Sequence[int]) -> Delivery:
        """A tap on the person's menu: ``[0, 2]`` is the third sub-button of the first button.

        Buttons that open the camera, the scanner or the map are for ``photo``,
        ``scan`` and ``place``. Raises NoSuchButton.
        """
        menu_id, _ = self.menu_of(openid)
        return self._press(openid, button, TAPS, lambda found: _pressed(found, menu_id))

    def answer_popup(self, openid: str, choices: Mapping[str, bool], wrapped: bool = True) -> Delivery:
        """What they tap in the popup of subscription notices: template id -> yes or no, one to five of them."""
        self.subscriptions.choose(openid, choices)
        return self._consent(openid, "subscribe_msg_popup_event", choices, wrapped)

    def change_consent(self, openid: str, choices: Mapping[str, bool], wrapped: bool = True) -> Delivery:
        """What they change among their settings later on; a no takes back all that was left."""
        self.subscriptions.change(openid, choices)
        return self._consent(openid, "subscribe_msg_change_event", choices, wrapped)

    def deliver(self, openid: str, content: Content) -> Delivery:
        """Anything else that the platform can post (``envelope``, ``events``), shown in the log only."""
        self.windows.act(openid, content)
        self.people.act(openid, content)
        if self.people.is_blacklisted(openid):
            delivery = Delivery(Status.SILENT, None, (), "", "", (), 0)  # the account hears nothing of them
        else:
            delivery = self.platform.deliver(content, openid)
        self._record(openid, content, delivery)
        return delivery

    def deliver_later(self, seconds: float, openid: str, content: Content) -> None:
        def act() -> None:
            self.deliver(openid, content)

        self.timeline.after(seconds, act)

    def push(self, openid: str, kind: str, content: dict[str, Any]) -> None:
        """A customer-service message, already checked."""
        self.chat.add(openid, "account", kind, content)

    def check_url(self) -> bool:
        """The console's check: the server must give the echostr back. Uses a socket."""
        echo = str(secrets.randbelow(10**18))
        url = f"{self.options.bot_url}?{self.platform.signed_query(echostr=echo)}"
        try:
            status, body = wire.exchange(self._session, "GET", url, self.options.deadline)
        except (TimeoutError, ConnectionError):
            return False
        return status == 200 and body == echo.encode()

    def _consent(self, openid: str, name: str, choices: Mapping[str, bool], wrapped: bool) -> Delivery:
        self.crowd.require(openid)
        rows = [(template_id, "accept" if accepted else "reject") for template_id, accepted in choices.items()]
        return self.deliver(openid, events.consent(name, rows, wrapped))

    def _say(self, openid: str, content: Content, shown: dict[str, Any], ref: str) -> Delivery:
        """A message: a bubble of the person, then whatever comes back."""
        return self._tell(openid, "person", content, shown, ref)

    def _act(self, openid: str, content: Content, shown: dict[str, Any]) -> Delivery:
        """An event: a line in the chat, then whatever comes back."""
        return self._tell(openid, "platform", content, shown)

    def _tell(self, openid: str, by: str, content: Content, shown: dict[str, Any], ref: str = "") -> Delivery:
        self.crowd.require(openid)
        entry = self.chat.add(openid, by, content.label, shown, "sending", ref)
        try:
            return self.deliver(openid, content)
        finally:
            self.chat.settle(entry)

    def _press(self, openid: str, path: Sequence[int], kinds: set[str], event: Callable[[Button], Content]) -> Delivery:
        _, buttons = self.menu_of(openid)
        found = _find(buttons, path)
        if found.get("type") not in kinds:
            raise NoSuchButton(path)
        return self._act(openid, event(found), {"name": found["name"]})

    def _record(self, openid: str, content: Content, delivery: Delivery) -> None:
        self.chat.record(openid, content.label, delivery)
        if delivery.status is Status.UNAVAILABLE:
            self.chat.add(openid, "platform", "unavailable", {})
        elif delivery.status is Status.REPLIED and delivery.reply:
            reply = delivery.reply
            articles = [vars(article) for article in reply.articles]
            shown = {"text": reply.text, "media_id": reply.media_id, "articles": articles}
            self.chat.add(openid, "account", reply.kind, shown)


def _find(buttons: list[Button], path: Sequence[int]) -> Button:
    found: Button = {"sub_button": buttons}
    for index in path:
        subs = found["sub_button"]
        if not 0 <= index < len(subs):
            raise NoSuchButton(path)
        found = subs[index]
    return found


def _pressed(button: Button, menu_id: int) -> Content:
    if button["type"] == "click":
        return events.click(button["key"])
    if button["type"] == "view":
        return events.view(button["url"], menu_id)
    return events.view_miniprogram(button.get("pagepath", ""), menu_id)
