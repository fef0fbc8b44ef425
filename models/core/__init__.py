"""Provide what every other room builds on: tables, refusals, encryption, hash chains, state machines."""
