"""A semantic parser and a detector as one: two networks, one panoptic answer. The baseline of segment sorting."""

from collections.abc import Sequence

import numpy as np

from mereo.assembly.parse import Parse
from mereo.assembly.two_branches import with_instances
from mereo.data.instances import thing_indices
from mereo.data.taxonomy import Taxonomy
from mereo.errors import BadInput
from mereo.parser.instances.instance_parser import InstanceParser
from mereo.parser.scene_parser import SceneParser

# The same clean-up as in the recipes of segment sorting, with which two branches are compared.
LEAST_STUFF_PIXELS = 64


class TwoBranches:
    """The rules are those of `assembly.two_branches.with_instances`. Trained apart, by `mereo train` and `transfer`."""

    def __init__(
        self,
        semantic: SceneParser,
        instances: InstanceParser,
        *,
        least_score: float = 0.5,
        least_kept_share: float = 0.5,
        least_stuff_pixels: int = LEAST_STUFF_PIXELS,
    ) -> None:
        names = tuple(semantic.taxonomy.object_names[index] for index in thing_indices(semantic.taxonomy))
        if names != instances.thing_names:
            raise BadInput(
                f"both branches must have the same things in the same order, but got {', '.join(names)} and "
                f"{', '.join(instances.thing_names)}; train both on one taxonomy."
            )
        self.semantic, self.instances = semantic, instances
        self.least_score, self.least_kept_share = least_score, least_kept_share
        self.least_stuff_pixels = least_stuff_pixels

    @property
    def taxonomy(self) -> Taxonomy:
        return self.semantic.taxonomy

    def parse(
        self, image_HWC: np.ndarray, *, name: str = "image", scales: Sequence[float] = (1.0,), flip: bool = False
    ) -> Parse:
        """With `scales` and `flip` the classes are averaged; things are found in one plain pass."""
        return with_instances(
            self.semantic.parse(image_HWC, name=name, scales=scales, flip=flip),
            self.instances.detect(image_HWC, name=name),
            least_score=self.least_score,
            least_kept_share=self.least_kept_share,
            least_stuff_pixels=self.least_stuff_pixels,
        )
