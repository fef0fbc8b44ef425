"""Rules that the database itself holds, on rows that no program may change: triggers."""

from alembic import op


def never_change(table: str) -> None:
    """Rows are only ever added."""
    message = f"{table} is append-only"
    for act in ("UPDATE", "DELETE"):
        _refuse(f"{table}_no_{act.lower()}", table, act, None, message)


def keep_rows(table: str) -> None:
    """Rows are never deleted."""
    _refuse(f"{table}_no_delete", table, "DELETE", None, f"{table} keeps its rows")


def only_grow(table: str, column: str) -> None:
    """Rows stay, and a change makes this column larger."""
    _refuse(f"{table}_no_delete", table, "DELETE", None, f"{table} keeps its rows")
    _refuse(f"{table}_grows", table, "UPDATE", f"NEW.{column} <= OLD.{column}", f"{table}: {column} only grows")


def keep_fixed(table: str, columns: tuple[str, ...], when: str = "1 = 1", name: str = "fixed") -> None:
    """These columns never change again once ``when`` (an SQL condition on OLD) holds."""
    changed = " OR ".join(f"OLD.{column} IS DISTINCT FROM NEW.{column}" for column in columns)
    _refuse(f"{table}_{name}", table, "UPDATE", f"({when}) AND ({changed})", f"{table}: {', '.join(columns)} are fixed")


def refuse_update(table: str, name: str, condition: str, message: str) -> None:
    """No change for which this holds (an SQL condition on OLD and NEW)."""
    _refuse(f"{table}_{name}", table, "UPDATE", condition, message)


def drop_fixed(table: str, name: str = "fixed") -> None:
    """Remove what ``keep_fixed`` or another function here made, so that it can be made anew, or in a downgrade."""
    op.execute(f"DROP TRIGGER {table}_{name} ON {table}")
    op.execute(f"DROP FUNCTION {table}_{name}()")


def refuse_insert(table: str, name: str, condition: str, message: str) -> None:
    """No row for which this holds (an SQL condition on NEW, which may ask other tables)."""
    body = f"IF {condition} THEN {_raise(message)} END IF; RETURN NEW;"
    _on_insert(f"{table}_{name}", table, "BEFORE", body)


def refuse_at_commit(table: str, name: str, condition: str, message: str) -> None:
    """No commit of a row for which this holds then (an SQL condition on NEW, which may ask other tables)."""
    name = f"{table}_{name}"
    body = f"IF {condition} THEN {_raise(message)} END IF; RETURN NULL;"
    op.execute(f"CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {body} END $$")
    deferred = f"AFTER INSERT ON {table} DEFERRABLE INITIALLY DEFERRED FOR EACH ROW"
    op.execute(f"CREATE CONSTRAINT TRIGGER {name} {deferred} EXECUTE FUNCTION {name}()")


def after_insert(table: str, name: str, statements: tuple[str, ...]) -> None:
    """What each new row (NEW) does to other tables."""
    body = " ".join(f"{statement};" for statement in statements)
    _on_insert(f"{table}_{name}", table, "AFTER", f"{body} RETURN NULL;")


def _refuse(name: str, table: str, act: str, condition: str | None, message: str) -> None:
    when = f"WHEN ({condition})" if condition else ""
    op.execute(f"CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {_raise(message)} END $$")
    op.execute(f"CREATE TRIGGER {name} BEFORE {act} ON {table} FOR EACH ROW {when} EXECUTE FUNCTION {name}()")


def _on_insert(name: str, table: str, when: str, body: str) -> None:
    op.execute(f"CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {body} END $$")
    op.execute(f"CREATE TRIGGER {name} {when} INSERT ON {table} FOR EACH ROW EXECUTE FUNCTION {name}()")


def _raise(message: str) -> str:
    return f"RAISE EXCEPTION '{message}' USING ERRCODE = 'integrity_constraint_violation';"
