"""Read which orders were paid before the simulator started, so that it can refund them and has them on its bills."""

import json
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class PaidOrder:
    """``total`` in fen; ``created`` and ``paid_at`` in seconds since 1970, by the platform's clock.

    ``sub_mchid``: the sub-merchant that was paid, for whom the merchant signs; empty: ``mchid`` itself. ``freezes``:
    nothing of it was released.
    """

    mchid: str
    out_trade_no: str
    transaction_id: str
    openid: str
    description: str
    total: int
    notify_url: str
    created: float
    paid_at: float
    sub_mchid: str = ""
    freezes: bool = False


def read_paid(path: Path, mchid: str) -> tuple[PaidOrder, ...]:
    """Return this merchant's orders, and those that it signs for, of a JSON list of ``PaidOrder`` as objects.

    Raises OSError where the file cannot be read, ValueError where it does not fit.
    """
    rows = json.loads(path.read_text(encoding="utf-8"))
    if not isinstance(rows, list):
        raise ValueError(f"{path}: a list of orders is needed")
    try:
        orders = [PaidOrder(**row) for row in rows]
    except TypeError as error:
        raise ValueError(f"{path}: {error}") from error
    return tuple(order for order in orders if order.sub_mchid or order.mchid == mchid)
