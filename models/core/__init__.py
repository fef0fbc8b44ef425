"""The other rooms build on these: tables, refusals, encryption, chains, state machines."""
