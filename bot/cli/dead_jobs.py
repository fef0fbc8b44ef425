"""Implement ``flask dead-jobs``: list, replay or drop dead jobs."""

from datetime import datetime

import click
from redis.exceptions import RedisError
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from bot.work.dead_jobs import CannotReplay, NoSuchDeadJob, drop, replay
from bot.work.queues import JobQueues
from models.upkeep.dead_job import open_dead


def settle_dead_jobs(
    database: Engine, jobs: JobQueues, replayed: str | None, dropped: str | None, now: datetime
) -> None:
    """List the dead jobs, or settle the named ones: a number, or ``all``. Raises click's exceptions."""
    if replayed and dropped:
        raise click.UsageError("either --replay or --drop, not both")
    try:
        with Session(database) as db, db.begin():
            if replayed:
                count = replay(db, jobs, _ids(replayed), now)
                click.echo(f"{count} handed to the workers again.")
                if replayed == "all" and (left := len(open_dead(db))):
                    click.echo(f"{left} cannot be run again: they are no jobs of this release; --drop forgets them.")
            elif dropped:
                click.echo(f"{drop(db, _ids(dropped), now)} dropped.")
            else:
                _list(db)
    except NoSuchDeadJob as error:
        numbers = ", ".join(map(str, error.ids))
        raise click.ClickException(
            f"no open dead job has the number {numbers}; without an option all are listed"
        ) from error
    except CannotReplay as error:
        numbers = ", ".join(map(str, error.ids))
        raise click.ClickException(f"{numbers}: no job of this release, so only --drop settles it") from error
    except RedisError as error:
        raise click.ClickException(f"Redis does not answer ({type(error).__name__}); nothing was changed") from error
    finally:
        jobs.redis.close()


def _list(db: Session) -> None:
    dead = open_dead(db)
    for one in dead:
        what = one.argument if len(one.argument) <= 40 else f"{one.argument[:37]}..."
        click.echo(f"{one.id}  {one.died_at:%Y-%m-%d %H:%M} UTC  {one.name} {what}  tries {one.tries}  {one.error}")
    click.echo(f"{len(dead)} open." if dead else "No job is dead.")


def _ids(wanted: str) -> list[int] | None:
    """Read a number or ``all``; None means all. Raises BadParameter."""
    if wanted == "all":
        return None
    if not wanted.isdecimal():
        raise click.BadParameter(f"a number as the list shows it, or all; not {wanted!r}")
    return [int(wanted)]
