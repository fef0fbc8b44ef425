"""Name the sets of staff roles that may use a command."""

from models.core.state_machine import By

COUNTY = frozenset({By.COUNTY})
FUND_HOLDER = frozenset({By.FUND_HOLDER})
KEEPER = frozenset({By.KEEPER})
COUNTY_AND_HOLDER = COUNTY | FUND_HOLDER
TOWNSHIP_AND_COUNTY = frozenset({By.TOWNSHIP, By.COUNTY})
VILLAGE_AND_TOWNSHIP = frozenset({By.VILLAGE, By.TOWNSHIP})
OFFICERS = VILLAGE_AND_TOWNSHIP | COUNTY
STAFF = OFFICERS | FUND_HOLDER
EVERY_SEAT = STAFF | KEEPER
