"""Map every job's name to the job that its room declares."""

from bot.books import jobs as books
from bot.market import jobs as market
from bot.menus import jobs as menus
from bot.payments import jobs as payments
from bot.photos import jobs as photos
from bot.proxy import jobs as proxy
from bot.public import jobs as public
from bot.push import jobs as push
from bot.rights import jobs as rights
from bot.speech import jobs as speech
from bot.treasury import jobs as treasury
from bot.verification import jobs as verification
from bot.work.job import Job

ROOMS = (
    books.JOBS,
    market.JOBS,
    menus.JOBS,
    payments.JOBS,
    photos.JOBS,
    proxy.JOBS,
    public.JOBS,
    push.JOBS,
    rights.JOBS,
    speech.JOBS,
    treasury.JOBS,
    verification.JOBS,
)
JOBS: dict[str, Job] = {name: job for room in ROOMS for name, job in room.items()}
