"""A network of one's own in Mereo: compose it in Python, train it with the loop, measure it, parse with it.

    python examples/own_network.py

YAML recipes name only built-in stages and heads, so that a recipe is data and nothing else. Anything else enters here.
"""

from pathlib import Path
from tempfile import mkdtemp

from torch import Tensor, nn

import mereo

RECIPES = Path(__file__).resolve().parents[1] / "recipes"


class GlobalContext(mereo.Stage):
    """Adds the image's mean feature, projected, to every pixel: a stage keeps or changes the layout and says so."""

    def __init__(self, in_layout: mereo.FeatureLayout) -> None:
        super().__init__(in_layout)
        self.project = nn.Conv2d(in_layout.channels[-1], in_layout.channels[-1], kernel_size=1)

    def forward(self, features: mereo.FeatureMaps, frame: mereo.Frame) -> mereo.FeatureMaps:
        mean_BC11: Tensor = features.last.mean(dim=(2, 3), keepdim=True)
        return features.with_last(features.last + self.project(mean_BC11))


def compose(taxonomy: mereo.Taxonomy) -> mereo.SceneParser:
    backbone = mereo.TimmBackbone("mobilenetv2_100", output_stride=16)
    context = GlobalContext(backbone.layout)
    head = mereo.PixelClasses(context.layout, num_classes=taxonomy.num_objects)
    return mereo.SceneParser(backbone, [context], [head], taxonomy=taxonomy)


def main() -> None:
    recipe = mereo.load_recipe(RECIPES / "drawn_fcn.yaml", ["name=own_network", "training.steps=4"])
    out = Path(mkdtemp()) / "run"
    report = mereo.run_recipe(recipe, recipe_folder=RECIPES, out=out, compose=compose)
    print(f"{report.training.step} steps, mIoU {report.evaluation.mean_iou:.3f}, in {report.folder}")


if __name__ == "__main__":
    main()
