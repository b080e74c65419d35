"""Every task of a perceptual parser over a data set, each on the samples that carry its labels."""

from collections.abc import Callable

import numpy as np
import torch

from mereo.assembly.parse import Parse
from mereo.data.part_slices import NO_ENTRY, PartSlices, part_slices
from mereo.data.sample import Sample, Samples
from mereo.data.taxonomy import Taxonomy
from mereo.errors import BadInput
from mereo.evaluation.each_sample import each_sample
from mereo.evaluation.evaluate import AnyParser, pixels_of, require_same_classes
from mereo.evaluation.perceptual_measures import ImageTask, PerceptualMeasures, PixelTask
from mereo.metrics.confusion import confusion_matrix, region_counts


def evaluate_perceptual(
    parser: AnyParser, samples: Samples, *, progress: Callable[[int, int], None] | None = None
) -> PerceptualMeasures:
    """Plain passes over every sample; memory holds one image and counts."""
    require_same_tables(parser.taxonomy, samples.taxonomy)
    counts = PerceptualCounts(parser.taxonomy)
    for sample in each_sample(samples, progress):
        parse = parser.parse(pixels_of(sample), name=sample.name, scales=(1.0,), flip=False)
        counts.add(sample, parse)
    return counts.measures()


class PerceptualCounts:
    """Add sample by sample, then ask for the measures."""

    def __init__(self, taxonomy: Taxonomy) -> None:
        self.taxonomy = taxonomy
        self.slices: PartSlices | None = part_slices(taxonomy)
        names = {
            "objects": taxonomy.objects.names,
            "parts": () if self.slices is None else self.slices.names(taxonomy),
            "materials": () if taxonomy.materials is None else taxonomy.materials.names,
        }
        self._pixels = {name: _PixelCounts(classes) for name, classes in names.items()}
        words = {"scenes": taxonomy.scenes, "textures": taxonomy.textures}
        self._images = {name: _ImageCounts(() if table is None else table.names) for name, table in words.items()}
        self._num_images = 0

    def add(self, sample: Sample, parse: Parse) -> None:
        taxonomy, semantic_HW = self.taxonomy, _array(sample.semantic_HW)
        self._num_images += 1
        try:
            if semantic_HW is not None:
                self._pixels["objects"].add(semantic_HW, parse.semantic, ignore_index=taxonomy.ignore_index)
            material_HW = _array(sample.material_HW)
            if material_HW is not None and parse.materials is not None and taxonomy.materials is not None:
                ignore_index = taxonomy.materials.ignore_index
                self._pixels["materials"].add(material_HW, parse.materials, ignore_index=ignore_index)
            parts_HW = _array(sample.parts_HW)
            if semantic_HW is not None and parts_HW is not None and parse.parts is not None:
                self._add_parts(semantic_HW, parts_HW, parse.semantic, parse.parts)
        except BadInput as error:
            raise BadInput(f"image {sample.name}: {error}") from error
        if sample.scene is not None and parse.scene is not None:
            self._images["scenes"].add(sample.scene, parse.scene)
        if sample.texture is not None and parse.image_texture is not None:
            self._images["textures"].add(sample.texture, parse.image_texture)

    def measures(self) -> PerceptualMeasures:
        pixels = {name: counts.task() for name, counts in self._pixels.items()}
        images = {name: counts.task() for name, counts in self._images.items()}
        return PerceptualMeasures(
            num_images=self._num_images,
            objects=pixels["objects"],
            parts=pixels["parts"],
            materials=pixels["materials"],
            scenes=images["scenes"],
            textures=images["textures"],
            derived=self.taxonomy.derived,
        )

    def _add_parts(
        self, semantic_HW: np.ndarray, parts_HW: np.ndarray, said_semantic_HW: np.ndarray, said_parts_HW: np.ndarray
    ) -> None:
        """A part is right if its object is, too: what is said of a car is wrong on a wall."""
        slices = self.slices
        if slices is None:
            return
        true, said = (
            tuple(torch.from_numpy(np.ascontiguousarray(one))[None] for one in maps)
            for maps in ((semantic_HW, parts_HW), (said_semantic_HW, said_parts_HW))
        )
        label_HW, said_HW = slices.labels(*true)[0].numpy(), slices.entries(*said)[0].numpy()
        if (label_HW != NO_ENTRY).any():
            # One class more: the answered object has no parts. It is never true, and is no class of the measures.
            said_HW = np.where(said_HW == NO_ENTRY, slices.num_entries, said_HW)
            self._pixels["parts"].add(label_HW, said_HW, ignore_index=NO_ENTRY, num_classes=slices.num_entries + 1)


class _PixelCounts:
    def __init__(self, names: tuple[str, ...]) -> None:
        self.names, self.num_images = names, 0
        self.counts_K3 = np.zeros((len(names), 3), dtype=np.int64)

    def add(
        self, label_HW: np.ndarray, said_HW: np.ndarray, *, ignore_index: int, num_classes: int | None = None
    ) -> None:
        confusion_KK = confusion_matrix(
            label_HW, said_HW, num_classes=num_classes or len(self.names), ignore_index=ignore_index
        )
        self.counts_K3 += region_counts(confusion_KK)[: len(self.names)]
        self.num_images += 1

    def task(self) -> PixelTask | None:
        return PixelTask(self.names, self.num_images, self.counts_K3) if self.num_images else None


class _ImageCounts:
    def __init__(self, names: tuple[str, ...]) -> None:
        self.names = names
        self.counts_K2 = np.zeros((len(names), 2), dtype=np.int64)

    def add(self, label: int, said: int) -> None:
        self.counts_K2[label] += (1, int(label == said))

    def task(self) -> ImageTask | None:
        return ImageTask(self.names, self.counts_K2) if self.counts_K2.any() else None


def require_same_tables(of_parser: Taxonomy, of_samples: Taxonomy) -> None:
    """Equal names at equal indices, for objects and for each other task that both have."""
    require_same_classes(of_parser, of_samples)
    for task in ("parts", "materials", "scenes", "textures"):
        own, given = getattr(of_parser, task), getattr(of_samples, task)
        is_other = own is not None and given is not None and own.names != given.names
        if is_other or (task == "parts" and own and given and of_parser.part_owners != of_samples.part_owners):
            raise BadInput(
                f"parser and data must have the same {task}, but got {len(own)} in the parser and {len(given)} in the "
                "data, or other names, or other owners; evaluate on data with the parser's taxonomy."
            )


def _array(mask_HW: torch.Tensor | None) -> np.ndarray | None:
    return None if mask_HW is None else np.asarray(mask_HW)
