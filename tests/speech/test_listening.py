"""A voice's whole way: through the door, to WeChat and a recogniser over real sockets, back by customer service."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from time import sleep
from typing import Any

import pytest
from sqlalchemy import select, text
from sqlalchemy.orm import Session as Database

from bot.simulator import envelope
from bot.simulator.faults import Fault, Kind
from bot.simulator.media import LIFE
from bot.simulator.voices import RECOGNISER, How
from bot.speech.hear import LISTENING_LASTS, MOST_TRIES, NotHeardYet
from bot.web.metrics import HEARD_KEY
from bot.work.sweeps import sweep_owed
from models.giving.pledge import Pledge
from models.notifications.notification import Notification
from models.people.conversation import Conversation
from models.speech.consent import SpeechConsent
from models.speech.hearing import CLAIM_LASTS, claim_voice
from models.speech.voice import VOICE_LASTS, Voice, delete_old_voices
from models.support.ticket import Ticket, TicketMessage
from tests.harness.erasing import erase_person
from tests.harness.platform.ears import KEY, Ears
from tests.harness.platform.push_office import Office, Open
from tests.harness.platform.push_office import open_office as open_office
from tests.harness.stage import Stage

SECRET = "隔壁老王欠我三百块"


@pytest.fixture
def office(open_office: Open) -> Office:
    return open_office(recogniser="听写员", speech_key=KEY)


@pytest.fixture
def ears(office: Office) -> Ears:
    office.person("oAunt")
    return Ears(office)


@pytest.fixture
def listening(ears: Ears) -> Ears:
    ears.consent("oAunt")
    return ears


def fetched(ears: Ears) -> int:
    return ears.office.wechat.quotas.used("media_get")[0]


def test_nobody_hears_a_voice_before_its_owner_agrees(ears: Ears) -> None:
    asked = ears.say("oAunt", "看求助")
    assert "听写员" in asked
    assert "1 同意" in asked
    assert ears.listen() == 0
    assert fetched(ears) == 0
    assert "我在听" in ears.write("oAunt", "1")
    assert ears.listen() == 1
    assert fetched(ears) == 1
    assert "“看求助”" in ears.heard("oAunt")


def test_of_two_voices_that_waited_for_the_consent_none_is_dropped_unsaid(ears: Ears) -> None:
    for words in ("公开账本", "隐私"):
        ears.say("oAunt", words)
    ears.write("oAunt", "1")
    ears.listen()
    assert "“隐私”" in ears.heard("oAunt")
    assert "还有 1 条语音没看" in ears.write("oAunt", "1")
    assert "“公开账本”" in ears.write("oAunt", "语音")
    assert "一笔一笔" in ears.write("oAunt", "1")
    assert ears.voices() == []


def test_who_refuses_is_not_heard_and_can_type(ears: Ears) -> None:
    ears.say("oAunt", "看求助")
    assert "没有给谁听" in ears.write("oAunt", "2")
    assert ears.listen() == 0
    assert (fetched(ears), ears.voices()) == (0, [])
    assert "同意吗" in ears.say("oAunt", "看求助")


def test_a_consent_is_for_the_recogniser_that_was_named(listening: Ears) -> None:
    assert "我在听" in listening.say("oAunt", "看求助")
    with Database(listening.office.database) as db, db.begin():
        db.execute(text("UPDATE speech_consents SET recogniser = 'another'"))
    assert "听写员" in listening.say("oAunt", "看求助")
    assert "我在听" in listening.write("oAunt", "1")
    assert listening.count(SpeechConsent, SpeechConsent.withdrawn_at.is_(None)) == 1


@pytest.mark.parametrize("answer", ["1", "对的", "tap"])
def test_what_was_heard_is_done_as_if_it_had_been_typed(listening: Ears, answer: str) -> None:
    typed = listening.write("oAunt", "隐私")
    assert "我在听" in listening.say("oAunt", "隐私。")
    listening.listen()
    told = listening.heard("oAunt")
    assert "我听到的是" in told
    assert "1 对" in told
    assert "2 不对" in told
    if answer == "tap":
        line = listening.told("oAunt")["content"]["options"][0]
        assert listening.write("oAunt", line["content"], line["id"]) == typed
    else:
        assert listening.write("oAunt", answer) == typed
    assert listening.voices() == []


def test_a_mishearing_pays_nothing(listening: Ears, database_url: str) -> None:
    stage = Stage(database_url)
    stage.open_appeal()
    stage.register("oAunt", "donor")
    stage.close()
    listening.say("oAunt", "捐 1 五百")
    listening.listen()
    assert listening.count(Pledge) == 0
    assert "再说一遍" in listening.write("oAunt", "2")
    assert "没有这个数字" in listening.write("oAunt", "1")
    for words in ("捐 1 五十", "不留名", "确认"):
        listening.say("oAunt", words)
        listening.listen()
        assert listening.count(Pledge) == 0
        listening.write("oAunt", "1")
    assert listening.count(Pledge, Pledge.amount_fen == 5_000) == 1


def test_words_of_danger_bring_the_numbers_before_any_answer(listening: Ears) -> None:
    listening.say("oAunt", "我不想活了")
    listening.listen()
    told = listening.heard("oAunt")
    assert "12356" in told
    assert told.index("12356") < told.index("我不想活了")
    assert "对吗" in told
    assert "县里" in told
    with Database(listening.office.database) as db:
        ticket = db.scalars(select(Ticket)).one()
        said = db.scalars(select(TicketMessage.words)).all()
    assert (ticket.urgent, ticket.about, said) == (True, "danger:self", ["我不想活了"])
    listening.say("oAunt", "看求助")
    listening.listen()
    assert "12356" not in listening.heard("oAunt")


@pytest.mark.parametrize(("words", "who"), [("邻居去年自杀了", "anybody"), ("我不想活了", "staff")])
def test_the_county_is_not_called_for_anothers_past_nor_for_what_staff_say(
    listening: Ears, database_url: str, words: str, who: str
) -> None:
    if who == "staff":
        stage = Stage(database_url)
        stage.appoint("oAunt", "village")
        with Database(stage.database) as db, db.begin():
            account = db.scalars(select(Conversation.account).where(Conversation.openid == "oAunt")).first()
            db.execute(text("UPDATE staff SET account = :account"), {"account": account})
        stage.close()
    listening.say("oAunt", words)
    listening.listen()
    told = listening.heard("oAunt")
    assert "12356" in told
    assert "县里" not in told
    assert listening.count(Ticket) == 0


@pytest.mark.parametrize(
    ("words", "how", "answer"),
    [
        ("", How.SILENT, "没有声音"),
        ("看求助", How.NOISE, "没听清"),
        ("看求助", How.LONG, "太长"),
        ("please help me with my house", How.CLEAR, "普通话"),
        ("……。！", How.CLEAR, "没听清"),
        ("啊" * 361, How.CLEAR, "没听清"),
    ],
)
def test_what_cannot_be_heard_has_its_own_answer(listening: Ears, words: str, how: How, answer: str) -> None:
    assert "我在听" in listening.say("oAunt", words, how)
    assert listening.listen() == 1
    told = listening.heard("oAunt")
    assert answer in told
    assert "打字" in told
    assert listening.voices() == []


def test_silence_is_not_sent_to_anybody(listening: Ears) -> None:
    listening.office.wechat.faults.add(Fault(Kind.REFUSE, where=RECOGNISER, code=503))
    listening.say("oAunt", "", How.SILENT)
    assert listening.listen() == 1
    assert "没有声音" in listening.heard("oAunt")


@pytest.mark.parametrize("broken", [b"#!AMR\njunk that is no frame at all", b"RIFF____WAVEfmt "])
def test_a_file_that_is_no_sound_is_said_to_be_broken(listening: Ears, broken: bytes) -> None:
    wechat = listening.office.wechat
    voice = wechat.media.put("voice", wechat.voices.say("看求助"))
    object.__setattr__(voice, "data", broken)
    wechat.deliver("oAunt", envelope.voice(voice.media_id, ""))
    listening.office.move(seconds=1)
    assert listening.listen() == 1
    assert "打不开" in listening.heard("oAunt")


def test_a_voice_that_wechat_no_longer_has_is_said_to_be_lost(listening: Ears) -> None:
    listening.office.wechat.deliver("oAunt", envelope.voice("never-was-here", ""))
    listening.office.move(seconds=1)
    assert listening.listen() == 1
    assert "打不开" in listening.heard("oAunt")


@pytest.mark.parametrize(
    "fault",
    [
        Fault(Kind.DOWN, where=RECOGNISER),
        Fault(Kind.LOST, where=RECOGNISER),
        Fault(Kind.REFUSE, where=RECOGNISER, code=503),
        Fault(Kind.REFUSE, where=RECOGNISER, code=401),
        Fault(Kind.SLOW, where=RECOGNISER, seconds=3.0),
        Fault(Kind.DOWN, where="/cgi-bin/media"),
    ],
    ids=["down", "lost", "busy", "wrong key", "slow", "wechat down"],
)
def test_a_recogniser_that_does_not_answer_is_said_so_after_a_few_tries(office: Office, fault: Fault) -> None:
    office.person("oAunt")
    ears = Ears(office, timeout=(1.0, 0.1))
    ears.consent("oAunt")
    ears.say("oAunt", "看求助")
    office.wechat.faults.add(fault)
    assert ears.listen() == MOST_TRIES
    assert "没有回应" in ears.heard("oAunt")
    assert ears.voices() == []


def test_a_recogniser_that_comes_back_hears(listening: Ears) -> None:
    listening.say("oAunt", "看求助")
    listening.office.wechat.faults.add(Fault(Kind.REFUSE, times=2, where=RECOGNISER, code=503))
    assert listening.listen() == 3
    assert "“看求助”" in listening.heard("oAunt")


def test_a_share_of_errors_is_a_share_of_voices(open_office: Open) -> None:
    office = open_office(recogniser="听写员", speech_errors=0.5, seed=3)
    office.person("oAunt")
    ears = Ears(office)
    ears.consent("oAunt")
    tries = []
    for _ in range(6):
        ears.say("oAunt", "看求助")
        tries.append(ears.listen())
    assert set(tries) >= {1, 2}


# What is left


def test_of_a_voice_nothing_is_left_once_it_was_answered(listening: Ears, capsys: pytest.CaptureFixture[str]) -> None:
    listening.say("oAunt", SECRET)
    listening.listen()
    (voice,) = listening.voices()
    assert (voice.words, voice.media_id, voice.state) == (SECRET, "", "heard")
    with Database(listening.office.database) as db:
        stored = db.execute(text("SELECT words, screen FROM voices")).one()
        facts = db.execute(text("SELECT facts FROM notifications WHERE template = 'voice_heard'")).scalar_one()
    assert not any(SECRET.encode() in bytes(value) for value in (*stored, facts))
    listening.write("oAunt", "2")
    assert listening.voices() == []
    assert listening.count(Notification, Notification.template == "voice_heard") == 0
    assert SECRET not in "".join(capsys.readouterr())


def test_unanswered_words_are_deleted_after_two_days(listening: Ears) -> None:
    listening.say("oAunt", SECRET)
    listening.listen()
    listening.office.move(hours=47)
    with Database(listening.office.database) as db, db.begin():
        assert delete_old_voices(db, listening.office.now()) == 0
    listening.office.move(hours=2)
    with Database(listening.office.database) as db, db.begin():
        assert delete_old_voices(db, listening.office.now()) == 1
    assert listening.voices() == []
    assert listening.count(Notification, Notification.template == "voice_heard") == 0
    assert "没有这个数字" in listening.write("oAunt", "1")
    assert timedelta(seconds=LIFE) > VOICE_LASTS


def test_who_is_erased_is_heard_no_more(listening: Ears) -> None:
    listening.say("oAunt", SECRET)
    listening.listen()
    listening.say("oAunt", "看求助")
    (waiting,) = listening.voices("listening")
    with Database(listening.office.database) as db, db.begin():
        erase_person(db, waiting.conversation_id, listening.office.now())
    assert listening.voices() == []
    assert listening.count(SpeechConsent) == 0
    before = fetched(listening)
    listening.hearing.hear(waiting.id, listening.office.now)
    assert fetched(listening) == before
    assert "同意吗" in listening.say("oAunt", "看求助")


def test_a_voice_that_was_withdrawn_while_it_was_heard_is_told_to_nobody(listening: Ears) -> None:
    """The consent ends between the recogniser's answer and its record."""
    listening.say("oAunt", SECRET)
    recogniser: Any = listening.hearing.recogniser

    class Withdrawn:
        def recognise(self, wav: bytes) -> str:
            words: str = recogniser.recognise(wav)
            listening.write("oAunt", "不听语音")
            return words

    listening.hearing.recogniser = Withdrawn()
    listening.listen()
    assert listening.voices() == []
    assert listening.delivered == []


