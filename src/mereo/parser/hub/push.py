"""A parser file onto the Hugging Face hub, with a README.md made of its model card, in one commit."""

from dataclasses import dataclass
from pathlib import Path

from mereo.errors import BadInput
from mereo.parser.config import ParserConfig
from mereo.parser.hub.access import parsed_name, push_errors
from mereo.parser.hub.card import hub_card
from mereo.parser.hub.download import CARD_FILE, PARSER_FILE, Hub, hub
from mereo.parser.model_card import ModelCard
from mereo.parser.parser_names import PUSHED_PREFIX
from mereo.parser.scene_parser import SceneParser
from mereo.parser.weights import changed_parser, find_parser_file, load
from mereo.strict_yaml import validated

MESSAGE = "A parser of Mereo"


@dataclass(frozen=True)
class PushedParser:
    """`name` loads it: hub:OWNER/NAME."""

    name: str
    num_bytes: int
    terms: str


def push_parser(
    name_or_path: str | Path,
    repository: str,
    *,
    private: bool = False,
    message: str = MESSAGE,
    terms: str | None = None,
    api: Hub | None = None,
) -> PushedParser:
    """`terms` are for a parser whose card has none: they go into the pushed file. Without any, nobody knows what may be
    done with the weights, and nothing is pushed. `private` is for a repository made now; others stay as they are.
    """
    from huggingface_hub import CommitOperationAdd

    name, revision = parsed_name(repository, prefix="", what="a parser")
    if revision is not None or "/" not in name:
        raise BadInput(f"a parser must be pushed to OWNER/NAME, but got {repository!r:.80}; e.g. someone/streets.")
    source = find_parser_file(name_or_path)
    parser = load(source)  # What does not load here would load nowhere.
    own = parser.card or ModelCard()
    card = own
    if terms is not None and terms.strip() != own.terms.strip():
        if own.has_terms:
            raise BadInput(
                f"terms must be those of the parser's model card ({own.terms!r:.160}), but got {terms!r:.80}; "
                "leave --terms out."
            )
        card = validated(ModelCard, own.model_dump() | {"terms": terms}, source="the model card to push")
    if not card.has_terms:
        raise BadInput(
            f"a parser to push must say on which terms it may be used, but got none in {source}; say it with --terms, "
            "e.g. --terms cc-by-4.0 or in words."
        )
    content = source.read_bytes() if card == parser.card else changed_parser(source, card=card)
    readme = hub_card(card, parser.config, parser.taxonomy, repository=name, steps=steps_of(parser))
    operations = [
        CommitOperationAdd(path_in_repo=place, path_or_fileobj=one)
        for place, one in ((PARSER_FILE, content), (CARD_FILE, readme.encode("utf-8")))
    ]
    with push_errors(name):
        api = api or hub()
        api.create_repo(name, private=private, exist_ok=True)
        api.create_commit(name, operations, commit_message=message)
    return PushedParser(f"{PUSHED_PREFIX}{name}", len(content), card.terms)


def steps_of(parser: SceneParser) -> list[str]:
    config: ParserConfig = parser.config
    return [config.backbone.name, *(stage.stage for stage in config.path), *(head.head for head in config.heads)]
