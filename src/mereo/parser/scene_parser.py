"""SceneParser: backbone -> path -> heads. The one module that everything else trains, saves and asks."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import lcm
from typing import Any, TypeVar

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mereo.assembly.parse import Parse
from mereo.data.taxonomy import Taxonomy
from mereo.errors import BadInput
from mereo.features.feature_maps import FeatureMaps, Frame
from mereo.features.stage import SuperpixelWish, wish_of
from mereo.heads.head_traits import traits_of
from mereo.parser.asking.image_scores import resized_image
from mereo.parser.asking.parsing import parse_image
from mereo.parser.asking.tiled_parsing import TileSide
from mereo.parser.familiarity import Familiarity
from mereo.parser.model_card import ModelCard
from mereo.parser.photograph_superpixels import superpixels_of
from mereo.parser.preprocessing import PreprocessingConfig
from mereo.regions.cells import nearest_multiple
from mereo.shapes import require_shapes

Kind = TypeVar("Kind")


@dataclass(frozen=True)
class SceneAnswers:
    """What a parser says about a batch: one prediction a head, the path's evidence, the feature maps they rest on."""

    predictions: tuple[Any, ...]
    features: FeatureMaps
    backbone_features: FeatureMaps

    @property
    def evidence(self) -> tuple[Any, ...]:
        return self.features.evidence

    def evidence_of(self, kind: type[Kind]) -> list[Kind]:
        """In the path's order."""
        return self.features.evidence_of(kind)

    def prediction_or_none(self, kind: type[Kind]) -> Kind | None:
        """The first one of the given type."""
        return next((prediction for prediction in self.predictions if isinstance(prediction, kind)), None)

    def prediction(self, kind: type[Kind]) -> Kind:
        """The same, or an error that names those that are there."""
        prediction = self.prediction_or_none(kind)
        if prediction is not None:
            return prediction
        present = ", ".join(type(one).__name__ for one in self.predictions)
        raise BadInput(f"the parser must have a head that gives {kind.__name__}, but got {present}; add that head.")


