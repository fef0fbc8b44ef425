"""What an appeal's page asks of the database when it is drawn anew."""

from sqlalchemy import event
from sqlalchemy.engine import Engine

from tests.harness.stage import Stage
from tests.scenes.pages import agreed, read

# docs/performance.md says what each costs.
MOST = 19


def test_a_page_drawn_anew_takes_few_statements(stage: Stage) -> None:
    number, asked = agreed(stage, stage.open_appeal()), list[str]()

    def note(*told: object) -> None:
        asked.append(str(told[2]))

    event.listen(Engine, "before_cursor_execute", note)
    try:
        assert read(stage, number).status_code == 200
    finally:
        event.remove(Engine, "before_cursor_execute", note)
    assert len(asked) <= MOST, "\n".join(asked)
