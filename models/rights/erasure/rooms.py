"""Ask every room in turn to forget a person, in the order in which their locks are taken; models.wiring connects them.

A room gets the leaver and the last id of its page before (at first 0), and returns the last id of this page, or None
once nothing is left. Each page may be the last of its transaction and may be done again.
"""

from collections.abc import Callable

from sqlalchemy.orm import Session

from models.core.hooks import Registry
from models.core.leaver import Leaver

Forget = Callable[[Session, Leaver, int], int | None]

# Up to "people" all is done in the transaction that begins, so that no word of the person's comes between.
AT_ONCE = ("rights", "verification", "staff", "desk", "figures", "families", "organisations", "people")
ROOMS: Registry[Forget] = Registry(
    "rights.erasure.rooms.ROOMS",
    (
        *AT_ONCE,
        *(
            "appeals",
            "payments",
            "giving",
            "disbursements",
            "outreach",
            "donors",
            "goods",
            "market",
            "public",
        ),
        *("proxy", "support", "speech", "notifications", "photos"),
    ),
)
