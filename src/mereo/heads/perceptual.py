"""Perceptual: objects, their parts, materials, scene and texture from the levels of one pyramid of feature maps.

Xiao, Liu, Zhou, Jiang, Sun 2018, "Unified perceptual parsing for scene understanding", section 4; with the levels and
the scene of deep grouping (DGM), section 4.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from pydantic import Field
from torch import Tensor, nn

from mereo.data.part_slices import part_slices
from mereo.data.taxonomy import Taxonomy
from mereo.errors import BadInput
from mereo.features.conv_norm import ConvNormReLU
from mereo.features.feature_maps import FeatureLayout, FeatureMaps, Frame
from mereo.features.level_fusion import joined_levels
from mereo.features.stage import MAX_WIDTH
from mereo.heads.class_scores import ClassScores
from mereo.regions.grouping_hierarchy import GroupingHierarchy
from mereo.strict import StrictConfig

OtherTask = Literal["parts", "materials", "scenes", "textures"]
OTHER_TASKS: tuple[OtherTask, ...] = ("parts", "materials", "scenes", "textures")


@dataclass(frozen=True)
class PerceptualPrediction:
    """Logits on the finest map's grid, and of the scene one row an image; None for a task that the head does not have.

    Classes of `part_logits_BKhw` are the entries of `PartSlices`: a decision is made within the slice of an object.
    """

    object_logits_BKhw: Tensor
    part_logits_BKhw: Tensor | None = None
    material_logits_BKhw: Tensor | None = None
    scene_logits_BK: Tensor | None = None
    texture_logits_BKhw: Tensor | None = None

    def class_scores(self) -> ClassScores:
        return ClassScores(self.object_logits_BKhw, are_probabilities=False)

    @property
    def texture_logits_BK(self) -> Tensor | None:
        """Of the whole image. The classifier is linear: the mean of its answers is its answer to the mean."""
        return None if self.texture_logits_BKhw is None else self.texture_logits_BKhw.float().mean(dim=(2, 3))


class Perceptual(nn.Module):
    """Objects and parts from all levels, joined at the finest grid; materials and texture from the finest level alone;
    the scene from the mean of the last level, plus the global vector of a grouping hierarchy if there is one.

    Zero classes: the head does not have that task.
    """

    says_classes = True

    def __init__(
        self,
        layout: FeatureLayout,
        *,
        num_objects: int,
        num_part_entries: int = 0,
        num_materials: int = 0,
        num_scenes: int = 0,
        num_textures: int = 0,
        width: int = 512,
        global_width: int | None = None,
    ) -> None:
        super().__init__()
        finest, coarsest = layout.channels[0], layout.channels[-1]
        self.global_width = global_width or width
        self.fuse = ConvNormReLU(sum(layout.channels), width, kernel_size=3)
        self.object = _pixel_classifier(width, num_objects)
        self.part = _pixel_classifier(width, num_part_entries) if num_part_entries else None
        self.material = _pixel_classifier(finest, num_materials) if num_materials else None
        self.texture = _pixel_classifier(finest, num_textures) if num_textures else None
        self.project_mean = nn.Linear(coarsest, self.global_width) if num_scenes else None
        self.scene = nn.Linear(self.global_width, num_scenes) if num_scenes else None
        if self.scene is not None:
            _start_undecided(self.scene)

    def forward(self, features: FeatureMaps, frame: Frame) -> PerceptualPrediction:
        finest_BChw = features.maps[0]
        fused_BChw = self.fuse(joined_levels(features.maps))
        return PerceptualPrediction(
            object_logits_BKhw=self.object(fused_BChw),
            part_logits_BKhw=None if self.part is None else self.part(fused_BChw),
            material_logits_BKhw=None if self.material is None else self.material(finest_BChw),
            scene_logits_BK=self._scene(features),
            texture_logits_BKhw=None if self.texture is None else self.texture(finest_BChw),
        )

    def _scene(self, features: FeatureMaps) -> Tensor | None:
        if self.scene is None or self.project_mean is None:
            return None
        # differs from the paper: it pools the last map from before the residual, which the path does not hand on.
        mean_BC: Tensor = self.project_mean(features.last.mean(dim=(2, 3)))
        if hierarchies := features.evidence_of(GroupingHierarchy):
            global_BC = hierarchies[-1].global_BC
            if global_BC.shape[1] != self.global_width:
                raise BadInput(
                    "global_width must be that of the grouping's global vector, but got "
                    f"{self.global_width} for {global_BC.shape[1]}; set global_width to the latter."
                )
            mean_BC = mean_BC + global_BC
        logits_BK: Tensor = self.scene(mean_BC)
        return logits_BK


class PerceptualConfig(StrictConfig):
    head: Literal["perceptual"] = "perceptual"
    width: int = Field(512, ge=1, le=MAX_WIDTH, description="of the map that all levels are fused to")
    global_width: int | None = Field(None, ge=1, le=MAX_WIDTH, description="of deep_grouping's vertices; None: width")
    tasks: tuple[OtherTask, ...] | None = Field(
        None, max_length=len(OTHER_TASKS), description="besides objects; left out: all that the taxonomy has"
    )

    def build(self, layout: FeatureLayout, taxonomy: Taxonomy) -> Perceptual:
        sizes = task_sizes(taxonomy)
        for task in self.tasks or ():
            if not sizes[task]:
                has = ", ".join(known for known, size in sizes.items() if size) or "none of these"
                raise BadInput(
                    f"tasks must be those of taxonomy {taxonomy.name}, but got {task}; it has {has}, and objects."
                )
        wanted = _wanted(sizes, self.tasks)
        return Perceptual(
            layout,
            num_objects=taxonomy.num_objects,
            num_part_entries=wanted["parts"],
            num_materials=wanted["materials"],
            num_scenes=wanted["scenes"],
            num_textures=wanted["textures"],
            width=self.width,
            global_width=self.global_width,
        )


def task_sizes(taxonomy: Taxonomy) -> dict[OtherTask, int]:
    """How many classes a taxonomy has for each task besides objects; parts are counted object by object, with rests."""
    slices = part_slices(taxonomy)
    tables = (taxonomy.materials, taxonomy.scenes, taxonomy.textures)
    materials, scenes, textures = (0 if table is None else len(table) for table in tables)
    parts = 0 if slices is None else slices.num_entries
    return {"parts": parts, "materials": materials, "scenes": scenes, "textures": textures}


def _wanted(sizes: dict[OtherTask, int], tasks: Sequence[OtherTask] | None) -> dict[OtherTask, int]:
    return {task: size if tasks is None or task in tasks else 0 for task, size in sizes.items()}


def _pixel_classifier(in_channels: int, num_classes: int) -> nn.Conv2d:
    classify = nn.Conv2d(in_channels, num_classes, kernel_size=1)
    _start_undecided(classify)
    return classify


def _start_undecided(classify: nn.Conv2d | nn.Linear) -> None:
    nn.init.normal_(classify.weight, std=0.01)
    if classify.bias is not None:  # It always has one; type checkers cannot know.
        nn.init.zeros_(classify.bias)
