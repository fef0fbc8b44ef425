"""Run ``flask chat``: a conversation in the terminal.

Messages go the way WeChat's do: the simulator signs and encrypts them, the real
webhook opens them, and its encrypted reply is opened again.
"""

import io
from collections.abc import Mapping
from urllib.parse import urlsplit

import click
from flask import Flask
from PIL import Image

from bot.simulator.options import Mode, Options, Person
from bot.simulator.platform import Delivery, Status
from bot.simulator.simulator import Simulator
from config.settings import Settings

HELP = """\
  Type as you would in WeChat. Besides:
    /photo           send a photo        /place NAME      send a place
    /tap KEY         tap a menu button   /voice WORDS        say something
    /who             be somebody else    /quit               leave
"""


def chat(app: Flask, settings: Settings, account: str, people: tuple[Person, ...]) -> None:
    """Chat until /quit or the end of input."""
    client = app.test_client()

    def post(url: str, body: bytes, headers: Mapping[str, str], _seconds: float) -> tuple[int, bytes]:
        answer = client.post("/wechat", query_string=urlsplit(url).query, data=body, headers=dict(headers))
        return answer.status_code, answer.data

    options = Options(
        bot_url="http://terminal/wechat",
        app_id=settings.wechat_app_id,
        app_secret=settings.wechat_app_secret.get_secret_value(),
        token=settings.wechat_token.get_secret_value(),
        aes_key=settings.wechat_aes_key.get_secret_value(),
        mode=Mode(str(settings.wechat_mode)),
        account=account,
        people=people,
    )
    simulator = Simulator(options, post)
    click.echo(HELP)
    try:
        _converse(simulator, people)
    except (EOFError, click.Abort):
        click.echo()
    finally:
        simulator.close()


def _converse(simulator: Simulator, people: tuple[Person, ...]) -> None:
    person = _choose(simulator, people)
    while True:
        line = click.prompt(person.name, prompt_suffix="> ", default="", show_default=False).strip()
        if line == "/quit":
            return
        if line == "/who":
            person = _choose(simulator, people)
        elif line:
            _show(_send(simulator, person.openid, line))


def _choose(simulator: Simulator, people: tuple[Person, ...]) -> Person:
    """Ask for a person of the data set, or (0) a new one, who follows the account at once."""
    for number, person in enumerate(people, 1):
        click.echo(f"  {number:2} {person.name}  {person.note}  ({person.gloss})")
    click.echo("   0 a new follower")
    number = click.prompt("Who are you", type=click.IntRange(0, len(people)), default=0)
    if number:
        return people[number - 1]
    person = simulator.new_person()
    _show(simulator.follow(person.openid))
    return person


def _send(simulator: Simulator, openid: str, line: str) -> Delivery:
    word, _, rest = line.partition(" ")
    match word:
        case "/photo":
            return simulator.photo(openid, _photo())
        case "/place":
            return simulator.place(openid, 25.53, 111.6, rest)
        case "/tap":
            return simulator.click(openid, rest)
        case "/voice":
            return simulator.voice(openid, rest)
    return simulator.send_text(openid, line)


def _photo() -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (320, 240), (120, 160, 90)).save(file, "JPEG")
    return file.getvalue()


def _show(delivery: Delivery) -> None:
    if delivery.status is Status.UNAVAILABLE:
        click.secho("(the account cannot serve you for the moment)", fg="red")
    elif delivery.reply:
        click.secho(delivery.reply.text, fg="green")
    for violation in delivery.violations:
        click.secho(f"(breaks a rule of the platform: {violation})", fg="red")
    click.echo()
