"""Prove that a delivery is WeChat's, decrypt it, and encrypt our reply.

The mode is the configured one and never the query's: a plain body where
encrypted ones are expected is a forgery. Replies are wechatpy's ``TextReply``,
valid once the text is clean. Facts: WeChat's pages on message push and encryption.
"""

import re
import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import structlog
from wechatpy.replies import TextReply

from bot.wechat.crypto import Envelope, Forgery, demand_signature, signature_of
from bot.wechat.markup import Unreadable, clean, read_xml
from bot.wechat.parse import to_message
from config.settings import Mode
from models.people.message import Message

# WeChat stops delivering a message 15 s after its first try, signed anew or not; the rest allows for clocks.
# WeChat Pay allows the same 300 s, so one demand on the server's clock serves both.
FRESH_SECONDS = 300

# Undocumented; about 2,048 bytes was measured (MamaShip/Observer #77). Longer replies are not shown at all.
REPLY_BYTES = 2000

# WeChat's longest pushes have a few kilobytes.
BODY_BYTES = 64 * 1024

# "Received, nothing to say": sent as it is, even in safe mode.
NOTHING = b"success"

_TIMESTAMP = re.compile(r"[1-9][0-9]{9}")
_SEALED_REPLY = (
    "<xml><Encrypt><![CDATA[{0}]]></Encrypt><MsgSignature><![CDATA[{1}]]></MsgSignature>"
    "<TimeStamp>{2}</TimeStamp><Nonce><![CDATA[{3}]]></Nonce></xml>"
)

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Delivery:
    """A proved message, with the envelope that encrypts its reply (None: plain).

    While a key is being changed, that is the one that WeChat used for the message.
    """

    message: Message
    envelope: Envelope | None = None


@dataclass(frozen=True, slots=True)
class Proof:
    """Shows that WeChat signed the query just now. ``open`` takes one, so that no unproved body is read."""

    timestamp: str
    nonce: str
    msg_signature: str


class WebhookCodec:
    def __init__(
        self,
        app_id: str,
        token: str,
        aes_key: str,
        aes_key_previous: str,
        mode: Mode,
        now: Callable[[], float] = time.time,
        account: str = "",
    ) -> None:
        """Set up the channel; ``now``: epoch seconds. ``account``: the original ID that each message is to, if given.

        Raises ValueError on an empty token or AppID, or a bad key.
        """
        if not token or not app_id:
            raise ValueError("the token or the AppID is empty: anybody could sign, or seal")
        self._token, self._account = token, account
        self._mode = mode
        self._now = now
        keys = [] if mode is Mode.PLAIN else [aes_key, *filter(None, [aes_key_previous])]
        self._envelopes = [Envelope(app_id, key) for key in keys]

    def check_url(self, args: Mapping[str, str]) -> str:
        """Return the echostr that answers the console's URL check. Raises Forgery."""
        self.prove(args)
        return args.get("echostr", "")

    def prove(self, args: Mapping[str, str]) -> Proof:
        """Prove the query before the body is read, so that a stranger cannot keep us reading. Raises Forgery."""
        signature, timestamp, nonce = (args.get(name, "") for name in ("signature", "timestamp", "nonce"))
        if not (signature and nonce and _TIMESTAMP.fullmatch(timestamp)):
            raise Forgery("arguments")
        demand_signature(signature, self._token, timestamp, nonce)
        if abs(self._now() - int(timestamp)) > FRESH_SECONDS:
            raise Forgery("stale")
        return Proof(timestamp, nonce, args.get("msg_signature", ""))

    def open(self, proof: Proof, body: bytes) -> Delivery:
        """Decrypt and parse a body. Raises Forgery (not WeChat's encryption, or wrong mode) or Unreadable (invalid)."""
        fields = read_xml(body)
        sealed = fields.get("Encrypt")
        if self._mode is Mode.PLAIN:
            if sealed is not None:
                raise Unreadable("sealed_in_plain_mode")
            return Delivery(self._ours(fields))
        # In compatible mode the plain fields beside it are not signed, so nothing reads them.
        if not sealed or not isinstance(sealed, str):
            raise Forgery("not_sealed")
        demand_signature(proof.msg_signature, self._token, proof.timestamp, proof.nonce, sealed)
        envelope, xml = self._unseal(sealed)
        return Delivery(self._ours(read_xml(xml)), envelope)

    def seal(self, reply: str, delivery: Delivery) -> bytes:
        """Make the response body. Its XML is the same for every delivery of a message; only the encryption differs."""
        text = fit_reply(reply)
        if not text.strip():
            return NOTHING
        message = delivery.message
        reply_to = {"source": message.account, "target": message.openid, "time": message.created}
        xml: bytes = TextReply(content=text, **reply_to).render().encode()
        if delivery.envelope is None:
            return xml
        sealed = delivery.envelope.seal(xml)
        timestamp, nonce = str(int(self._now())), secrets.token_hex(8)
        signature = signature_of(self._token, timestamp, nonce, sealed)
        return _SEALED_REPLY.format(sealed, signature, timestamp, nonce).encode()

    def _ours(self, fields: dict[str, Any]) -> Message:
        """Read the message. Raises Forgery where it is to another account: whoever knows our secrets speaks for us."""
        message = to_message(fields)
        if self._account not in ("", message.account):
            raise Forgery("account")
        return message

    def _unseal(self, sealed: str) -> tuple[Envelope, bytes]:
        *earlier, last = self._envelopes
        for envelope in earlier:
            try:
                return envelope, envelope.open(sealed)
            except Forgery:
                continue
        return last, last.open(sealed)


def fit_reply(reply: str) -> str:
    """Make the reply fit: clean, no ``]]>`` (it would end the CDATA), cut to REPLY_BYTES of UTF-8."""
    text = clean(reply).replace("]]>", "]] >")
    data = text.encode()
    if len(data) <= REPLY_BYTES:
        return text
    log.warning("reply_cut", bytes=len(data))
    return data[:REPLY_BYTES].decode(errors="ignore")
