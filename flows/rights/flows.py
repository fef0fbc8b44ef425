"""The rights room's conversations."""

from flows.engine.flow import Flow
from flows.rights.change_home import change_home
from flows.rights.change_name import change_name
from flows.rights.change_phone import change_phone
from flows.rights.claim_number import claim_number
from flows.rights.erase_on_paper import erase_on_paper
from flows.rights.erasure import erase_data
from flows.rights.export import export_data
from flows.rights.withdraw_publish import withdraw_publish

FLOWS: tuple[Flow, ...] = (
    *(export_data, erase_data, change_phone, change_home, change_name),
    *(withdraw_publish, erase_on_paper, claim_number),
)
