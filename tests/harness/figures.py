"""The figures that /metrics tells."""

from prometheus_client.parser import text_string_to_metric_families

from tests.harness.stage import Stage


def figures(stage: Stage) -> dict[str, float]:
    page = stage.client.get("/metrics").get_data(as_text=True)
    samples = [one for family in text_string_to_metric_families(page) for one in family.samples]
    return {f"{one.name}{''.join(one.labels.values())}": one.value for one in samples}
