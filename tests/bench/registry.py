"""``make bench ARGS=registry``: a million invented rows through ``import-registry``, beside a bare COPY of their bytes.

Each run is a process of its own, so that its peak memory is its own.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import psycopg
from stdnum.cn import ric

from bot.processes.leash import leashed
from bot.processes.postgres import EmbeddedPostgres
from models.migrations import upgrade
from tests.harness.stage import DAOXIAN_MEIHUA, seed_regions

_HEADER = "id_number,name,region_code,status,source,as_of\n"
_SURNAMES, _SIGNS = "王李张刘陈杨赵黄周吴", "秀兰建国桂英玉梅海燕志强满小妹春花"
_REGIONS = ("431124", "430524", "431124101", DAOXIAN_MEIHUA)
_BORN, _DAYS, _PER_DAY = date(1901, 1, 1), 1_800, 1_000


@dataclass(frozen=True)
class Figures:
    """``cpu``: the command's own seconds of it, the database server's not; a busy machine changes those little."""

    seconds: float
    cpu: float
    peak_mb: float


def rows(count: int) -> Iterator[str]:
    """Numbers valid by checksum, born 1901 to 1905, of nobody; 1,800,000 at most."""
    for n in range(count):
        born, serial = _BORN + timedelta(days=n % _DAYS), n // _DAYS % _PER_DAY
        digits = f"431124{born:%Y%m%d}{serial:03}"
        name = _SURNAMES[n % 10] + _SIGNS[n // 10 % 16] + _SIGNS[n // 160 % 16]
        number = digits + ric.calc_check_digit(digits + "0")
        yield f"{number},{name},{_REGIONS[n % 4]},监测对象,invented county list,2026-06-30\n"


def measured(command: list[str], environment: dict[str, str]) -> Figures:
    """The command's own time, and the most memory that it held."""
    begin = time.perf_counter()
    process = subprocess.Popen(leashed(command), env={**os.environ, **environment}, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{command[-2]} ended with {process.returncode}")
    return Figures(time.perf_counter() - begin, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)


def copied(url: str, file: Path) -> float:
    """Seconds for the same bytes into a table of text, as PostgreSQL takes them by itself."""
    with psycopg.connect(url) as connection:
        connection.execute("CREATE TABLE bare (a text, b text, c text, d text, e text, f text)")
        connection.commit()
        begin = time.perf_counter()
        bare = "COPY bare FROM STDIN (FORMAT CSV, HEADER)"
        with file.open("rb") as source, connection.cursor() as cursor, cursor.copy(bare) as copy:
            while piece := source.read(1 << 16):
                copy.write(piece)
        connection.commit()
        return time.perf_counter() - begin


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="make bench ARGS=registry")
    parser.add_argument("--rows", type=int, default=1_000_000)
    count = parser.parse_args(arguments).rows
    with tempfile.TemporaryDirectory() as name, EmbeddedPostgres(durable=True) as postgres:
        folder = Path(name)
        file = folder / "registry.csv"
        with file.open("w", encoding="utf-8") as out:
            out.write(_HEADER)
            out.writelines(rows(count))
        print(f"{count:,} rows, {file.stat().st_size / 1e6:.0f} MB\n")
        print(f"{'':34} {'seconds':>8} {'rows/s':>8} {'cpu s':>8} {'peak MB':>8}")
        bare = copied(postgres.url, file)
        print(f"{'bare COPY of the bytes':34} {bare:8.1f} {count / bare:8.0f}", flush=True)
        command = [sys.executable, "-m", "flask", "--app", "wsgi", "import-registry", str(file)]
        upgrade(postgres.url)
        seed_regions(postgres.url)
        for run in ("import", "the same file again"):
            figures = measured(command, {"DATABASE_URL": postgres.url, "BANGFU_ENV": "demo"})
            rate = count / figures.seconds
            line = f"{run:34} {figures.seconds:8.1f} {rate:8.0f} {figures.cpu:8.1f}"
            print(f"{line} {figures.peak_mb:8.0f}", flush=True)
