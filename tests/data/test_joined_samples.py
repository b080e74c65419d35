"""Several sources as one: the same classes everywhere, and whatever a source does not label stays None."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from mereo.data.augmentation import AugmentationConfig
from mereo.data.batches import Batch, StepSampler, training_batches
from mereo.data.class_histogram import class_histogram
from mereo.data.data_check import check_samples
from mereo.data.joined_samples import (
    JoinedSamples,
    only_source,
    source_sizes,
    sources_of_samples,
    sources_with_objects,
)
from mereo.data.sample import Sample, as_image, as_mask
from mereo.data.taxonomy import LabelTable, Taxonomy
from mereo.errors import BadInput
from mereo.reasoning.cooccurrence_of_samples import cooccurrence_of

JOINT = Taxonomy(
    "joint",
    LabelTable(("sky", "car", "person")),
    parts=LabelTable(("rest", "wheel")),
    part_owners=((), ("car",)),
    scenes=LabelTable(("street", "field")),
)


class MadeSamples:
    """Pictures of noise; object `index % 3` everywhere if `has_objects`, scenes for every second one."""

    def __init__(self, count: int, *, taxonomy: Taxonomy = JOINT, has_objects: bool = True, has_scenes: bool = False):
        self.count, self.taxonomy, self.has_objects, self.has_scenes = count, taxonomy, has_objects, has_scenes
        self.fingerprint = f"{count}-{has_objects}"

    @property
    def names(self) -> list[str]:
        return [f"{index}" for index in range(self.count)]

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, index: int) -> Sample:
        if not 0 <= index < self.count:
            raise IndexError(index)
        image = as_image(np.random.default_rng(index).integers(0, 256, (8, 8, 3), dtype=np.uint8))
        objects = as_mask(np.full((8, 8), index % 3)) if self.has_objects else None
        return Sample(
            f"{index}", image, semantic_HW=objects, scene=index % 2 if self.has_scenes and index % 2 else None
        )


def joined() -> JoinedSamples:
    sources = {"streets": MadeSamples(4), "words": MadeSamples(3, has_objects=False, has_scenes=True)}
    return JoinedSamples(sources, taxonomy=JOINT)


def test_indices_count_through_all_sources() -> None:
    samples = joined()
    assert len(samples) == 7 and source_sizes(samples) == (4, 3)
    assert samples.names == [sample.name for sample in samples]
    assert samples.names[3:5] == ["streets/3", "words/0"] and samples[-1].name == "words/2"
    assert samples[3].semantic_HW is not None and samples[4].semantic_HW is None and samples[5].scene == 1
    with pytest.raises(IndexError, match="sample must be one of 7, but got 7; count from 0"):
        samples[7]


def test_the_fingerprint_follows_every_source_and_its_name() -> None:
    one = {"a": MadeSamples(2), "b": MadeSamples(3)}
    prints = {
        JoinedSamples(one).fingerprint,
        JoinedSamples({"a": MadeSamples(2), "b": MadeSamples(4)}).fingerprint,
        JoinedSamples({"a": MadeSamples(2), "c": MadeSamples(3)}).fingerprint,
    }
    assert len(prints) == 3 and JoinedSamples(one).fingerprint in prints


def test_plain_samples_are_one_source() -> None:
    plain = MadeSamples(5)
    assert sources_of_samples(plain) == (plain,) and source_sizes(plain) == (5,) and only_source(plain) is plain
    assert only_source(JoinedSamples({"a": plain})) is plain
    several = joined()
    assert only_source(several) is several and sources_with_objects(several) == (several.sources["streets"],)


def test_raw_ids_may_differ_and_classes_may_not() -> None:
    own_ids = replace(JOINT, name="own", objects=LabelTable(JOINT.objects.names, {7: 0, 8: 1, 9: 2, 0: None}))
    assert len(JoinedSamples({"a": MadeSamples(1, taxonomy=own_ids)}, taxonomy=JOINT)) == 1
    turned = replace(JOINT, objects=LabelTable(("car", "sky", "person")))
    with pytest.raises(BadInput, match=r"sources must have the objects of the joint taxonomy 'joint', but got \['car'"):
        JoinedSamples({"a": MadeSamples(1), "b": MadeSamples(1, taxonomy=turned)})
    more = replace(JOINT, parts=LabelTable(("rest", "wheel", "door")), part_owners=((), ("car",), ("car",)))
    with pytest.raises(BadInput, match=r"the parts of .*, but got \['door'\] of taxonomy 'joint' in source 'b'; give"):
        JoinedSamples({"a": MadeSamples(1), "b": MadeSamples(1, taxonomy=more)})
    none = replace(JOINT, scenes=None)
    with pytest.raises(BadInput, match="the scenes of the joint taxonomy"):
        JoinedSamples({"a": MadeSamples(1, taxonomy=none)}, taxonomy=JOINT)
    other_owner = replace(JOINT, part_owners=((), ("person",)))
    with pytest.raises(BadInput, match="but got other things, owners of parts, colours or derived tasks in .* 'b'"):
        JoinedSamples({"a": MadeSamples(1), "b": MadeSamples(1, taxonomy=other_owner)})


def test_nothing_to_join() -> None:
    with pytest.raises(BadInput, match="joined data must have 1 to 1000 sources, but got 0; name some"):
        JoinedSamples({})
    with pytest.raises(BadInput, match="a source must hold at least one sample, but got none in 'b'; leave it out"):
        JoinedSamples({"a": MadeSamples(1), "b": MadeSamples(0)})


def stream(*, first_step: int = 0) -> list[Batch]:
    sampler = StepSampler(source_sizes=(4, 3), batch_size=2, seed=1, first_step=first_step, num_steps=7)
    augment = AugmentationConfig(crop=(6, 6), rare_class_share=1.0).build(JOINT)
    return list(training_batches(joined(), augment, sampler))


def test_a_batch_is_of_one_source_and_resumes_byte_equal() -> None:
    whole, tail = stream(), stream(first_step=4)
    sources = [{name.split("/")[0] for name in batch.names} for batch in whole]
    assert all(len(names) == 1 for names in sources)
    assert sum(names == {"streets"} for names in sources) == 4
    for batch, names in zip(whole, sources, strict=True):
        assert (batch.semantic_BHW is not None) == (names == {"streets"}) and batch.parts_BHW is None
        words = [int(name.split("/")[1]) % 2 * 2 - 1 for name in batch.names]  # 1, or -1 for none.
        assert batch.scene_B is None if "streets" in names or max(words) < 0 else batch.scene_B.tolist() == words
    for one, again in zip(whole[4:], tail, strict=True):
        assert one.names == again.names and torch.equal(one.image_BCHW, again.image_BCHW)


def test_counts_leave_out_sources_without_objects(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MEREO_CACHE", str(tmp_path))
    assert class_histogram(joined()).tolist() == [128, 64, 64]
    steps = []
    counted = cooccurrence_of(joined(), progress=lambda *step: steps.append(step))
    assert counted.counts_KK.diagonal().tolist() == [2, 1, 1] and steps[-1] == (4, 4)
    assert counted.num_images == 4
    alone = JoinedSamples({"words": MadeSamples(3, has_objects=False)})
    with pytest.raises(BadInput, match="samples must have semantic labels, but got none in words/0"):
        class_histogram(alone)
    with pytest.raises(BadInput, match="samples must have semantic labels, but got none in words/0"):
        cooccurrence_of(alone)


def test_a_check_counts_joint_indices() -> None:
    report = check_samples(joined, split="train")
    assert report.num_samples == 7 and report.num_problems == 0
    assert [(row.name, row.pixels) for row in report.rows("objects")] == [("sky", 128), ("car", 64), ("person", 64)]
