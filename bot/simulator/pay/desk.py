"""Pay as plain calls: ``simulator.pay``."""

import threading
from collections.abc import Callable, Mapping

from bot.simulator.faults import FaultDesk
from bot.simulator.options import Options
from bot.simulator.pay.bills import Bills
from bot.simulator.pay.keys import Keys, keys_in, make_keys
from bot.simulator.pay.notify import Notice, Notices
from bot.simulator.pay.options import Kind
from bot.simulator.pay.orders import Order, Orders
from bot.simulator.pay.phone import Phone, Result, Sheet
from bot.simulator.pay.rates import Rates
from bot.simulator.pay.refunds import Refund, Refunds
from bot.simulator.pay.releases import Releases
from bot.simulator.pay.signing import Gate, Signer
from bot.simulator.pay.words import Words
from bot.simulator.timeline import Timeline
from bot.simulator.wire import Post


class Pay:
    """The parts are for tests and the page: ``orders``, ``refunds``, ``releases``, ``bills``, ``notices`` and others.

    ``on_paid``: called with the openid after each payment, for what a payment allows in the chat.
    """

    def __init__(
        self, options: Options, post: Post, timeline: Timeline, faults: FaultDesk, knows: Callable[[str], bool]
    ) -> None:
        own, lock, words = options.pay, threading.RLock(), Words(options.templates_dir)
        app_id, mchid, http = options.app_id, own.mchid, own.http_on_loopback
        self.options = own
        self._keys: Keys | None = None
        self._keys_lock = threading.Lock()
        has_certificates = own.kind is Kind.CERTIFICATE
        self.gate = Gate(self.keys, timeline.true)
        self.signer = Signer(self.keys, timeline.true, timeline, has_certificates, options.seed)
        self.rates = Rates(timeline)
        self.notices = Notices(post, timeline, faults, self.signer, self.keys, options.deadline)
        subs = {each.number: each.name for each in own.sub_merchants}
        self.orders = Orders(timeline, lambda: timeline.server_behind, lock, words, app_id, mchid, knows, http, subs)
        self.orders.remember(own.paid)
        self.refunds = Refunds(self.orders, timeline, lock, words, mchid, http, own.refund_seconds, self._refund_ended)
        self.releases = Releases(self.orders, self.refunds.back, timeline, lock, own)
        self.bills = Bills(self.orders.all, self.refunds.all, timeline, words, app_id, mchid)
        self._own_name, self._sub_names = options.account_name, subs
        self.phone = Phone(self.orders, timeline, lock, self.keys, app_id, self._payee, own.pin, self._paid)
        self.on_paid: Callable[[str], None] = lambda _: None
        self._words = words

    def keys(self) -> Keys:
        """Made, or read from ``keys_dir``, when they are first asked for. Raises OSError, ValueError."""
        with self._keys_lock:
            if self._keys is None:
                folder, mchid = self.options.keys_dir, self.options.mchid
                self._keys = keys_in(folder, mchid) if folder else make_keys(mchid)
            return self._keys

    def sheet(self, openid: str, asked: Mapping[str, str]) -> Sheet:
        """What getBrandWCPayRequest with these fields shows. Raises phone.Refused."""
        return self.phone.sheet(openid, asked)

    def pay(self, openid: str, prepay_id: str, pin: str) -> Result:
        return self.phone.pay(openid, prepay_id, pin)

    def cancel(self, openid: str, prepay_id: str) -> Result:
        return self.phone.cancel(openid, prepay_id)

    def notify_paid(self, order: Order) -> Notice:
        """The callback of a payment; by hand, one more with an id of its own."""
        event = "TRANSACTION.SUCCESS"
        plain = self.orders.shown(order)
        return self.notices.tell(
            event, "transaction", self._words.summary(event), plain, order.out_trade_no, order.notify_url
        )

    def _payee(self, order: Order) -> str:
        return self._sub_names[order.sub_mchid] if order.sub_mchid else self._own_name

    def _paid(self, order: Order) -> None:
        self.notify_paid(order)
        self.on_paid(order.openid)

    def _refund_ended(self, refund: Refund) -> None:
        if refund.notify_url:
            event, plain = f"REFUND.{refund.state}", self.refunds.told(refund)
            summary = self._words.summary(event)
            self.notices.tell(event, "refund", summary, plain, refund.out_refund_no, refund.notify_url)