# Workers


def test_of_two_workers_one_hears_and_a_second_run_does_nothing(listening: Ears) -> None:
    listening.say("oAunt", "看求助")
    (voice,) = listening.voices()
    with Database(listening.office.database) as db, db.begin():
        assert claim_voice(db, voice.id, listening.office.now())
        assert claim_voice(db, voice.id, listening.office.now()) is None
    listening.hearing.hear(voice.id, listening.office.now)
    assert fetched(listening) == 0
    listening.office.move(seconds=CLAIM_LASTS.total_seconds() + 1)
    listening.listen()
    listening.hearing.hear(voice.id, listening.office.now)
    assert fetched(listening) == 1
    assert len(listening.delivered) == 1


def test_the_sweep_finds_a_voice_that_redis_or_a_killed_worker_lost(listening: Ears) -> None:
    listening.say("oAunt", "看求助")
    (voice,) = listening.voices()
    queued: list[tuple[str, int | list[int]]] = []

    class Queues:
        def enqueue(self, jobs: list[tuple[str, int | list[int]]]) -> None:
            queued.extend(jobs)

    office = listening.office
    sweep_owed(office.database, Queues(), office.now())  # type: ignore[arg-type]
    assert queued == []
    office.move(seconds=CLAIM_LASTS.total_seconds() + 1)
    sweep_owed(office.database, Queues(), office.now())  # type: ignore[arg-type]
    assert queued == [("hear_voice", voice.id)]


