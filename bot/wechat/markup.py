"""Parse WeChat's XML into text and dicts, safely for any input.

It uses expat directly, because xmltodict (and with it wechatpy's ``parse_message``)
follows document types and any depth: in a test, a body of 400 KB made of
defaulted attributes cost it 786 MB. The only exception raised is ``Unreadable``.
"""

import re
from typing import Any
from xml.parsers import expat

# The deepest push known is xml/SendPicsInfo/PicList/item/PicMd5Sum.
DEEPEST = 8

# What XML cannot carry or screens cannot show: C0 but tab and newline, DEL, C1, surrogates, U+FFFE, U+FFFF.
# WeChat does pass some of them on, and its own clients refuse a reply that holds them.
_UNSPEAKABLE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")


class Unreadable(Exception):
    """WeChat's push is invalid. ``reason`` is a constant word for the log, never content."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def clean(text: str) -> str:
    """Remove the characters that XML cannot carry or a phone cannot show."""
    return _UNSPEAKABLE.sub("", text)


def read_xml(body: bytes) -> dict[str, Any]:
    """Return the elements in ``<xml>``: name -> text (ends stripped), a dict of the same, or a list where it repeats.

    Attributes, comments, and text beside child elements are dropped. UTF-8 only, whatever the declaration says.
    Raises Unreadable.
    """
    try:
        text = clean(body.decode("utf-8-sig")).strip()
    except UnicodeDecodeError:
        raise Unreadable("not_utf8") from None
    if text.startswith(("{", "[")):
        raise Unreadable("json_push_set_the_console_to_xml")
    tree = _Tree()
    try:
        tree.parser.Parse(text, True)
    except expat.ExpatError:
        raise Unreadable("not_xml") from None
    fields = tree.open_elements[0].get("xml")
    if not isinstance(fields, dict):
        raise Unreadable("not_a_push")
    return fields


class _Tree:
    """Collects expat's events. ``open_elements``: the children so far of the document and of each open element."""

    def __init__(self) -> None:
        self.open_elements: list[dict[str, Any]] = [{}]
        self.text: list[str] = []
        self.parser = expat.ParserCreate()
        self.parser.buffer_text = True
        self.parser.StartDoctypeDeclHandler = self.doctype
        self.parser.StartElementHandler = self.start
        self.parser.EndElementHandler = self.end
        self.parser.CharacterDataHandler = self.text.append

    def doctype(self, *_: Any) -> None:
        raise Unreadable("document_type")

    def start(self, _name: str, _attributes: dict[str, str]) -> None:
        if len(self.open_elements) > DEEPEST:
            raise Unreadable("too_deep")
        self.open_elements.append({})
        self.text.clear()

    def end(self, name: str) -> None:
        value = self.open_elements.pop() or "".join(self.text).strip()
        self.text.clear()
        siblings = self.open_elements[-1]
        if name not in siblings:
            siblings[name] = value
        elif isinstance(siblings[name], list):
            siblings[name].append(value)
        else:
            siblings[name] = [siblings[name], value]
