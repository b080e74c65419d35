"""One run, one file: overrides, unknown keys, and nothing but data."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mereo.errors import BadInput
from mereo.recipe.recipe import Recipe, folder_of_recipe, load_recipe, recipe_yaml
from mereo.strict_yaml import dump_yaml

RECIPES = Path(__file__).parents[2] / "recipes"
CONTENT: dict[str, Any] = {
    "name": "test",
    "train_data": {"format": "drawn_scenes", "count": 4},
    "augmentation": {"crop": [32, 48]},
    "parser": {
        "backbone": {"name": "test_resnet.r160_in1k", "output_stride": 16},
        "path": [{"stage": "projection", "width": 8}],
    },
    "losses": [{"loss": "pixel_cross_entropy"}, {"loss": "auxiliary_pixels", "width": 8}],
    "training": {"steps": 10},
}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "test.yaml"
    path.write_text(dump_yaml(CONTENT))
    return path


@pytest.mark.parametrize("path", sorted(RECIPES.glob("*.yaml")), ids=lambda path: path.stem)
def test_every_recipe_of_the_package_is_read_and_resolved(path: Path, tmp_path: Path) -> None:
    recipe = load_recipe(path)
    assert recipe.name == path.stem
    (tmp_path / "recipe.yaml").write_text(recipe_yaml(recipe), encoding="utf-8")
    assert load_recipe(tmp_path) == recipe == load_recipe(tmp_path / "recipe.yaml")


def test_there_are_recipes() -> None:
    assert len(list(RECIPES.glob("*.yaml"))) >= 6


@given(
    row=st.text(max_size=10), protocol=st.sampled_from(["1e-4", "no", "010", "null", "a: b", "# x", "~", "2024-01-01"])
)
@settings(max_examples=50, deadline=None)
def test_any_words_survive_the_run_folder(tmp_path_factory: pytest.TempPathFactory, row: str, protocol: str) -> None:
    folder = tmp_path_factory.mktemp("run")
    recipe = Recipe.model_validate(CONTENT | {"row": row, "protocol": protocol})
    (folder / "recipe.yaml").write_text(recipe_yaml(recipe), encoding="utf-8", newline="")
    assert load_recipe(folder) == recipe


def test_the_resolved_run_holds_every_default() -> None:
    text = recipe_yaml(Recipe.model_validate(CONTENT))
    for key in ("batch_size: 8", "weight_decay: 0.0001", "kind: sgd", "rare_class_share: 0.0", "start_from: null"):
        assert key in text


@pytest.mark.parametrize(
    ("override", "path", "value"),
    [
        ("training.steps=20", "training.steps", 20),
        ("training.steps=2e1", "training.steps", 20),
        (" training.optimizer.learning_rate = 1e-4", "training.optimizer.learning_rate", 1e-4),
        ("losses.1.weight=0.2", "losses.1.weight", 0.2),
        ("augmentation.crop=[16, 24]", "augmentation.crop", (16, 24)),
        ("evaluation.flip=true", "evaluation.flip", True),
        ("val_data={format: drawn_scenes, count: 2}", "val_data.count", 2),
        ("parser.path=[]", "parser.path", ()),
        ("row=a=b", "row", "a=b"),
        ("row=no", "row", "no"),
        ("row='1e-4'", "row", "1e-4"),
        ("val_data=", "val_data", None),
        ("training.ema_decay=null", "training.ema_decay", None),
    ],
)
def test_overrides(file: Path, override: str, path: str, value: Any) -> None:
    found: Any = load_recipe(file, [override])
    for step in path.split("."):
        found = found[int(step)] if step.isdecimal() else getattr(found, step)
    assert found == value and type(found) is type(value)


def test_the_last_override_wins_and_the_file_stays(file: Path) -> None:
    before = file.read_text()
    assert load_recipe(file, ["training.steps=20", "training.steps=30"]).training.steps == 30
    assert file.read_text() == before


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("training.steps", "an override must be key.path=value, but got 'training.steps'; e.g. training.steps=100"),
        ("=3", "an override must be key.path=value, but got '=3'"),
        ("training..steps=3", "an override must be key.path=value"),
        ("training.stpes=3", r"got: training: key must be a known one, but got 'stpes'; did you mean 'steps'\?$"),
        ("training.steps=yes", "training.steps: .*valid integer.* but got 'yes'"),
        ("training.steps=true", "training: steps must not be true or false, but got True"),
        ("training.steps=0", "training.steps: .*greater than or equal to 1, but got 0"),
        ("training.optimizer.learning_rate=.nan", "learning_rate: .*finite number"),
        ("training.optimizer.learning_rate=1e999", "learning_rate: .*finite number"),
        ("augmentation.flip=true", "augmentation: flip must not be true or false"),
        ("augmentation.scale=[2, 1]", "augmentation: scale must be a range low, high"),
        ("training.steps.more=3", "must reach into a mapping, but got a value before 'more' in .*; shorten the path"),
        ("losses.2.weight=1", "a list place must be a number below 2, but got '2' in override .*; give the whole list"),
        ("losses.x.weight=1", "a list place must be a number below 2, but got 'x'"),
        ("losses.-1.weight=1", "a list place must be a number below 2, but got '-1'"),
        ("losses.².weight=1", "a list place must be a number below 2, but got '²'"),
        ("losses.0.wieght=1", r"losses.0: key must be a known one, but got 'wieght'; did you mean 'weight'\?$"),
        ("parser.path.0.widht=1", r"parser.path.0: key must be a known one, but got 'widht'; did you mean 'width'\?$"),
        ("parser.path.0.stage=atrus", "parser.path.0: Input tag 'atrus' .* 'atrous_pyramid'"),
        ("train_data.cuont=1", r"train_data: key must be a known one, but got 'cuont'; did you mean 'count'\?$"),
        (
            "train_data.format=voc",
            "train_data: key must be a known one, but got 'count'; known keys: format, root, split",
        ),
        ("row={a: 1", "YAML must be plain data, but got: .* in override 'row={a: 1'"),
        ("row=*x", "aliases are not allowed in override"),
        ("row=!!python/name:os.system", "is not allowed in override"),
        ("evaluation.scales=[]", "evaluation.scales: .* at least 1 item"),
        ("evaluation.scales=[0.5, 0]", "evaluation.scales.1: .* greater than 0, but got 0"),
        ("name=../x", r"name: String should match pattern .*, but got '../x'"),
        ("name=", "name: Input should be a valid string, but got None"),
    ],
)
def test_bad_overrides(file: Path, override: str, message: str) -> None:
    with pytest.raises(BadInput, match=message) as caught:
        load_recipe(file, [override])
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "recipe must be a mapping of keys, but got NoneType in .*test.yaml; see recipes/"),
        ("- a", "recipe must be a mapping of keys, but got list"),
        ("name: a\nname: b", "key 'name' stands twice in .*test.yaml, line 2"),
        ("a: &a [x]\nb: *a", "aliases are not allowed in .*test.yaml, line 2"),
        (
            "name: !!python/object/apply:os.system ['true']",
            "tag 'tag:yaml.org,2002:python/object/apply:os.system' is not",
        ),
        ("base: other.yaml\n", r"\(top\): key must be a known one, but got 'base'; "),
        ("<<: {a: 1}", "key must be a known one, but got '<<'"),
        ("1: 2", "key must be a known one, but got '1'"),
        (
            "name: a",
            "train_data: Field required; augmentation: Field required; parser: Field required; training: Field",
        ),
        ("[" * 1500, "nesting too deep in .*test.yaml"),
    ],
)
def test_bad_files(file: Path, text: str, message: str) -> None:
    file.write_text(text)
    with pytest.raises(BadInput, match=message) as caught:
        load_recipe(file)
    assert "\n" not in str(caught.value)


def test_files_that_are_not_there_or_not_text(tmp_path: Path) -> None:
    for path in (tmp_path / "none.yaml", tmp_path, tmp_path / ("a" * 5000), "nul\0byte"):
        with pytest.raises(BadInput, match="recipe must be a YAML file or a run folder, but got .*; see recipes/"):
            load_recipe(path)
    (tmp_path / "latin.yaml").write_bytes("name: stra\xdfe".encode("latin-1"))
    with pytest.raises(BadInput, match="YAML must be UTF-8 text, but got .*latin.yaml; save it as UTF-8"):
        load_recipe(tmp_path / "latin.yaml")


def test_relative_paths_start_where_the_recipe_lay(tmp_path: Path) -> None:
    """The same for a run folder and for the recipe in it."""
    run = tmp_path / "runs" / "mine"
    run.mkdir(parents=True)
    (run / "recipe.yaml").write_text("")
    assert folder_of_recipe(run) == folder_of_recipe(run / "recipe.yaml") == run
    (run / "run.json").write_text('{"recipe_folder": "../../recipes"}')
    (tmp_path / "recipes").mkdir()
    for path in (run, run / "recipe.yaml"):
        assert folder_of_recipe(path).resolve() == (tmp_path / "recipes").resolve()
    assert folder_of_recipe(tmp_path / "recipes" / "mine.yaml") == tmp_path / "recipes"


@pytest.mark.parametrize("text", ["", "{", "[]", "3", "{}", '{"recipe_folder": 3}', "\x00", "[" * 100_000, "\udcff"])
def test_a_broken_record_of_a_run_says_nothing(tmp_path: Path, text: str) -> None:
    (tmp_path / "run.json").write_bytes(text.encode("utf-8", "surrogateescape"))
    assert folder_of_recipe(tmp_path) == folder_of_recipe(tmp_path / "recipe.yaml") == tmp_path
