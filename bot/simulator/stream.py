"""What the page knows: all of it at once, or whatever changes, as it happens (server-sent events)."""

import json
import selectors
import socket
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict
from typing import Any

from flask import request

from bot.simulator.sheets import Sheets
from bot.simulator.simulator import Simulator

HEARTBEAT = 15.0
"""Seconds after which a silent stream shows that it is still there."""
TICK = 0.25
"""Seconds until what the chat is not told of (menus, faults, the clock) is looked at again."""
RECONNECT = 1000
"""Milliseconds after which a browser that lost the stream comes back."""


def sections(simulator: Simulator, sheets: Sheets) -> dict[str, Any]:
    """Whatever is not in the chat, by name, as JSON has it; a page is told a section when it has changed."""
    silence = simulator.platform.silent_for
    people = simulator.crowd.shown()
    templates = simulator.subscriptions.shown()
    return {
        "people": people,
        "menu_stamp": f"{simulator.menus.changes}.{simulator.crowd.changes}",
        "faults": [asdict(fault) for fault in simulator.faults.shown()],
        "ahead": round(simulator.timeline.ahead, 1),
        "silent_until": round(simulator.timeline() + silence, 1) if silence else 0,
        "codes": [asdict(code) for code in simulator.codes.shown()],
        "subscriptions": [asdict(template) for template in templates],
        "consents": {
            person["openid"]: {
                template.template_id: simulator.subscriptions.left(person["openid"], template.template_id)
                for template in templates
            }
            for person in people
            if templates
        },
        "sheets": sheets.shown(),
        "typing": [person["openid"] for person in people if simulator.windows.is_typing(person["openid"])],
    }


def snapshot(simulator: Simulator, sheets: Sheets, boot: str, after: int) -> dict[str, Any]:
    """All that is newer than the page has, for everybody at once."""
    news = simulator.chat.newer_than(after)
    return {
        "boot": boot,
        "now": simulator.timeline(),
        **sections(simulator, sheets),
        "callbacks": simulator.pay.notices.shown(),
        **news,
    }


def since(boot: str) -> int:
    """From where on the page wants the news: a browser that lost the stream says what it had last.

    After a restart of the simulator that says nothing any more, and the page hears everything.
    """
    last = request.headers.get("Last-Event-ID", "")
    if not last:
        return request.args.get("after", 0, int)
    known, _, version = last.partition(".")
    return int(version) if known == boot and version.isdecimal() else 0


def events(simulator: Simulator, sheets: Sheets, boot: str, after: int, left: Callable[[], bool]) -> Iterator[str]:
    """One message for each change, until the caller has left or the simulator stops. Its id is ``boot.version``."""
    told: dict[str, Any] = {}
    version, called, spoken = after, 0, time.monotonic()
    yield f"retry: {RECONNECT}\n\n"
    while not simulator.chat.closed and not left():
        now = sections(simulator, sheets)
        news = simulator.chat.newer_than(version)
        changed = {name: value for name, value in now.items() if told.get(name) != value}
        callbacks = simulator.pay.notices.shown(called)
        if changed or callbacks or news["version"] != version:
            told, version, spoken = now, news["version"], time.monotonic()
            called = max((callback["version"] for callback in callbacks), default=called)
            more = {"callbacks": callbacks} if callbacks else {}
            sent = {"boot": boot, "now": simulator.timeline(), **changed, **more, **news}
            data = json.dumps(sent, ensure_ascii=False)
            yield f"id: {boot}.{version}\ndata: {data}\n\n"
        elif time.monotonic() - spoken >= HEARTBEAT:
            spoken = time.monotonic()
            yield ": still here\n\n"
        simulator.chat.wait(version, TICK)


def caller_left() -> Callable[[], bool]:
    """Has whoever made this request hung up? A stream that has nothing to say would not notice for long."""
    door = request.environ.get("werkzeug.socket")
    if not isinstance(door, socket.socket):
        return lambda: False

    def left() -> bool:
        try:
            with selectors.DefaultSelector() as selector:
                selector.register(door, selectors.EVENT_READ)
                return bool(selector.select(0)) and not door.recv(1, socket.MSG_PEEK)
        except (OSError, ValueError):
            return True

    return left
