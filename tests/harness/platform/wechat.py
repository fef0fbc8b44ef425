"""WeChat's side of the door: it builds pushes, signs and seals them, and opens our replies.

Written from WeChat's pages and apart from ``bot/wechat``, so that one mistake cannot hide in both.
"""

import hashlib
import random
import string
import time
from base64 import b64decode, b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import count
from struct import pack, unpack
from typing import Any
from xml.etree import ElementTree

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.padding import PKCS7

from config.settings import SAMPLE_AES_KEY, SAMPLE_APP_ID, SAMPLE_TOKEN, Mode

ACCOUNT = "gh_3f0bangfu001"
OPENID = "oDemo-0resident0000000000001"

_msg_ids = count(24_000_000_000_000_001)


def element(name: str, value: Any) -> str:
    """One element: text in CDATA, numbers bare, mappings nested, lists repeated."""
    if isinstance(value, list):
        return "".join(element(name, one) for one in value)
    if isinstance(value, Mapping):
        inner = "".join(element(child, one) for child, one in value.items())
    elif isinstance(value, int | float):
        inner = str(value)
    else:
        inner = f"<![CDATA[{value}]]>"
    return f"<{name}>{inner}</{name}>"


def push(msg_type: str, openid: str = OPENID, created: int | None = None, **fields: Any) -> str:
    """A push's XML; ``fields`` are WeChat's own names, and may replace the common ones."""
    common = {
        "ToUserName": ACCOUNT,
        "FromUserName": openid,
        "CreateTime": int(time.time()) if created is None else created,
        "MsgType": msg_type,
    }
    return element("xml", common | fields)


def message(msg_type: str, openid: str = OPENID, **fields: Any) -> str:
    return push(msg_type, openid, **({"MsgId": next(_msg_ids)} | fields))


def text(content: str, openid: str = OPENID, **fields: Any) -> str:
    return message("text", openid, Content=content, **fields)


def event(name: str, openid: str = OPENID, **fields: Any) -> str:
    return push("event", openid, Event=name, **fields)


def sha1(*parts: str) -> str:
    return hashlib.sha1("".join(sorted(parts)).encode()).hexdigest()  # noqa: S324


@dataclass(frozen=True)
class WeChat:
    """The platform as one account's console has set it up."""

    mode: Mode = Mode.SAFE
    app_id: str = SAMPLE_APP_ID
    token: str = SAMPLE_TOKEN
    aes_key: str = SAMPLE_AES_KEY
    now: Callable[[], float] = time.time

    def signed(self, **more: str) -> dict[str, str]:
        """The query that every request of WeChat's carries."""
        timestamp, nonce = str(int(self.now())), str(random.randrange(10**8, 2 * 10**9))
        signature = sha1(self.token, timestamp, nonce)
        return {"signature": signature, "timestamp": timestamp, "nonce": nonce, **more}

    def deliver(self, xml: str) -> tuple[dict[str, str], bytes]:
        """The query and the body of one POST."""
        query = self.signed(openid=OPENID)
        if self.mode is Mode.PLAIN:
            return query, xml.encode()
        sealed = self.seal(xml)
        query |= {
            "encrypt_type": "aes",
            "msg_signature": sha1(self.token, query["timestamp"], query["nonce"], sealed),
        }
        envelope = element("Encrypt", sealed)
        if self.mode is Mode.COMPATIBLE:
            return query, xml.replace("</xml>", envelope + "</xml>").encode()
        return query, f"<xml>{element('ToUserName', ACCOUNT)}{envelope}</xml>".encode()

    def seal(self, xml: str) -> str:
        data = xml.encode()
        filler = "".join(random.choices(string.ascii_letters, k=16)).encode()
        padder = PKCS7(256).padder()
        padded = padder.update(filler + pack(">I", len(data)) + data + self.app_id.encode()) + padder.finalize()
        encryptor = self._cipher().encryptor()
        return b64encode(encryptor.update(padded) + encryptor.finalize()).decode()

    def open(self, sealed: str) -> str:
        decryptor = self._cipher().decryptor()
        unpadder = PKCS7(256).unpadder()
        padded = decryptor.update(b64decode(sealed)) + decryptor.finalize()
        content = unpadder.update(padded) + unpadder.finalize()
        (length,) = unpack(">I", content[16:20])
        assert content[20 + length :] == self.app_id.encode(), "sealed for another account"
        return content[20 : 20 + length].decode()

    def read(self, body: bytes) -> str:
        """The reply's XML, its envelope's signature checked; "" where the bot chose to say nothing."""
        if body == b"success":
            return ""
        if self.mode is Mode.PLAIN:
            return body.decode()
        outer = ElementTree.fromstring(body)
        names = ("MsgSignature", "TimeStamp", "Nonce", "Encrypt")
        signature, timestamp, nonce, sealed = (outer.findtext(name) or "" for name in names)
        assert signature == sha1(self.token, timestamp, nonce, sealed), "the reply's signature is wrong"
        return self.open(sealed)

    def read_text(self, body: bytes) -> str:
        """What the person sees; "" for nothing."""
        xml = self.read(body)
        return ElementTree.fromstring(xml).findtext("Content") or "" if xml else ""

    def _cipher(self) -> Cipher[modes.CBC]:
        key = b64decode(self.aes_key + "=")
        return Cipher(algorithms.AES(key), modes.CBC(key[:16]))
