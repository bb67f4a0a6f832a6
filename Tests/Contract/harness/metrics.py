"""What a server counts and measures, read as a Prometheus server reads it."""

from prometheus_client.parser import text_string_to_metric_families


class Metrics:
    """One reading of /metrics."""

    def __init__(self, text):
        self.families = {}
        self.samples = {}
        for family in text_string_to_metric_families(text):
            assert family.name not in self.families, f"{family.name} is shown twice"
            self.families[family.name] = family
            for sample in family.samples:
                key = (sample.name, frozenset(sample.labels.items()))
                assert key not in self.samples, f"{sample.name}{sample.labels} is shown twice"
                self.samples[key] = sample.value

    def value(self, name, **labels):
        """The value of this sample; 0 where there is none."""
        return self.samples.get((name, frozenset(labels.items())), 0)

    def names(self):
        """Every name that an expression can ask for."""
        return {name for name, _ in self.samples}


def read_metrics(client, path="/metrics"):
    """The metrics now; asserts that they are in the format that their media type says."""
    answer = client.get(path)
    answer.expect(200)
    assert answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    text = answer.body.decode("utf-8")
    assert text.endswith("\n")
    return Metrics(text)
