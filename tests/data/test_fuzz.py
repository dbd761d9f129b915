"""Data files of any content are read or refused with an error of our own."""

from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from autopelt.errors import AutopeltError
from autopelt.tasks import Source, task_from_files

ENDINGS = ("csv", "tsv", "jsonl", "json", "parquet", "conll", "conllu", "txt", "xlsx", "csv.gz")
CELL = st.one_of(
    st.text(max_size=8), st.sampled_from(["", '"', ",", "\t", "1", "0.5", "null", "\r"])
)
TABLE = st.lists(st.lists(CELL, max_size=4), max_size=8).map(
    lambda rows: "text,label\n" + "\n".join(",".join(row) for row in rows)
)


@settings(max_examples=60, suppress_health_check=list(HealthCheck))
@given(
    ending=st.sampled_from(ENDINGS),
    content=st.one_of(st.binary(max_size=80), TABLE.map(lambda t: t.encode("utf-8", "replace"))),
)
def test_any_file_is_read_or_refused(ending: str, content: bytes) -> None:
    with TemporaryDirectory() as folder:
        path = Path(folder) / f"a.{ending}"
        path.write_bytes(content)
        try:
            task = task_from_files(str(path))
            task.load(Source(data=None, train_examples=None, random_seed=0))
        except AutopeltError as error:
            assert "\n" not in str(error)
