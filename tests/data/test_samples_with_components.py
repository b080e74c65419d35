"""Connected pieces of things as instances: of one label map, of any samples, of a data source in a recipe."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy import ndimage

from mereo.data.component_instances import component_instances
from mereo.data.drawn_scenes import DrawnScenes, drawn_taxonomy
from mereo.data.sample import Sample
from mereo.data.samples_with_components import SamplesWithComponents
from mereo.data.sources import DrawnScenesSource, FolderSource, open_samples
from mereo.errors import BadInput

CAMVID = Path(__file__).parents[2].parent / "shared" / "data" / "camvid"
EIGHT = np.ones((3, 3))


def test_components_of_things_alone() -> None:
    label_HW = torch.tensor([[1, 1, 0, 2], [0, 0, 1, 2], [2, 0, 0, 0]]).numpy()
    assert component_instances(label_HW, [1, 2]).max() == 3  # The ones touch at a corner.
    assert component_instances(label_HW, []).max() == 0
    assert ((component_instances(label_HW, [2]) > 0) == (label_HW == 2)).all()


def test_every_piece_of_a_thing_is_one_instance() -> None:
    plain = DrawnScenes(3, size=(48, 64))
    found = SamplesWithComponents(plain)
    assert (len(found), found.names, found.fingerprint) == (3, plain.names, plain.fingerprint)
    is_thing_K = np.array(drawn_taxonomy().is_thing)
    for index in range(3):
        sample, before = found[index], plain[index]
        assert torch.equal(sample.semantic_HW, before.semantic_HW) and torch.equal(sample.parts_HW, before.parts_HW)
        semantic_HW, instances_HW = sample.semantic_HW.numpy(), sample.instances_HW.numpy()
        ids_of_pieces = []
        for thing in np.flatnonzero(is_thing_K):
            piece_HW, count = ndimage.label(semantic_HW == thing, structure=EIGHT)
            for piece in range(1, count + 1):
                ids = np.unique(instances_HW[piece_HW == piece])
                assert len(ids) == 1 and ids[0] > 0
                ids_of_pieces.append(int(ids[0]))
        assert len(set(ids_of_pieces)) == len(ids_of_pieces) == instances_HW.max()
        assert not instances_HW[~np.isin(semantic_HW, np.flatnonzero(is_thing_K))].any()


def test_a_sample_without_classes_stays_and_things_must_be_named() -> None:
    class Bare(DrawnScenes):
        def __getitem__(self, index: int) -> Sample:
            return replace(super().__getitem__(index), semantic_HW=None, instances_HW=None)

    assert SamplesWithComponents(Bare(1, size=(16, 16)))[0].instances_HW is None
    without_things = DrawnScenes(1, size=(16, 16))
    without_things.taxonomy = replace(drawn_taxonomy(), is_thing=(False,) * drawn_taxonomy().num_objects)
    with pytest.raises(BadInput, match="a taxonomy must name things to have instances"):
        SamplesWithComponents(without_things)


def test_the_option_of_a_data_source() -> None:
    source = DrawnScenesSource(count=2, size=(48, 64), instances="components")
    assert isinstance(open_samples(source), SamplesWithComponents)
    assert isinstance(open_samples(DrawnScenesSource(count=2, size=(48, 64))), DrawnScenes)


@pytest.mark.skipif(not CAMVID.is_dir(), reason="needs shared/data/camvid beside the checkout")
def test_camvid_has_instances_then() -> None:
    source = FolderSource(root=str(CAMVID), split="val", description="camvid", instances="components")
    samples = open_samples(source)
    sample = samples[0]
    assert sample.instances_HW is not None and sample.instances_HW.max() > 1
    # `mereo data check` still sees the raw ids of the files.
    assert samples.raw_labels(0)[0].raw_HW.shape == sample.semantic_HW.shape
    assert open_samples(source.model_copy(update={"instances": "labelled"}))[0].instances_HW is None
