"""A foreign peer: moto's EC2, not written by us, describes machines and tells spot prices nobody should believe."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from moto.server import ThreadedMotoServer

from catalog.files import Facts
from catalog.sources import aws_instance_types, aws_spot
from catalog.sources.source import Observed, Part, Shape
from tests.catalog.peers.aws import without_credentials
from tests.catalog.peers.kept import Kept

pytestmark = pytest.mark.slow
NOT_IN_THE_CATALOG = {"trn2.3xlarge"}  # vCPUs and memory: blank there
NOT_IN_MOTO = {"trn2u.48xlarge"}  # accelerators: blank there


@pytest.fixture(scope="module")
def moto() -> Iterator[str]:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def kept(moto: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Kept:
    without_credentials(monkeypatch)
    monkeypatch.setenv("AWS_ENDPOINT_URL", moto)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "any")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "any")
    return Kept(tmp_path)


def test_the_shapes_of_the_catalog_are_those_that_ec2_describes(kept: Kept, facts: Facts) -> None:
    part = Part(source="aws", dataset="aws-ec2-instance-types", region="us-east-1")
    machines = {machine.sku: machine for machine in facts.instances if machine.provider == "aws"}
    memory_gib = {accelerator.id: accelerator.memory_gib for accelerator in facts.accelerators}

    aws_instance_types.fetch(part, keep=kept)
    rows = aws_instance_types.read(part, pages=kept.pages, facts=facts)
    shapes = {row.sku: row for row in rows if isinstance(row, Shape)}

    assert len(shapes) > 200
    for sku, shape in shapes.items():
        machine = machines[sku]
        if sku not in NOT_IN_THE_CATALOG:
            assert (shape.vcpus_count, shape.memory_gib) == (machine.vcpus_count, machine.memory_gib), sku
        if sku not in NOT_IN_MOTO:
            assert shape.accelerators_count == machine.accelerators_count, sku
        if shape.accelerator_memory_gib and machine.accelerator:
            assert shape.accelerator_memory_gib == pytest.approx(memory_gib[machine.accelerator], rel=0.03), sku


def test_prices_of_2006_are_stale_every_one(kept: Kept, facts: Facts) -> None:
    part = Part(source="aws", dataset="aws-ec2-spot-history", region="us-east-1")

    aws_spot.fetch(part, keep=kept)
    rows = [row for row in aws_spot.read(part, pages=kept.pages, facts=facts) if isinstance(row, Observed)]

    assert len(rows) > 200
    assert {(row.amount, row.problem) for row in rows} == {(None, "stale: of 2006-01-02")}
    assert rows[0].stated == "0.00001 USD per Hrs"
