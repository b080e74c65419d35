"""/openapi.json against the service: what fits it is answered as it says, what does not is refused as it says."""

from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest
from asked_service import application_of
from hypothesis import HealthCheck, given, settings
from hypothesis.errors import Unsatisfiable
from PIL import Image
from running_server import running
from tiny_parser import random_image, tiny_parser

from mereo.web.application import create_application

schemathesis = pytest.importorskip("schemathesis", reason="schemathesis is not installed")
from schemathesis.checks import load_all_checks  # noqa: E402
from schemathesis.generation.modes import GenerationMode  # noqa: E402
from schemathesis.specs.openapi.checks import (  # noqa: E402
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

CHECKS = [
    schemathesis.checks.not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    load_all_checks()
    folder = tmp_path_factory.mktemp("photographs")
    Image.fromarray(random_image(24, 32)).save(folder / "a.png")
    with application_of({"tiny": tiny_parser()}, folder=folder) as application, running(application) as served:
        yield f"http://127.0.0.1:{served.port}"


@pytest.mark.slow
@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE], ids=["fitting", "unfit"])
def test_the_service_does_what_its_description_says(address: str, mode: GenerationMode) -> None:
    api = schemathesis.openapi.from_url(f"{address}/openapi.json")
    statuses: dict[str, set[int]] = {}
    for operation in (found.ok() for found in api.get_all_operations()):

        @settings(max_examples=6, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
        @given(case=operation.as_strategy(generation_mode=mode))
        def asked(case: Any) -> None:
            response = case.call(base_url=address)
            statuses.setdefault(case.operation.label, set()).add(response.status_code)
            case.validate_response(response, checks=CHECKS)

        with suppress(Unsatisfiable):  # Without parameters there is nothing that could be unfit.
            asked()
    assert len(statuses) >= 7
    assert mode is GenerationMode.NEGATIVE or statuses["GET /v1/folder"] == statuses["GET /v1/parsers"] == {200}
    assert mode is GenerationMode.POSITIVE or 200 not in statuses["POST /v1/clicks"]


def test_every_route_documents_its_refusals() -> None:
    content = create_application({"tiny": tiny_parser()}).openapi()
    assert set(content["paths"]) >= {"/v1/parsers", "/v1/parse", "/v1/clicks", "/v1/labels", "/healthz", "/metrics"}
    for path, methods in content["paths"].items():
        for method, told in methods.items():
            assert {"200", "401", "403", "503"} <= set(told["responses"]), (method, path)
            for status, answer in told["responses"].items():
                if status != "200":
                    schema = answer["content"]["application/json"]["schema"]
                    assert schema == {"$ref": "#/components/schemas/ErrorAnswer"}, (method, path, status)


def test_no_request_has_room_for_a_path_or_an_address() -> None:
    content = create_application({"tiny": tiny_parser()}).openapi()
    shapes = [name for name in content["components"]["schemas"] if name.endswith(("Request", "Click", "Region"))]
    names = {key for name in shapes for key in content["components"]["schemas"][name]["properties"]}
    parameters = {
        one["name"]
        for path in content["paths"].values()
        for told in path.values()
        for one in told.get("parameters", [])
    }
    assert len(shapes) >= 6 and parameters >= {"parser", "folder", "photograph", "start", "count", "number"}
    assert not {"path", "file", "url", "uri", "filename", "directory"} & {*names, *parameters}
    assert all(content["components"]["schemas"][name]["additionalProperties"] is False for name in shapes)
