"""A semantic parser and a detector as one: two networks, one panoptic answer. The baseline of segment sorting."""

from typing import Any

import numpy as np

from mereo.assembly.parse import Parse
from mereo.assembly.two_branches import with_instances
from mereo.data.instances import thing_indices
from mereo.data.taxonomy import Taxonomy
from mereo.errors import BadInput
from mereo.parser.instance_parser import InstanceParser
from mereo.parser.scene_parser import SceneParser


class TwoBranches:
    """`rules` are those of `assembly.two_branches.with_instances`. Trained apart, by `mereo train` and `transfer`."""

    def __init__(self, semantic: SceneParser, instances: InstanceParser, **rules: Any) -> None:
        names = tuple(semantic.taxonomy.object_names[index] for index in thing_indices(semantic.taxonomy))
        if names != instances.thing_names:
            raise BadInput(
                f"both branches must have the same things in the same order, but got {', '.join(names)} and "
                f"{', '.join(instances.thing_names)}; train both on one taxonomy."
            )
        self.semantic, self.instances, self.rules = semantic, instances, rules

    @property
    def taxonomy(self) -> Taxonomy:
        return self.semantic.taxonomy

    def parse(self, image_HWC: np.ndarray, *, name: str = "image") -> Parse:
        parse = self.semantic.parse(image_HWC, name=name)
        return with_instances(parse, self.instances.detect(image_HWC, name=name), **self.rules)
