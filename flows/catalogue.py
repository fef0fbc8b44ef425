"""Every flow there is. A new one is a file beside this and a line here."""

from flows.flow import Flow
from flows.register import register

FLOWS: tuple[Flow, ...] = (register,)
