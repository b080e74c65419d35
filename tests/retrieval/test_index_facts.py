"""What an index says of itself is checked like anything that comes from outside; LanceDB's errors in our words."""

import json
from pathlib import Path

import pytest
from tiny_index import TAXONOMY

from mereo.errors import BadEnvironment, BadInput
from mereo.retrieval.index_facts import METADATA_KEY, IndexFacts
from mereo.retrieval.lance_library import table_errors

FACTS = IndexFacts("f" * 32, "street", "../in", TAXONOMY, {"least_share": 0.1})


def test_there_and_back() -> None:
    back = IndexFacts.from_metadata(FACTS.to_metadata(), folder=Path("index"))
    assert (back.fingerprint, back.parser, back.root, back.settings) == (
        FACTS.fingerprint,
        FACTS.parser,
        FACTS.root,
        FACTS.settings,
    )
    assert back.taxonomy.objects.colours == TAXONOMY.objects.colours


@pytest.mark.parametrize("metadata", [None, {}, {METADATA_KEY: b"[]"}, {METADATA_KEY: b'{"format": "other"}'}])
def test_another_table(metadata: dict[bytes, bytes] | None) -> None:
    with pytest.raises(
        BadInput, match=r"an index must be one that Mereo built \(mereo-index-1\), but got another table"
    ):
        IndexFacts.from_metadata(metadata, folder=Path("index"))


@pytest.mark.parametrize("missing", ["fingerprint", "parser", "root", "settings"])
def test_metadata_without_something(missing: str) -> None:
    content = json.loads(FACTS.to_metadata()[METADATA_KEY])
    del content[missing]
    with pytest.raises(BadInput, match="the metadata of an index must name its parser, folder and settings"):
        IndexFacts.from_metadata({METADATA_KEY: json.dumps(content).encode()}, folder=Path("index"))


@pytest.mark.parametrize(
    ("error", "kind", "words"),
    [
        (
            OSError(28, "No space left on device"),
            BadEnvironment,
            "but got No space left on device in index; free space",
        ),
        (
            RuntimeError("lance error: IO: Permission denied (os error 13), x.rs:3"),
            BadEnvironment,
            "Permission denied in",
        ),
        (
            RuntimeError("lance error: Not found: a (os error 2)"),
            BadInput,
            "an index must be whole, but got lance error",
        ),
        (
            ValueError("bad magic\nnumber"),
            BadInput,
            "an index must be whole, but got bad magic number in index; delete",
        ),
        (BadInput("ours."), BadInput, "^ours.$"),
    ],
)
def test_errors_of_the_library(error: Exception, kind: type[Exception], words: str) -> None:
    with pytest.raises(kind, match=words), table_errors(Path("index")):
        raise error
