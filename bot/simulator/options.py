"""Define the options of a simulator: the official account that it plays, and the people who chat with it."""

import json
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from bot.simulator.fields import Template
from bot.simulator.pay.options import PayOptions

TEMPLATES = Path(__file__).resolve().parents[2] / "templates" / "simulator"


class Mode(StrEnum):
    """How the platform seals what it posts."""

    PLAIN = "plain"
    COMPATIBLE = "compatible"
    SAFE = "safe"


@dataclass(frozen=True)
class Person:
    """Somebody with a phone. ``note`` says who they are, ``gloss`` the same in English."""

    openid: str
    name: str = ""
    note: str = ""
    gloss: str = ""
    colour: str = ""
    """CSS colour of the avatar; empty: the page picks one from the openid."""
    following: bool = False
    """True: already a follower when the simulator starts, so no ``subscribe`` is delivered."""


@dataclass(frozen=True)
class Options:
    """``aes_key`` is the console's 43-character EncodingAESKey; ``deadline`` is in seconds."""

    bot_url: str
    app_id: str
    app_secret: str = field(repr=False)
    token: str = field(repr=False)
    aes_key: str = field(repr=False)
    mode: Mode = Mode.SAFE
    account: str = "gh_0000000000aa"
    account_name: str = ""
    people: tuple[Person, ...] = ()
    followers: Path | None = None
    """The file that keeps who was added and who follows, for the next start; None: nothing is kept."""
    public_url: str = "http://127.0.0.1:8001"
    """Where the bot reaches the simulator: pictures are served from here."""
    deadline: float = 5.0
    test_account: bool = False
    """A sandbox account: no msgmenu, and smaller quotas."""
    bound: bool = False
    """Bound to an open-platform account, so that people have a unionid."""
    oauth_domains: tuple[str, ...] = ()
    """Hosts that web authorisation may lead back to; empty: any."""
    templates: tuple[Template, ...] = ()
    template_library: tuple[Template, ...] = ()
    """What template/api_add_template may add, by ``short_id``."""
    subscriptions: tuple[Template, ...] = ()
    """Templates of subscription notices and one-time messages."""
    speech_key: str = field(default="", repr=False)
    """The bearer key of the recogniser; empty: it asks for none."""
    speech_errors: float = 0.0
    """The share of voices at which the recogniser fails, by a fault that the fault desk can lift."""
    pay: PayOptions = field(default_factory=PayOptions)
    seed: int = 0
    """Of the fault desk's chances."""
    templates_dir: Path = TEMPLATES


def read_people(path: Path) -> tuple[Person, ...]:
    """People from a JSON list of objects with the fields of ``Person``.

    Raises OSError where the file cannot be read, ValueError where it does not fit.
    """
    rows = json.loads(path.read_text(encoding="utf-8"))
    if not isinstance(rows, list):
        raise ValueError(f"{path}: a list of people is needed")
    try:
        people = tuple(Person(**row) for row in rows)
    except TypeError as error:
        raise ValueError(f"{path}: {error}") from error
    if len({person.openid for person in people}) != len(people):
        raise ValueError(f"{path}: two people have one openid")
    return people
