"""The kinds of notifications about people's rights over their data."""

from models.notifications.kinds import Kind, legal, safety, to_staff

KINDS: dict[str, Kind] = {
    # At night, too: the copy is there for an hour.
    "export_ready": safety(),
    "erasure_put_off": legal(),
    "name_decided": safety(),
    "number_claim_decided": safety(),
    "number_released": safety(),
    "paper_erasure_moved": to_staff(),
    "phone_changed": safety(),
    "requests_ended": legal(),
    "home_moved": safety(),
    "payee_recorded": safety(),
    "consent_withdrawn": legal(),
    # At night, too: a day is all the person has to stop it.
    "consent_revoked": safety(),
    "consent_kept": safety(),
    "collecting_ended": to_staff(),
}
