"""Define the job of voices."""

from typing import TYPE_CHECKING

from bot.work.job import Job

if TYPE_CHECKING:
    from bot.work.context import WorkerContext


def hear_voice(context: "WorkerContext", voice_id: int) -> None:
    """Hear a voice and tell its owner; raises NotHeardYet while it is to be tried again."""
    context.hearing.hear(voice_id, context.clock)


# The person waits. WeChat's time-outs and the recogniser's together stay below the time limit, and the time limit below
# models.speech.hearing.CLAIM_LASTS. The retries end with the last of bot.speech.hear.MOST_TRIES.
JOBS = {"hear_voice": Job(hear_voice, "voice", seconds=75, backoff=(3, 10))}
