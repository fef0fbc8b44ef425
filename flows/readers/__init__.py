"""The kinds of answer there are. A step names one, with its bounds."""

from flows.readers.budget_lines import BudgetLines
from flows.readers.choice import Choice
from flows.readers.count import Count
from flows.readers.day import Day
from flows.readers.here import Here
from flows.readers.id_number import IdNumber
from flows.readers.money import Money
from flows.readers.phone import Phone
from flows.readers.photo import Photo
from flows.readers.place import Place
from flows.readers.price import Price
from flows.readers.reference import Reference
from flows.readers.text import Text
from flows.readers.url import Url
from flows.readers.weight import Weight

__all__ = [
    "BudgetLines",
    "Choice",
    "Count",
    "Day",
    "Here",
    "IdNumber",
    "Money",
    "Phone",
    "Photo",
    "Place",
    "Price",
    "Reference",
    "Text",
    "Url",
    "Weight",
]
