"""Show the public figures of the whole country or of a region: pages that read without script, CSV and JSON.

They hold no personal data. A report is kept in memory until a sum of the whole country changes.
"""

import csv
import json
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from io import StringIO
from threading import Lock
from typing import Any

from flask import Blueprint, Response
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from bot.web.pages import Pages, guarded
from bot.web.scripts import ECHARTS, Script, script_file
from models.figures.delta import FIGURES, MONEY, PEOPLE, REGISTERED
from models.figures.report import ALL, FiguresRegionUnknown, Report, read_report, version
from models.places.region import COUNTRY

LICENCE = "CC-BY-4.0"
COLUMNS = ("region", "name", "month", "figure", "amount", "hidden")
_KEPT = "public, max-age=300"
_MOST_KEPT = 500
# So many months are on the page, the newest first; the files have all.
MONTHS = 24
# The figures of each chart, and how it is drawn.
CHARTS = {"registered": ((*REGISTERED, "verified"), "lines"), "helped": ((*PEOPLE, "goods"), "lines")}
CHARTS |= {"money": (MONEY, "bars")}


class Reports:
    """The newest reports, by region. ``database``: each is read in one snapshot of it."""

    def __init__(self, database: Engine) -> None:
        self._database = database
        self._kept: OrderedDict[str, tuple[int, Report]] = OrderedDict()
        self._lock = Lock()

    def read(self, code: str) -> Report:
        """Return a region's report. Raises FiguresRegionUnknown."""
        with (
            self._database.connect().execution_options(isolation_level="REPEATABLE READ") as reading,
            Session(reading) as db,
        ):
            today = version(db)
            with self._lock:
                kept = self._kept.get(code)
            if kept and kept[0] == today:
                return kept[1]
            report = read_report(db, code)
        with self._lock:
            self._kept[code] = today, report
            self._kept.move_to_end(code)
            while len(self._kept) > _MOST_KEPT:
                self._kept.popitem(last=False)
        return report


def chart_scripts(pages: Pages) -> tuple[Script, Script]:
    """Return ECharts, and the script of ours that loads it and draws the charts."""
    return script_file(ECHARTS, "echarts"), Script("charts", pages.file("figures/charts.js").encode())


def figures_pages(database: Engine, pages: Pages, scripts: tuple[Script, Script]) -> Blueprint:
    """Make the routes of ``/numbers``. ``scripts``: as ``chart_scripts`` makes them."""
    blueprint, reports = Blueprint("figures", __name__), Reports(database)

    @blueprint.get("/numbers")
    def country() -> Response:
        return _page(pages, reports.read(COUNTRY), scripts)

    @blueprint.get("/numbers/<name>")
    def region(name: str) -> Response:
        code, _, kind = name.partition(".")
        try:
            if kind not in ("", "csv", "json") or not (code.isascii() and code.isdigit() and len(code) == len(COUNTRY)):
                raise FiguresRegionUnknown(words="")
            report = reports.read(code)
        except FiguresRegionUnknown:
            return pages.show("figures/no_region", 404)
        return _page(pages, report, scripts) if not kind else _file(report, kind)

    return blueprint


def _page(pages: Pages, report: Report, scripts: tuple[Script, Script]) -> Response:
    months = report.months[-MONTHS:]
    charts = _charts(report, months)
    facts = {"figures": FIGURES, "all": ALL, "country": COUNTRY, "months": months[::-1], "charts": charts}
    response = pages.show("figures/numbers", report=report, scripts=[script.path for script in scripts], **facts)
    if charts:
        response.headers["Content-Security-Policy"] += "; script-src 'self'"
    return _public(response)


def _charts(report: Report, months: Sequence[str]) -> list[tuple[str, Sequence[str], str]]:
    """List what can be drawn: the chart's name, those of its figures of which a month is shown, and how it is drawn.

    Of one of them at least two months are shown, and something was counted.
    """
    shown = {
        figure: [amount for month in months if (amount := table.shown(month)) is not None]
        for figure, table in report.tables.items()
    }
    return [
        (name, [figure for figure in figures if shown[figure]], kind)
        for name, (figures, kind) in CHARTS.items()
        if any(len(shown[figure]) > 1 and any(shown[figure]) for figure in figures)
    ]


def rows_of(report: Report) -> Iterator[dict[str, Any]]:
    """Yield a row for each figure, region and month, and one of all months; a hidden amount is None."""
    for figure in FIGURES:
        table = report.tables[figure]
        for key, name in (
            ("", report.name),
            *((key, name) for key, name in report.names.items() if key in table.below),
        ):
            for month in (*report.months, ALL):
                amount = table.shown(month, key)
                values = (key or report.code, name or "", month, figure, amount, amount is None)
                yield dict(zip(COLUMNS, values, strict=True))


def _file(report: Report, kind: str) -> Response:
    if kind == "json":
        waits = {figure: {"count": each.count, "days": each.days} for figure, each in report.waiting.items()}
        rows = list(rows_of(report))
        whole = {"licence": LICENCE, "region": report.code, "above": report.above, "waiting": waits, "rows": rows}
        response = guarded(Response(json.dumps(whole, ensure_ascii=False), mimetype="application/json"))
    else:
        text = StringIO()
        writer = csv.DictWriter(text, COLUMNS)
        writer.writeheader()
        writer.writerows({**row, "hidden": int(row["hidden"])} for row in rows_of(report))
        # With its mark of UTF-8, by which spreadsheets read the names rightly.
        response = guarded(Response("\ufeff" + text.getvalue(), mimetype="text/csv"))
    response.headers["Content-Disposition"] = f'attachment; filename="bangfu-{report.code}.{kind}"'
    return _public(response)


def _public(response: Response) -> Response:
    """Allow caches to keep the response and search engines to index it: it holds no personal data."""
    response.headers["Cache-Control"] = _KEPT
    del response.headers["X-Robots-Tag"]
    return response