def test_after_ten_minutes_nobody_is_asked_any_more(listening: Ears) -> None:
    listening.say("oAunt", "看求助")
    listening.office.move(seconds=LISTENING_LASTS.total_seconds())
    assert listening.listen() == 1
    assert fetched(listening) == 0
    assert "没有回应" in listening.heard("oAunt")


def test_a_worker_that_dies_again_and_again_is_the_end_of_it(listening: Ears) -> None:
    listening.say("oAunt", "看求助")
    (voice,) = listening.voices()
    for _ in range(MOST_TRIES):
        with Database(listening.office.database) as db, db.begin():
            assert claim_voice(db, voice.id, listening.office.now())
        listening.office.move(seconds=CLAIM_LASTS.total_seconds() + 1)
    listening.listen()
    assert fetched(listening) == 0
    assert "没有回应" in listening.heard("oAunt")


def test_a_job_is_tried_again_while_it_is_not_heard(listening: Ears) -> None:
    listening.say("oAunt", "看求助")
    (voice,) = listening.voices()
    listening.office.wechat.faults.add(Fault(Kind.DOWN, where=RECOGNISER))
    with pytest.raises(NotHeardYet):
        listening.hearing.hear(voice.id, listening.office.now)
    assert [(each.state, each.tries, each.tried_at) for each in listening.voices()] == [("listening", 1, None)]


