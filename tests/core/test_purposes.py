"""What sealed values authenticate, and what they are found by, is settled for good."""

from models.core.encryption import Encrypted
from models.tables import metadata

# Add to it; change nothing.
PURPOSES = frozenset(
    {
        "broadcast facts",
        "buying firm code",
        "buying firm name",
        "buying firm phone",
        "campaign address",
        "campaign firm code",
        "campaign firm name",
        "campaign phone",
        "campaign recipient",
        "card code",
        "card QR address",
        "collection code",
        "conversation session",
        "discrepancy note",
        "family member ID number",
        "family member name",
        "gift message words",
        "handover point phone",
        "name change after",
        "name change before",
        "notification facts",
        "number claim ID number",
        "organisation credit code",
        "objection words",
        "order address",
        "order phone",
        "order recipient",
        "order waybill",
        "payee account",
        "payee name",
        "person ID number",
        "person name",
        "person phone",
        "person switch code",
        "receipt name",
        "receipt tax number",
        "registry ID number",
        "registry name",
        "relative ID number",
        "report words",
        "rights request wish",
        "round seed",
        "sealed remainder",
        "staff ID number",
        "staff name",
        "ticket words",
        "turn reply",
        "visit assessment",
        "visit findings",
        "visit place",
        "voice screen",
        "voice words",
    }
)
LOOKUPS = {
    "campaign firm code": "credit_code",
    "card code": "card",
    "collection code": "collection",
    "family member ID number": "id_number",
    "order waybill": "order_waybill",
    "person ID number": "id_number",
    "person phone": "phone",
    "registry ID number": "id_number",
    "relative ID number": "id_number",
    "staff ID number": "id_number",
}
WHY = "every value stored under this literal was sealed for it (or hashed with it), and would be lost with its change"


def kinds() -> list[Encrypted]:
    return [
        column.type
        for table in metadata.tables.values()
        for column in table.columns
        if isinstance(column.type, Encrypted)
    ]


def test_no_purpose_is_ever_changed() -> None:
    gone = PURPOSES - {kind.purpose for kind in kinds()}
    assert not gone, f"{sorted(gone)}: {WHY}"


def test_no_hash_is_made_for_anything_else_than_before() -> None:
    hashed = {kind.purpose: kind.lookup.purpose for kind in kinds() if kind.lookup}
    assert LOOKUPS.items() <= hashed.items(), WHY


def test_each_column_has_a_purpose_of_its_own() -> None:
    """A value cannot be moved from one column to another."""
    purposes = [kind.purpose for kind in kinds()]
    assert len(purposes) == len(set(purposes))


def test_a_new_purpose_is_written_down_here() -> None:
    assert {kind.purpose for kind in kinds()} <= PURPOSES, "a new literal is added to PURPOSES, for good"
