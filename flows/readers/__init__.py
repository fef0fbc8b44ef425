"""Provide the readers, one for each kind of answer. A step names one, with its bounds."""

from flows.readers.numbers.bank_reference import Reference
from flows.readers.numbers.budget_lines import BudgetLines
from flows.readers.numbers.count import Count
from flows.readers.numbers.day import Day
from flows.readers.numbers.id_number import IdNumber
from flows.readers.numbers.last_day import LastDay
from flows.readers.numbers.money import Money
from flows.readers.numbers.need_by import NeedBy
from flows.readers.numbers.phone import Phone
from flows.readers.numbers.plot import Plot
from flows.readers.numbers.price import Price
from flows.readers.numbers.weight import Weight
from flows.readers.words.choice import Agree, Choice, SaidChoice
from flows.readers.words.location import Here
from flows.readers.words.person_name import DisplayName, PersonName
from flows.readers.words.photo import Photo
from flows.readers.words.place import Place
from flows.readers.words.text import Text
from flows.readers.words.url import Url

__all__ = [
    "Agree",
    "BudgetLines",
    "Choice",
    "Count",
    "Day",
    "DisplayName",
    "Here",
    "IdNumber",
    "LastDay",
    "Money",
    "NeedBy",
    "PersonName",
    "Phone",
    "Photo",
    "Place",
    "Plot",
    "Price",
    "Reference",
    "SaidChoice",
    "Text",
    "Url",
    "Weight",
]
