"""Call WeChat Pay in partner mode (服务商模式): the partner signs the calls, and its sub-merchants are paid.

A sub-merchant's client makes the calls of ``PayClient`` with the fields of partner mode. WeChat Pay freezes a payment
in the sub-merchant's account until the partner releases it, and takes refunds from the frozen money. Source of the
release: PW/doc/v3/partner/4012466860.
"""

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, urlencode

from bot.pay.answers import REFUND_NO, TRANSACTION_ID, Release, ReleaseFields
from bot.pay.client import REASON_BYTES, PayClient
from bot.pay.errors import BadAnswer
from bot.pay.fields import demand, fits, read
from bot.pay.modes import ForSubMerchant
from bot.pay.wire import Request, open_session

_RELEASES = "/v3/profitsharing/orders"


class SubMerchantClient(PayClient):
    """The client for one sub-merchant's orders; ``merchant`` is its number, ``signer`` the partner's."""

    def __init__(self, sub_merchant: str, **given: Any) -> None:
        super().__init__(**given)
        self._mode = ForSubMerchant(self._app_id, self._signer.mch_id, sub_merchant)

    def release(self, transaction_id: str, out_order_no: str, description: str) -> Release:
        """Let the sub-merchant have all that is still frozen of a payment; accepted is not done: see ``state``.

        Refused with NOT_ENOUGH where nothing is frozen. A retry uses the same number.
        """
        call = "release"
        demand(call, "transaction_id", TRANSACTION_ID.fullmatch(transaction_id))
        demand(call, "out_order_no", REFUND_NO.fullmatch(out_order_no))
        demand(call, "description", description and fits(description, REASON_BYTES))
        body = {
            **self._mode.sub_merchant,
            "transaction_id": transaction_id,
            "out_order_no": out_order_no,
            "description": description,
        }
        return self._released(Request(call, "POST", f"{_RELEASES}/unfreeze", body), transaction_id, out_order_no)

    def query_release(self, transaction_id: str, out_order_no: str) -> Release:
        """Query a release. Refused with ``Action.ABSENT`` if the platform does not know it."""
        call = "query_release"
        demand(call, "transaction_id", TRANSACTION_ID.fullmatch(transaction_id))
        demand(call, "out_order_no", REFUND_NO.fullmatch(out_order_no))
        asked = urlencode({**self._mode.sub_merchant, "transaction_id": transaction_id})
        path = f"{_RELEASES}/{quote(out_order_no, safe='')}?{asked}"
        return self._released(Request(call, "GET", path), transaction_id, out_order_no)

    def _released(self, request: Request, transaction_id: str, out_order_no: str) -> Release:
        release = read(request.call, ReleaseFields, self._wire.ask(request)).release
        wanted = (self.merchant, transaction_id, out_order_no)
        if (release.merchant, release.transaction_id, release.out_order_no) != wanted:
            raise BadAnswer(request.call, "of another release")
        return release


class PartnerClients:
    """The process's clients for sub-merchants, one for each, over one pool of connections; ``given``: the partner's."""

    def __init__(self, given: Mapping[str, Any]) -> None:
        self._http = open_session()
        self._given = given
        self._made: dict[str, SubMerchantClient] = {}

    def of(self, number: str) -> SubMerchantClient:
        """Return the client for this sub-merchant."""
        if number not in self._made:
            self._made[number] = SubMerchantClient(number, http=self._http, **self._given)
        return self._made[number]

    def close(self) -> None:
        self._http.close()