class SceneParser(nn.Module):
    """Any backbone, any stages in any order, any heads.

    `config` (a ParserConfig) is only kept so that the parser can be saved; a parser composed in Python has none.
    """

    mean_311: Tensor
    std_311: Tensor

    def __init__(
        self,
        backbone: nn.Module,
        path: Sequence[nn.Module],
        heads: Sequence[nn.Module],
        *,
        taxonomy: Taxonomy,
        preprocessing: PreprocessingConfig | None = None,
        config: Any = None,
        temperature: float = 1.0,
    ) -> None:
        super().__init__()
        if not heads:
            raise BadInput("a parser must have at least one head, but got none; add e.g. PixelClasses.")
        self.backbone = backbone
        self.path = nn.ModuleList(path)
        self.heads = nn.ModuleList(heads)
        # Pictures are brought to the nearest multiple of it, on both sides: a pyramid's cells are whole.
        self.size_multiple = lcm(*(traits_of(head).size_multiple for head in heads))
        self.taxonomy = taxonomy
        self.preprocessing = preprocessing or PreprocessingConfig()
        self.config = config
        self.temperature = temperature  # Divides the logits in `Parse.confidence`, and there alone.
        self.card: ModelCard | None = None
        self.familiarity: Familiarity | None = None  # None: the parser warns at no picture.
        self.register_buffer("mean_311", torch.tensor(self.preprocessing.mean).view(3, 1, 1) * 255, persistent=False)
        self.register_buffer("std_311", torch.tensor(self.preprocessing.std).view(3, 1, 1) * 255, persistent=False)

    def forward(self, image_BCHW: Tensor, frame: Frame | None = None) -> SceneAnswers:
        """`image_BCHW` holds pixels 0..255 (uint8 or float), RGB; the parser normalises them itself."""
        require_shapes(image_BCHW=image_BCHW)
        if image_BCHW.shape[1] != 3 or 0 in image_BCHW.shape:
            # One channel would pass unseen: it spreads over the three means.
            raise BadInput(
                f"image_BCHW must have three channels and pixels in it, but got shape {tuple(image_BCHW.shape)}; "
                "convert it to RGB."
            )
        image_BCHW, frame = self._of_whole_cells(image_BCHW, frame)
        if self.superpixel_wish is not None and frame.superpixels_BHW is None:
            frame = replace(frame, superpixels_BHW=superpixels_of(image_BCHW, self.superpixel_wish))
        features = backbone_features = self.backbone(self._normalised(image_BCHW))
        for stage in self.path:
            features = stage(features, frame)
        predictions = tuple(head(features, frame) for head in self.heads)
        return SceneAnswers(predictions, features, backbone_features)

    def backbone_features(self, image_BCHW: Tensor) -> FeatureMaps:
        """What the backbone gives in `forward`, without the path and the heads."""
        features: FeatureMaps = self.backbone(self._normalised(self._of_whole_cells(image_BCHW, None)[0]))
        return features

    @property
    def superpixel_wish(self) -> SuperpixelWish | None:
        """The superpixels that a stage of the path wants in its frame. Without them in the frame they are sought."""
        return next((wish for wish in map(wish_of, self.path) if wish is not None), None)

    def stages_of(self, kind: type[Kind]) -> list[Kind]:
        """In the path's order."""
        return [stage for stage in self.path if isinstance(stage, kind)]

    def heads_of(self, kind: type[Kind]) -> list[Kind]:
        return [head for head in self.heads if isinstance(head, kind)]

    def _normalised(self, image_BCHW: Tensor) -> Tensor:
        return (image_BCHW.to(self.mean_311.dtype) - self.mean_311) / self.std_311

    def _of_whole_cells(self, image_BCHW: Tensor, frame: Frame | None) -> tuple[Tensor, Frame]:
        height, width = image_BCHW.shape[-2:]
        frame = frame or Frame(image_size=(height, width))
        size = (nearest_multiple(height, self.size_multiple), nearest_multiple(width, self.size_multiple))
        if size == (height, width):
            return image_BCHW, frame
        superpixels_BHW = frame.superpixels_BHW
        if superpixels_BHW is not None:
            # As doubles: superpixels are counted, and no number may be rounded.
            resized_B1HW = F.interpolate(superpixels_BHW[:, None].double(), size=size, mode="nearest-exact")
            superpixels_BHW = resized_B1HW[:, 0].to(superpixels_BHW.dtype)
        return resized_image(image_BCHW, size), replace(frame, image_size=size, superpixels_BHW=superpixels_BHW)

    def parse(
        self,
        image_HWC: np.ndarray,
        *,
        name: str = "image",
        scales: Sequence[float] = (1.0,),
        flip: bool = False,
        working_side: int | None = None,
        with_confidence: bool = False,
        tile: TileSide | None = None,
    ) -> Parse:
        """The parse of one photograph (uint8, H W 3), at the photograph's size. `working_side` overrides the file's.

        With `tile` (a side in pixels, or "auto") the photograph is parsed at its full size, or at `working_side`, in
        overlapping pieces: more detail, and memory that does not grow with the photograph.

        A head of mask queries with panoptic answers also tells the instances of things apart, and so does one of sorted
        segments, which gives each segment a vector as well, in one plain pass. In tiles, one such pass a tile gives
        instances, which are joined across seams, and no vectors; with several scales or `flip` alone the answer is
        semantic, and says so in its warnings. Likewise a perceptual head: scales, `flip` and tiles are for its objects;
        parts, materials, texture and scene come from one plain pass, and so do groups.
        """
        return parse_image(
            self,
            image_HWC,
            name=name,
            scales=scales,
            flip=flip,
            working_side=working_side,
            with_confidence=with_confidence,
            tile=tile,
        )
