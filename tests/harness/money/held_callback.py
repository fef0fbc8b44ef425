"""A callback that the platform has signed and not sent, for a test to post where and when it likes."""

from typing import Any

from tests.harness.money.merchant import PIN
from tests.harness.money.paid_stage import DONOR, Collecting


def held_callback(stage: Collecting) -> tuple[int, dict[str, str], bytes]:
    """A gift that was paid, and the platform's callback, which did not go out yet."""
    posted: list[tuple[dict[str, str], bytes]] = []

    def post(_url: str, body: bytes, headers: Any, _seconds: float) -> tuple[int, bytes]:
        posted.append((dict(headers), body))
        return 204, b""

    stage.simulator.pay.notices._post = post
    pledge = stage.pledged()
    sheet = stage.order_desk().place(pledge, DONOR)
    assert stage.simulator.pay.pay(DONOR, sheet["package"].removeprefix("prepay_id="), PIN).err_msg.endswith(":ok")
    stage.simulator.timeline.move(0)
    ((headers, body),) = posted
    return pledge, headers, body
