"""The shipped list of targets against the catalog's own facts."""

import pytest

from catalog import files
from catalog.files import DataError
from catalog.probes.targets import FILE, ProbeTarget, shipped

HEADER = "id,provider,region,service,host,path,source_id,locator,observed_at,as_of_basis,kind\n"
LINE = "aws/eu-west-1/dynamodb,aws,eu-west-1,dynamodb,{host},{path},botocore,endpoints.json,,undated,specification\n"


def test_every_target_stands_in_a_known_region_under_a_known_source() -> None:
    facts = files.load()
    regions = {row.id for row in facts.regions}
    sources = {row.id for row in facts.sources}

    assert {f"{one.provider}/{one.region}" for one in shipped()} <= regions
    assert {one.source_id for one in shipped()} <= sources


def test_every_cloud_has_targets_and_each_host_names_its_region() -> None:
    """A name without a region in it may be answered by the nearest edge, for all regions alike."""
    assert {one.provider for one in shipped()} == {"aws", "azure", "gcp"}
    assert [one.id for one in shipped() if one.region not in one.host] == []


def test_what_was_not_verified_is_said() -> None:
    assert all("not verified" in (one.note or "") for one in shipped() if one.provider == "azure")
    assert all("nearest edge" in (one.note or "") for one in shipped() if one.provider == "gcp")


@pytest.mark.parametrize(
    ("host", "path"),
    [("localhost", "/"), ("a.example.org/x", "/"), ("u@a.example.org", "/"), ("a.example.org:22", "/"),
     ("A.example.org", "/"), ("a.example.org", "ping"), ("a.example.org", "/a b"), ("a.example.org", "")],
)  # fmt: skip
def test_a_row_that_is_no_plain_address_is_refused(host: str, path: str) -> None:
    with pytest.raises(DataError):
        files.rows(file=FILE.name, text=HEADER + LINE.format(host=host, path=path), record=ProbeTarget)
