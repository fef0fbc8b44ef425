"""The proxy room's conversations: officers act for residents without a phone, and residents bind cards."""

from flows.engine.flow import Flow
from flows.proxy.bind_card import bind_card
from flows.proxy.mandate import proxy_mandate
from flows.proxy.print_card import proxy_card
from flows.proxy.register import proxy_register

FLOWS: tuple[Flow, ...] = (proxy_register, proxy_mandate, proxy_card, bind_card)