def test_what_came_of_voices_is_counted(listening: Ears) -> None:
    for words, how in (("看求助", How.CLEAR), ("隐私", How.CLEAR), ("", How.SILENT)):
        listening.say("oAunt", words, how)
        listening.listen()
    assert listening.office.redis.hgetall(HEARD_KEY) == {b"heard": b"2", b"silence": b"1"}


# Channels


def test_a_card_holds_no_words_and_its_number_takes_none(listening: Ears) -> None:
    """The window's five messages are used up: the card alone comes, and the words with the next message."""
    listening.say("oAunt", "不听语音了吗")
    with listening.office.session() as db:
        db.execute(text('UPDATE service_windows SET "left" = 0'))
    listening.listen()
    card = listening.told("oAunt")
    assert card["kind"] == "template"
    assert "不听语音了吗" not in str(card)
    reply = listening.write("oAunt", "1")
    assert "“不听语音了吗”" in reply
    assert "没有这个数字" in reply
    assert [voice.state for voice in listening.voices()] == ["heard"]
    assert "对吗" in listening.write("oAunt", "语音")


def test_whoever_writes_while_it_is_heard_keeps_their_screen(listening: Ears) -> None:
    listening.write("oAunt", "菜单")
    listening.say("oAunt", "隐私")
    listening.write("oAunt", "退订")
    listening.listen()
    told = listening.told("oAunt")
    assert told["kind"] == "text"
    assert "回复“语音”" in told["content"]["text"]
    assert "对吗" not in told["content"]["text"]
    assert "关了" in listening.write("oAunt", "1")
    assert "“隐私”" in listening.write("oAunt", "语音")
    assert "您的信息" in listening.write("oAunt", "1")


