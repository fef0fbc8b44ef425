"""Who hears the voices of an office: a worker's part, beside the simulator that plays WeChat and the recogniser.

ears = Ears(open_office(recogniser="听写员"))
ears.say("oAunt", "看求助")      # a voice with these words, through the bot's door; its reply
ears.listen()                  # as the jobs would, with their retries; and what they tell arrives
ears.told("oAunt")
"""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session as Database

from bot.simulator.voices import How
from bot.speech.hear import Hearing, NotHeardYet
from bot.speech.jobs import JOBS
from bot.speech.recogniser import TranscriptionServer
from bot.wechat.client import WeChatApi
from bot.wechat.token import TokenManager
from bot.words.lexicon import load_lexicon
from models.speech.voice import Voice
from tests.harness.platform.push_office import Office

KEY = "speech-key"


class Ears:
    """``timeout``: seconds to connect to the recogniser, and for its answer."""

    def __init__(self, office: Office, timeout: tuple[float, float] = (3.0, 5.0)) -> None:
        self.office = office
        self.delivered: list[int] = []
        settings, options = office.settings, office.wechat.options
        tokens = TokenManager(office.running.url, options.app_id, settings.wechat_app_secret, office.redis, office.http)
        api = WeChatApi(office.running.url, tokens, office.http)
        recogniser = TranscriptionServer(office.running.url, options.speech_key, "sensevoice", office.http, timeout)
        danger = load_lexicon().danger
        self.hearing = Hearing(office.database, api, recogniser, danger, office.redis, self._deliver)

    def _deliver(self, ids: Sequence[int]) -> None:
        self.delivered += ids
        self.office.deliverer.deliver(ids)

    def consent(self, openid: str) -> None:
        self.office.wechat.send_text(openid, "听语音")
        assert "发语音" in self.office.wechat.send_text(openid, "1").reply_text
        self.office.move(seconds=30)

    def say(self, openid: str, words: str = "", how: How = How.CLEAR) -> str:
        reply = self.office.wechat.voice(openid, words=words, how=how).reply_text
        self.office.move(seconds=5)
        return reply

    def write(self, openid: str, words: str, option_id: str = "") -> str:
        self.office.move(seconds=5)
        return self.office.wechat.send_text(openid, words, option_id).reply_text

    def listen(self) -> int:
        """Hear what is to be heard, each until it is heard or given up; how often it was tried."""
        tries = 0
        for voice in self.voices("listening"):
            for _ in range(JOBS["hear_voice"].tries):
                tries += 1
                try:
                    self.hearing.hear(voice.id, self.office.now)
                except NotHeardYet:
                    continue
                break
        self.office.move(seconds=1)
        return tries

    def voices(self, *states: str) -> list[Voice]:
        with Database(self.office.database, expire_on_commit=False) as db:
            wanted = select(Voice).where(Voice.state.in_(states)) if states else select(Voice)
            return list(db.scalars(wanted.order_by(Voice.id)))

    def count(self, table: type[Any], *where: Any) -> int:
        with Database(self.office.database) as db:
            return db.scalar(select(func.count()).select_from(table).where(*where)) or 0

    def told(self, openid: str) -> dict[str, Any]:
        """What came to them last by customer service or as a card."""
        shown = self.office.shown(openid, "text", "msgmenu", "template")
        return dict([entry for entry in shown if entry["by"] == "account"][-1])

    def heard(self, openid: str) -> str:
        """The words of the last message that came to them, with its numbered lines."""
        content = self.told(openid)["content"]
        lines = [line["content"] for line in content.get("options", [])]
        return "\n".join([content.get("text") or content.get("head") or content.get("head_content", ""), *lines])
