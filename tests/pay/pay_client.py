"""A client of the simulator's Pay, and replies as the platform signs them."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from bot.pay.client import PayClient
from bot.pay.signatures import PlatformKeys, Signer
from bot.simulator.app import create_simulator
from bot.simulator.faults import Fault, Kind
from bot.simulator.pay.options import Kind as Merchants
from bot.simulator.pay.phone import OK
from bot.simulator.serving import serving
from config.pay import PlatformKey
from tests.harness.money.merchant import NOON, NOTIFY, OPTIONS, PIN, Merchant, trading

AT = datetime.fromtimestamp(NOON, UTC)


Make = Callable[..., PayClient]


ORDER = ("GIFT000001", 10_000, "oAunt", "苗寨修路")


def keys_of(merchant: Merchant, only: Callable[[str], bool] = lambda serial: True) -> PlatformKeys:
    return PlatformKeys(PlatformKey(serial, key) for serial, key in merchant.own.platform.items() if only(serial))


@pytest.fixture(params=list(Merchants))
def merchant(request: pytest.FixtureRequest) -> Iterator[Merchant]:
    with trading(request.param) as merchant:
        yield merchant


@pytest.fixture
def url(merchant: Merchant) -> Iterator[str]:
    with serving(create_simulator(merchant.simulator.options, merchant.simulator)) as url:
        yield url


@pytest.fixture
def make(merchant: Merchant, url: str) -> Iterator[Make]:
    """A client of the simulator's merchant; whatever is given replaces what it would have."""
    made: list[PayClient] = []

    def client(**changes: Any) -> PayClient:
        own = merchant.own
        given: dict[str, Any] = {
            "api_url": url,
            "app_id": OPTIONS.app_id,
            "notify_url": NOTIFY,
            "signer": Signer(own.mchid, own.serial, own.private),
            "keys": keys_of(merchant),
            "clock": lambda: AT,
        }
        made.append(PayClient(**given | changes))
        return made[-1]

    yield client
    for each in made:
        each.close()


@pytest.fixture
def pay(make: Make) -> PayClient:
    return make()


def fault(merchant: Merchant, kind: Kind, where: str = "/v3", **options: Any) -> None:
    merchant.simulator.faults.add(Fault(kind, where=where, **options))


def paid(merchant: Merchant, pay: PayClient, number: str = ORDER[0], fen: int = ORDER[1]) -> None:
    prepay_id = pay.order(number, fen, *ORDER[2:])
    assert merchant.simulator.pay.pay("oAunt", prepay_id, PIN).err_msg == OK
