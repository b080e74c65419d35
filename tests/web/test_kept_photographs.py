"""What is kept: bounded in number and bytes, under ids that nobody can guess, and nothing of what went."""

import gc
import weakref

import numpy as np
import pytest
from asked_service import Asked, application_of, error_of, png
from tiny_parser import random_image

from mereo.assembly.parse import Parse
from mereo.data.taxonomy import LabelTable, Taxonomy
from mereo.interaction.any_hierarchy import hierarchy_of
from mereo.web.kept_photographs import KeptParse, KeptPhotographs, new_id
from mereo.web.problems import Problem
from mereo.web.service_limits import ServiceLimits

TAXONOMY = Taxonomy("two", LabelTable(("sky", "road")))


def kept_parse(image_HWC: np.ndarray, answer: bytes = b"{}") -> KeptParse:
    parse = Parse(image_HWC, (image_HWC[..., 0] > 128).astype(np.int32), TAXONOMY)
    return KeptParse(parse, hierarchy_of(parse), answer)


def added(kept: KeptPhotographs, seed: int, *, parser: str = "tiny", id: str | None = None) -> str:
    image_HWC = random_image(32, 40, seed=seed)
    id = id or new_id()
    kept.add(f"image {seed}", image_HWC, parser, kept_parse(image_HWC), id=id)
    return id


def test_whoever_was_not_asked_for_longest_goes() -> None:
    kept = KeptPhotographs(most=3, most_bytes=10**9)
    first, second, third = (added(kept, seed) for seed in range(3))
    assert kept.get(first).name == "image 0"
    added(kept, 3)
    assert len(kept) == 3 and kept.get(first) and kept.get(third)
    with pytest.raises(Problem, match="photograph must be one that is still kept, but got .*; send the picture again"):
        kept.get(second)


def test_bytes_are_bounded_and_the_newest_is_kept_whatever_its_size() -> None:
    one = KeptPhotographs(most=100, most_bytes=10**9)
    added(one, 0)
    each = one.num_bytes
    assert each > 32 * 40 * 3 + 32 * 40 * 4, "the photograph, its classes, and more"
    kept = KeptPhotographs(most=100, most_bytes=int(3.5 * each))
    ids = [added(kept, seed) for seed in range(6)]
    assert len(kept) == 3 and kept.num_bytes <= 3.5 * each and kept.get(ids[-1])
    small = KeptPhotographs(most=100, most_bytes=1)
    ids = [added(small, seed) for seed in range(2)]
    assert len(small) == 1 and small.get(ids[1])


def test_more_parsers_of_one_photograph_share_it() -> None:
    kept = KeptPhotographs(most=10, most_bytes=10**9)
    id = added(kept, 0)
    single = kept.num_bytes
    added(kept, 0, parser="other", id=id)
    assert len(kept) == 1 and single < kept.num_bytes < 2 * single
    assert kept.parse_of(id, "tiny") is not kept.parse_of(id, "other")
    with pytest.raises(Problem, match="photograph must have been parsed by 'third', but got one that was not"):
        kept.parse_of(id, "third")


def test_ids_cannot_be_guessed() -> None:
    ids = {new_id() for _ in range(1000)}
    assert len(ids) == 1000 and min(map(len, ids)) >= 20


def test_nothing_is_left_of_what_went() -> None:
    kept = KeptPhotographs(most=1, most_bytes=10**9)
    id = added(kept, 0)
    watched = weakref.ref(kept.parse_of(id, "tiny").parse)
    added(kept, 1)
    gc.collect()
    assert watched() is None


def test_a_service_keeps_no_more_than_it_may_and_says_so() -> None:
    with application_of(limits=ServiceLimits(kept_photographs=2)) as application:
        ask = Asked(application)
        ids = [ask.parsed(png(random_image(24, 32, seed=seed)))["photograph"] for seed in range(4)]
        assert ask.get("/healthz").json()["kept"] == 2
        error_of(ask.get(f"/v1/photographs/{ids[0]}/picture"), 404)
        assert ask.get(f"/v1/photographs/{ids[3]}/picture").status_code == 200
        watched = weakref.ref(ask.service.kept.parse_of(ids[3], "tiny").parse)
        for seed in range(4, 7):
            ask.parsed(png(random_image(24, 32, seed=seed)))
        gc.collect()
        assert watched() is None, "the queue and its thread let go of it, too"
