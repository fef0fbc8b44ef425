"""Reads what the account's server answered, strictly: what would be shown, and every rule that it breaks."""

from dataclasses import dataclass, replace
from xml.etree import ElementTree

from bot.simulator import rules
from bot.simulator.options import Mode, Options
from bot.simulator.rules import Reply, Violation
from bot.simulator.sealing import Sealer, Unsealable, same, signature

SEALED_FIELDS = ("Encrypt", "MsgSignature", "TimeStamp", "Nonce")


@dataclass(frozen=True)
class Reading:
    """``xml`` is the opened reply. ``reply`` is None where the server said nothing, or nothing readable."""

    reply: Reply | None = None
    xml: str = ""
    violations: tuple[Violation, ...] = ()


class Unreadable(Exception):
    """The envelope itself is broken, so that nothing inside can be judged."""

    def __init__(self, code: str, detail: str = "") -> None:
        super().__init__(code)
        self.violation = Violation(code, detail)


class _NoDoctype(ElementTree.TreeBuilder):
    def doctype(self, name: str, pubid: str | None, system: str | None) -> None:
        raise Unreadable("document_type", name)


class Reader:
    """Reads the replies of one account's server."""

    def __init__(self, options: Options) -> None:
        self._options = options
        self._sealer = Sealer(options.app_id, options.aes_key)

    def read(self, body: bytes, openid: str) -> Reading:
        try:
            written = body.decode("utf-8")
        except UnicodeDecodeError as error:
            return Reading(violations=(Violation("not_utf8", f"byte {error.start}"),))
        if written.strip() in {"", "success"}:
            return Reading(xml=written)
        opened = written
        try:
            root = _parse(written)
            if self._is_sealed(root):
                opened = self._open(root)
                root = _parse(opened)
        except Unreadable as problem:
            return Reading(xml=opened, violations=(problem.violation,))
        reply, violations = rules.judge(root, openid, self._options.account)
        return Reading(replace(reply, sealed=opened is not written), opened, violations)

    def _is_sealed(self, root: ElementTree.Element) -> bool:
        sealed = root.find("Encrypt") is not None
        mode = self._options.mode
        if mode is Mode.SAFE and not sealed:
            raise Unreadable("plain_in_safe_mode")
        if mode is Mode.PLAIN and sealed:
            raise Unreadable("sealed_in_plain_mode")
        return sealed

    def _open(self, root: ElementTree.Element) -> str:
        missing = [name for name in SEALED_FIELDS if not root.findtext(name)]
        if missing:
            raise Unreadable("envelope_incomplete", ", ".join(missing))
        sealed, given, timestamp, nonce = (root.findtext(name, "") for name in SEALED_FIELDS)
        if not same(given, signature(self._options.token, timestamp, nonce, sealed)):
            raise Unreadable("wrong_signature")
        try:
            return self._sealer.open(sealed).decode("utf-8")
        except Unsealable as error:
            raise Unreadable(error.code) from error
        except UnicodeDecodeError as error:
            raise Unreadable("not_utf8", f"byte {error.start}") from error


def _parse(written: str) -> ElementTree.Element:
    try:
        root = ElementTree.fromstring(written, ElementTree.XMLParser(target=_NoDoctype()))  # noqa: S314 (no document types)
    except ElementTree.ParseError as error:
        raise Unreadable("malformed_xml", str(error)) from error
    if root.tag != "xml":
        raise Unreadable("wrong_root", root.tag)
    return root
