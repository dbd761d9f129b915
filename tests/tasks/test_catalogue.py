"""The list of named tasks."""

from autopelt.tasks.catalogue import catalogue


def test_the_catalogue_tells_where_data_is(real_data):
    rows = {row.name: row for row in catalogue(real_data)}
    assert rows["rte"].here == "folder"
    assert rows["rte"].sizes == "2,490 / cut / 277"
    assert rows["demo"].here == "built in"
    assert rows["mnli"].source == "nyu-mll/glue (mnli)"
