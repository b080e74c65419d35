import pytest
import yaml

from mereo.data.taxonomy_file import load_taxonomy
from mereo.errors import BadInput
from mereo.parser.config import ParserConfig
from mereo.parser.model_card import ModelCard
from mereo.parser.weights import built_in_parsers, save_parser
from mereo.recipe import starter
from mereo.recipe.recipe import load_recipe
from mereo.recipe.starter import crop_size, run_name, starter_recipe

OPTIONS = {
    "name": "my data",
    "root": ".",
    "description": "mereo.yaml",
    "train_split": "train",
    "val_split": "val",
    "num_train_images": 400,
    "image_size": (300, 400),
}


def test_the_recipe_is_valid_and_fine_tunes_a_parser_of_the_same_build(tmp_path):
    config = ParserConfig.model_validate(
        {
            "backbone": {"name": "mobilenetv2_050", "output_stride": 16},
            "path": [{"stage": "projection", "width": 24}],
            "preprocessing": {"working_side": 320},
        }
    )
    file = save_parser(config.build(load_taxonomy("camvid")), tmp_path / "mine.safetensors")
    (tmp_path / "recipe.yaml").write_text(starter_recipe(**OPTIONS, start_from=str(file)))
    recipe = load_recipe(tmp_path / "recipe.yaml")
    assert recipe.start_from == str(file) and recipe.parser.backbone == config.backbone.model_copy(
        update={"weights": None}
    )
    assert recipe.parser.path == config.path and recipe.name == "my_data"
    assert recipe.augmentation.crop == (240, 320) and recipe.augmentation.working_side == 320
    assert recipe.train_data.split == "train" and recipe.val_data.split == "val" and recipe.training.steps == 1000
    with pytest.raises(BadInput, match="parser must be a built-in name"):
        starter_recipe(**OPTIONS, start_from="no_such_parser")


def test_it_says_under_whose_terms_the_weights_will_stand(tmp_path):
    text = starter_recipe(**OPTIONS)
    assert "# What comes out stands under its terms: non-commercial research use" in text
    config = ParserConfig.model_validate({"backbone": {"name": "test_efficientnet"}})
    parser = config.build(load_taxonomy("camvid"))
    card = ModelCard(terms="mine\ntraining: {steps: 1}")
    file = save_parser(parser, tmp_path / "mine.safetensors", card=card)
    recipe = tmp_path / "recipe.yaml"
    recipe.write_text(starter_recipe(**OPTIONS, start_from=str(file)))
    assert "terms: mine training: {steps: 1}.\n# To start free" in recipe.read_text()
    assert load_recipe(recipe).training.steps == 1000
    free = starter_recipe(**OPTIONS, start_from="drawn")
    assert "under its terms: Apache-2.0, free for any use.\n" in free and "To start free" not in free
    file = save_parser(parser, tmp_path / "mine.safetensors")
    assert "under its terms" not in starter_recipe(**OPTIONS, start_from=str(file))


def test_without_a_built_in_parser_it_says_so(monkeypatch, tmp_path):
    monkeypatch.setattr(starter, "built_in_parsers", dict)
    text = starter_recipe(**OPTIONS)
    assert "starts from random weights" in text and yaml.safe_load(text).get("start_from") is None
    (tmp_path / "recipe.yaml").write_text(text)
    assert load_recipe(tmp_path / "recipe.yaml").parser.backbone.weights is None


def test_names_and_crops():
    assert run_name("../..") == "my_data" and run_name("ü b") == "b" and len(run_name("x" * 200)) == 80
    assert crop_size((1, 60000), 480) == (16, 480) and crop_size((100, 100), 100) == (96, 96)


@pytest.mark.parametrize("name", sorted(built_in_parsers()))
def test_a_temperature_that_was_fitted_to_other_answers_stays_behind(name):
    assert "temperature" not in yaml.safe_load(starter_recipe(**OPTIONS, start_from=name))["parser"]
