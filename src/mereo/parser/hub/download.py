"""Parsers on the Hugging Face hub: `hub:OWNER/NAME` becomes a parser file in the hub's own cache.

One safetensors file is asked for, and nothing else of a repository is downloaded: no pickle can come along. Whether it
is a parser of Mereo is looked at like in every other file, before anything is built from it (parser/weights.py).
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

from mereo.parser.hub.access import hub_errors, parsed_name
from mereo.parser.parser_names import PUSHED_PREFIX

PARSER_FILE, CARD_FILE = "parser.safetensors", "README.md"


class Hub(Protocol):
    """The part of `huggingface_hub.HfApi` that is used, which a stand-in in a folder can do as well."""

    def hf_hub_download(self, repo_id: str, filename: str, *, revision: str | None = None) -> str: ...

    def create_repo(self, repo_id: str, *, private: bool | None = None, exist_ok: bool = False) -> Any: ...

    def create_commit(self, repo_id: str, operations: Sequence[Any], *, commit_message: str) -> Any: ...


def hub() -> Hub:
    """The hub, or what stands at HF_ENDPOINT."""
    from huggingface_hub import HfApi

    api: Hub = HfApi(library_name="mereo")
    return api


def downloaded_parser(name: str | Path, *, api: Hub | None = None) -> Path:
    """The parser file of `hub:OWNER/NAME` or `hub:OWNER/NAME@REVISION`, from the hub or from its cache."""
    identifier = str(name).removeprefix(PUSHED_PREFIX)
    repository, revision = parsed_name(identifier, prefix=PUSHED_PREFIX, what="a parser")
    with hub_errors(identifier, prefix=PUSHED_PREFIX, what="a parser", instead="pass a parser file"):
        return Path((api or hub()).hf_hub_download(repository, PARSER_FILE, revision=revision))
