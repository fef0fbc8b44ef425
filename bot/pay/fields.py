"""Check what a call sends, and read what it answers: what the two clients of WeChat Pay have in common."""

import re
from typing import Annotated, BinaryIO, TypeVar
from urllib.parse import urlsplit

from pydantic import StringConstraints, ValidationError

from bot.pay.answers import Strict
from bot.pay.bill_file import BillFile, Damaged
from bot.pay.errors import BadAnswer, Refused, Unfit
from bot.pay.signatures import Signer, new_nonce
from bot.pay.wire import Request, Wire
from bot.work.clock import Clock

DESCRIPTION_BYTES = 127
NOTIFY_URL_LENGTH = 255
# Time for the download of a whole day's bill, compressed.
BILL_SECONDS = 300.0
CLOSED = {"ORDER_CLOSED", "ORDERCLOSED"}
_NOTHING_MOVED = "NO_STATEMENT_EXIST"
_UNSEEN = re.compile(r"[\x00-\x1f\x7f`\ud800-\udfff]+")
Fields = TypeVar("Fields", bound=Strict)


class Prepaid(Strict):
    prepay_id: Annotated[str, StringConstraints(pattern=r"^[0-9A-Za-z_\-]{1,64}\z")]


class _BillPlace(Strict):
    hash_type: Annotated[str, StringConstraints(pattern=r"^SHA1\z")]
    hash_value: Annotated[str, StringConstraints(pattern=r"^[0-9A-Fa-f]{40}\z")]
    download_url: str


def shown(description: str) -> str:
    """Return the description on one line, without characters that bills cannot hold, cut to DESCRIPTION_BYTES."""
    line = " ".join(_UNSEEN.sub(" ", description).split())
    return line.encode()[:DESCRIPTION_BYTES].decode(errors="ignore").rstrip()


def fits(text: str, most: int) -> bool:
    return not _UNSEEN.search(text) and len(text.encode()) <= most


def demand(call: str, field: str, holds: object) -> None:
    """Raises Unfit unless the field is one that the platform takes."""
    if not holds:
        raise Unfit(call, field)


def read(call: str, fields: type[Fields], answer: bytes) -> Fields:
    """Read an answer's fields. Raises BadAnswer."""
    try:
        return fields.model_validate_json(answer)
    except ValidationError:
        failure = BadAnswer(call, "does not say what it must")
    # Raised outside the handler: pydantic's error holds the fields.
    raise failure


def sign_sheet(signer: Signer, app_id: str, prepay_id: str, clock: Clock) -> dict[str, str]:
    """Make the fields that our page gives to getBrandWCPayRequest. Its ``ok`` proves nothing: a query does."""
    fields = {
        "appId": app_id,
        "timeStamp": str(int(clock().timestamp())),
        "nonceStr": new_nonce(),
        "package": f"prepay_id={prepay_id}",
    }
    return fields | {"signType": "RSA", "paySign": signer.sign(*fields.values())}


def fetch_bill(wire: Wire, path: str, to: BinaryIO) -> bool:
    """Write the trade bill of this path into ``to``, unpacked, for ``bot.pay.bill``; False: nothing moved that day.

    If this raises, ``to`` holds no valid bill.
    """
    call = "bill"
    try:
        place = read(call, _BillPlace, wire.ask(Request(call, "GET", path)))
    except Refused as refused:
        if refused.code != _NOTHING_MOVED:
            raise
        return False
    file = BillFile(to)
    try:
        wire.download(Request(call, "GET", _path_of(call, place.download_url)), file.take, BILL_SECONDS)
        file.end(place.hash_value)
    except Damaged as damaged:
        raise BadAnswer(call, damaged.why) from damaged
    return True


def _path_of(call: str, url: str) -> str:
    """Return the path to request from our own api_url, so that no answer sends our signature to another host."""
    parts = urlsplit(url)
    if not parts.path.startswith("/v3/bill"):
        raise BadAnswer(call, "a strange address")
    return f"{parts.path}?{parts.query}"


def checked_url(url: str) -> str:
    """Check the callback's URL: https without parameters; http here, for a simulator. Raises ValueError."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    if parts.scheme != "https" and not (parts.scheme == "http" and host in {"127.0.0.1", "localhost", "::1"}):
        raise ValueError("the platform calls back over https")
    if "?" in url or "#" in url or not host or len(url) > NOTIFY_URL_LENGTH:
        raise ValueError("the platform calls back to no such address")
    return url
