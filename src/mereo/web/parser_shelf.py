"""ParserShelf: the parsers of a service by name, each loaded when it is first asked for; what a page tells of them."""

import logging
import threading
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from mereo.data.taxonomy import Taxonomy
from mereo.errors import BadEnvironment, BadInput, MereoError
from mereo.heads.perceptual import Perceptual
from mereo.parser.scene_parser import SceneParser
from mereo.parser.token_weights import has_tokens
from mereo.parser.weights import load
from mereo.reasoning.deep_grouping import DeepGrouping
from mereo.web.answer_shapes import CanShape
from mereo.web.errors_without_paths import errors_without_paths
from mereo.web.problems import Problem

LOG = logging.getLogger("mereo")
Loader = Callable[[], SceneParser]
# What tasks that are answered with a map are called there; by what they are called in questions.
MAPS = {"object": "objects", "part": "parts", "material": "materials", "texture": "texture"}


class ParserShelf:
    """`parsers` holds parsers, or functions that load one. `shown`: what clients are told instead of a path."""

    def __init__(
        self, parsers: Mapping[str, SceneParser | Loader], *, default: str, shown: Mapping[str, str] | None = None
    ) -> None:
        if default not in parsers:
            raise BadInput(
                f"the default parser must be one of {', '.join(parsers) or 'none'}, but got {default!r:.80}; name it."
            )
        self.default, self.shown = default, shown or {}
        self._parsers: dict[str, SceneParser | Loader] = dict(parsers)
        self._locks = {name: threading.Lock() for name in parsers}

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(self._parsers)

    def require(self, name: str | None) -> str:
        """Left out: the default."""
        if name is not None and name not in self._parsers:
            raise Problem(404, f"parser must be one of {', '.join(self.names)}, but got {name!r:.80}; choose one.")
        return name or self.default

    def get(self, name: str) -> SceneParser:
        """May take as long as loading does, for one on the hub minutes: not for the event loop. Others can be had
        meanwhile."""
        with self._locks[self.require(name)]:
            found = self._parsers[name]
            if not isinstance(found, SceneParser):
                found = self._parsers[name] = found()
            return found

    def get_for_client(self, name: str) -> SceneParser:
        """Of a parser that cannot be loaded whoever asks is told no path, and that it is no mistake of theirs."""
        try:
            return self.get(name)
        except MereoError as error:
            LOG.warning("%s cannot be loaded: %s", name, error)
            with errors_without_paths(self.shown):
                raise BadEnvironment(str(error)) from error

    def loaded(self, name: str) -> SceneParser | None:
        """At once; None for one that is still to be loaded."""
        found = self._parsers[self.require(name)]
        return found if isinstance(found, SceneParser) else None

    def load_all(self) -> None:
        """For whoever is going to ask for all of them: the first that cannot be loaded is told here."""
        for name in self.names:
            self.get(name)

    def of_index(self, name: str) -> Iterator[SceneParser]:
        """Those that may be the parser that an index names, the likeliest first: the one that is called so here, others
        that are loaded, that very file. Which it is, their weights tell."""
        alike = short_name(name)
        with suppress(BadInput, BadEnvironment):  # One that cannot be loaded; another may be the right one.
            if alike in self._parsers:
                self.get(alike)
        for other in sorted(self.names, key=lambda other: other != alike):
            parser = self.loaded(other)
            if parser is not None:
                yield parser
        yield load(name, device=self.get(self.default).mean_311.device)


def short_name(name: str, taken: Collection[str] = ()) -> str:
    """What a parser is called in requests: its name, and of a path no more than its end.

    >>> short_name("street"), short_name("runs/mine/best.safetensors"), short_name("runs/mine")
    ('street', 'best', 'mine')
    >>> short_name("other/mine", ["mine"])
    'mine-2'
    """
    stem = Path(name).name.removesuffix(".safetensors") or name
    number, free = 1, stem
    while free in taken:
        number += 1
        free = f"{stem}-{number}"
    return free


def can_of(parser: SceneParser, *, has_index: bool) -> dict[str, bool]:
    """Every parse can be clicked on, and the index searches with its own parser."""
    return {"click": True, "why": explains_groups(parser), "tokens": has_tokens(parser), "find": has_index}


def explains_groups(parser: SceneParser) -> bool:
    return bool(parser.stages_of(DeepGrouping))


def described_parser(name: str, parser: SceneParser, *, has_index: bool) -> dict[str, Any]:
    card = parser.card
    return {
        "name": name,
        "title": "" if card is None else card.title,
        "summary": "" if card is None else card.summary,
        "terms": "" if card is None else card.terms,
        "tasks": list(answered_tasks(parser)),
        "questions": _questions(parser) if explains_groups(parser) else {},
        "can": can_of(parser, has_index=has_index),
        "error": None,
    }


def unknown_parser(name: str, error: str) -> dict[str, Any]:
    """One that is not there: nothing can be asked of it."""
    can = dict.fromkeys(CanShape.model_fields, False)
    empty: dict[str, Any] = {"title": "", "summary": "", "terms": "", "tasks": [], "questions": {}}
    return {"name": name, **empty, "can": can, "error": error}


def answered_tasks(parser: SceneParser) -> tuple[str, ...]:
    """Of a parse's `tasks`: those that are answered with a map."""
    return tuple(MAPS[task] for task in _questions(parser) if task in MAPS)


def _questions(parser: SceneParser) -> dict[str, list[str]]:
    """By task the classes that one may ask about, as interaction/class_scores.py names tasks."""
    taxonomy: Taxonomy = parser.taxonomy
    head = next(iter(parser.heads_of(Perceptual)), None)
    tables = {"object": taxonomy.objects}
    if head is not None:
        asked = (
            ("part", head.part, taxonomy.parts),
            ("material", head.material, taxonomy.materials),
            ("scene", head.scene, taxonomy.scenes),
            ("texture", head.texture, taxonomy.textures),
        )
        tables |= {task: table for task, classifier, table in asked if classifier is not None and table is not None}
    return {task: list(table.names) for task, table in tables.items()}
