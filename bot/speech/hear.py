"""Hear a voice: fetch it from WeChat, decode it, ask the recogniser, and notify its owner of the outcome.

The sound is in this process's memory alone, and nowhere once the job has ended.
"""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

import structlog
from redis import Redis
from redis.exceptions import RedisError
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from bot.speech.audio import NotAudio, TooLong, decode
from bot.speech.recogniser import NoAnswer, Recogniser
from bot.speech.words import NoWords, read_words
from bot.web.metrics import HEARD_KEY
from bot.wechat.client import MediaUnusable, WeChatApi
from bot.wechat.policy import Action, Unreachable, WeChatError
from flows.language.danger import Danger, DangerWords, find_danger
from models.notifications.notification import TO_DELIVER
from models.people.conversation import Conversation
from models.people.user import home_of
from models.speech.hearing import ClaimedVoice, claim_voice, record_heard, record_unheard, release_voice
from models.staff.member import find_staff
from models.support.urgent import open_urgent_ticket

log = structlog.get_logger()

MOST_TRIES = 3
# After that the person has long gone on; a worker that comes back only says so.
LISTENING_LASTS = timedelta(minutes=10)


class NotHeardYet(Exception):
    """WeChat or the recogniser did not answer: the job is to be tried again."""


class Unheard(Exception):
    """Nothing can be heard in it. ``why``: a word of templates/notifications/speech/voice_unheard.txt."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


class Hearing:
    """Hears voices. ``recogniser``: None where SPEECH_URL was taken away. ``deliver`` gets ids of notifications.

    ``danger``: the words of suicide and danger.
    """

    def __init__(
        self,
        database: Engine,
        api: WeChatApi,
        recogniser: Recogniser | None,
        danger: DangerWords,
        redis: Redis,
        deliver: Callable[[Sequence[int]], None],
    ) -> None:
        self.database = database
        self.api = api
        self.recogniser = recogniser
        self.danger = danger
        self.redis = redis
        self.deliver = deliver

    def hear(self, voice_id: int, clock: Callable[[], datetime]) -> None:
        """Hear a voice and tell its owner. May run twice, even at once. Raises NotHeardYet."""
        with Session(self.database) as db, db.begin():
            voice = claim_voice(db, voice_id, clock())
        if voice is None:
            return
        try:
            words, why = self._words(voice, clock()), ""
        except Unheard as unheard:
            words, why = "", unheard.why
        except (NoAnswer, WeChatError, Unreachable) as error:
            log.warning("voice.not_heard", voice=voice_id, error=_name(error), tries=voice.tries)
            if voice.tries < MOST_TRIES:
                with Session(self.database) as db, db.begin():
                    release_voice(db, voice_id)
                raise NotHeardYet from None
            words, why = "", "down"
        self._tell(voice, words, why, clock())

    def _words(self, voice: ClaimedVoice, now: datetime) -> str:
        """Return what is said in it. Raises Unheard, or what the calls raise."""
        if self.recogniser is None or voice.tries > MOST_TRIES or now - voice.since > LISTENING_LASTS:
            raise Unheard("down")
        try:
            sound = decode(self._fetch(voice.media_id))
            if sound.is_silent:
                raise Unheard("silence")  # recognisers invent words for it
            return read_words(self.recogniser.recognise(sound.wav))
        except (MediaUnusable, NotAudio):
            raise Unheard("unreadable") from None
        except TooLong:
            raise Unheard("too_long") from None
        except NoWords as error:
            raise Unheard(error.why) from None

    def _fetch(self, media_id: str) -> bytes:
        try:
            return self.api.download(media_id).content
        except WeChatError as error:
            if error.action is Action.FIX_PARAMETERS:  # WeChat no longer has it
                raise Unheard("unreadable") from None
            raise

    def _tell(self, voice: ClaimedVoice, words: str, why: str, now: datetime) -> None:
        with Session(self.database) as db, db.begin():
            told = self._ask(db, voice, words, now) if words else record_unheard(db, voice.id, why, now)
            owed = list(db.info.get(TO_DELIVER, ()))
        if told:
            log.info("voice.heard", voice=voice.id, outcome=why or "heard")
            self._count(why or "heard")
            self.deliver(owed)

    def _ask(self, db: Session, voice: ClaimedVoice, words: str, now: datetime) -> bool:
        """Ask whether the words are right. Nobody in danger has to answer first: the numbers come with the question,
        and the county is called, though the words may be misheard. What staff say may be of somebody's case.
        """
        danger = find_danger(words, self.danger)
        numbers = self.danger.numbers if danger else {}
        person = db.get_one(Conversation, voice.conversation_id)
        call = danger in (Danger.SELF, Danger.NOW) and not find_staff(db, person.account, person.openid, now)
        told = record_heard(db, voice.id, words, now, numbers, county=call)
        if told and danger and call:
            open_urgent_ticket(db, person.id, home_of(db, person.user_id), danger, words, now)
        return told

    def _count(self, outcome: str) -> None:
        """Count for the metrics; without Redis the count is lost, which is only logged."""
        try:
            self.redis.hincrby(HEARD_KEY, outcome, 1)
        except RedisError as error:
            log.warning("counts.store_down", error=type(error).__name__)


def _name(error: Exception) -> str:
    return error.why if isinstance(error, NoAnswer) else type(error).__name__