def test_what_is_sent_at_the_same_moment_counts_as_sent_meanwhile(listening: Ears) -> None:
    """The person's turn is under way, and holds its lock, when the recogniser has answered."""
    listening.say("oAunt", "隐私")
    (voice,) = listening.voices()
    later = listening.office.now() + timedelta(seconds=1)
    with ThreadPoolExecutor(1) as pool:
        with Database(listening.office.database) as db, db.begin():
            theirs = select(Conversation).where(Conversation.id == voice.conversation_id)
            person = db.scalars(theirs.with_for_update(key_share=True)).one()
            hearing = pool.submit(listening.hearing.hear, voice.id, listening.office.now)
            wait_until_blocked(listening)
            person.touched_at = later
        hearing.result(10)
    assert [each.state for each in listening.voices()] == ["aside"]


def wait_until_blocked(ears: Ears) -> None:
    # A row's lock is waited for as the end of the transaction that holds it.
    waiting = text("SELECT count(*) FROM pg_locks WHERE NOT granted AND locktype = 'transactionid'")
    for _ in range(200):
        with ears.office.database.connect() as connection:
            if connection.execute(waiting).scalar_one():
                return
        sleep(0.02)
    raise AssertionError("nothing waits for the person's lock")


def test_a_question_that_crosses_with_a_message_takes_no_number_from_it(listening: Ears) -> None:
    """The worker has looked a moment before the person wrote: the question comes with numbers, after the menu."""
    listening.say("oAunt", "隐私")
    listening.write("oAunt", "退订")
    with listening.office.session() as db:
        db.execute(text("UPDATE conversations SET touched_at = (SELECT since FROM voices)"))
    listening.listen()
    assert "1 对" in listening.heard("oAunt")
    assert "关了" in listening.write("oAunt", "1")
    assert "您的信息" in listening.write("oAunt", "1 对", f"n{listening.delivered[-1]}-1")


def test_too_many_at_once_wait(listening: Ears) -> None:
    replies = [listening.say("oAunt", "看求助") for _ in range(4)]
    assert ["我在听" in reply for reply in replies] == [True, True, True, False]
    assert "稍等" in replies[-1]
    assert listening.count(Voice) == 3
