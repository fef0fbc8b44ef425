"""What an appeal's page asks of the database when it is drawn anew."""

from tests.harness.stage import Stage
from tests.harness.statements import statements
from tests.scenes.pages import agreed, read

# docs/performance.md says what each costs.
MOST = 18


def test_a_page_drawn_anew_takes_few_statements(stage: Stage) -> None:
    number = agreed(stage, stage.open_appeal())
    with statements(stage.app.extensions["bangfu"]["turns"].database) as asked:
        assert read(stage, number).status_code == 200
    assert len(asked) <= MOST, "\n".join(asked)
