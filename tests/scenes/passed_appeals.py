"""Appeals that pass review."""

from tests.support.stage import Stage


def pass_appeals(stage: Stage, count: int) -> set[tuple[str, int]]:
    passed = set()
    for serial in range(count):
        stage.register(f"o-wang-{serial}", "resident")
        number = stage.ask(f"o-wang-{serial}")
        stage.say("o-zhou", f"通过 {number}")
        passed.add(("appeal", number))
    return passed
