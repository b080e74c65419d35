"""Training some parts alone: nothing else changes by a byte, running statistics included; also when resumed."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from small_run import small_recipe, write_recipe
from torch import nn

from mereo.errors import BadInput
from mereo.evaluation.perceptual_files import read_perceptual_measures
from mereo.parser.weights import load, read_tensors
from mereo.recipe.assemble import build_run
from mereo.recipe.recipe import load_recipe
from mereo.recipe.run_recipe import run_recipe
from mereo.strict_yaml import dump_yaml
from mereo.training.trained_parts import require_parts, train_only


def write_textures(folder: Path) -> Path:
    """Pictures of two textures, and a recipe that trains the texture branch of a perceptual head alone."""
    random = np.random.default_rng(0)
    for split in ("train", "val"):
        for name, period in (("banded", 4), ("fine", 2)):
            (folder / "textures" / split / name).mkdir(parents=True)
            for number in range(3):
                stripes_HW = (np.arange(40) // period % 2 * 160)[:, None] + random.integers(0, 60, (40, 40))
                picture = Image.fromarray(np.repeat(stripes_HW[..., None], 3, axis=2).astype(np.uint8))
                picture.save(folder / "textures" / split / name / f"{number}.png")
    content: dict[str, Any] = small_recipe(steps=6, only=["heads.0.texture"], ema_decay=0.9)
    content["parser"] |= {"path": [], "heads": [{"head": "perceptual", "width": 8}]}
    content["train_data"] = {"format": "class_folders", "root": "textures"}
    content["val_data"] = {"format": "class_folders", "root": "textures", "split": "val"}
    content["losses"] = [{"loss": "perceptual"}]
    content["augmentation"] = {"crop": [32, 32], "flip": 0.5}
    path = folder / "recipe.yaml"
    path.write_text(dump_yaml(content))
    return path


def run(recipe: Path, out: Path, *overrides: str, is_resumed: bool = False) -> None:
    run_recipe(load_recipe(recipe, overrides), recipe_folder=recipe.parent, out=out, is_resumed=is_resumed)


def changed_names(recipe: Path, out: Path, *overrides: str) -> set[str]:
    """Tensors of the trained parser, by name, that are not to the byte those of its start."""
    start = build_run(load_recipe(recipe, overrides), folder=recipe.parent).parser
    trained = read_tensors(out / "last.safetensors")
    assert trained.keys() == start.state_dict().keys()
    return {name for name, value in trained.items() if not torch.equal(value, start.state_dict()[name])}


@pytest.fixture
def start(tmp_path: Path) -> Path:
    """A parser file that all runs start from, so that their first weights are known."""
    recipe = write_textures(tmp_path)
    run(recipe, tmp_path / "before", "training.only=[]", "training.steps=2")
    return recipe


def test_nothing_else_changes_by_a_byte(start: Path, tmp_path: Path) -> None:
    from_before = "start_from=before/last.safetensors"
    run(start, tmp_path / "texture", from_before)
    assert changed_names(start, tmp_path / "texture", from_before) == {
        "heads.0.texture.weight",
        "heads.0.texture.bias",
    }
    # Without it everything learns, and batch norms keep count.
    run(start, tmp_path / "all", from_before, "training.only=[]")
    everything = changed_names(start, tmp_path / "all", from_before)
    assert {"heads.0.texture.weight", "heads.0.fuse.1.running_mean"} <= everything
    assert any(name.startswith("backbone") and name.endswith("running_var") for name in everything)


def test_resumed_it_is_the_unbroken_run(start: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from mereo.training import loop

    class Killed(Exception):
        pass

    def kill_at_4(self: object, step: int, values: dict[str, float]) -> None:
        original(self, step, values)
        if step == 4:
            raise Killed

    from_before = "start_from=before/last.safetensors"
    run(start, tmp_path / "whole", from_before)
    original = loop.RunFolder.write_metrics
    with monkeypatch.context() as patch:
        patch.setattr(loop.RunFolder, "write_metrics", kill_at_4)
        with pytest.raises(Killed):
            run(start, tmp_path / "broken", from_before)
    run(start, tmp_path / "broken", from_before, is_resumed=True)
    for name in ("metrics.jsonl", "last.safetensors"):
        assert (tmp_path / "broken" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()


def test_terms_without_labels_are_left_out_of_the_metrics(start: Path, tmp_path: Path) -> None:
    rows = (tmp_path / "before" / "metrics.jsonl").read_text().splitlines()
    assert len(rows) == 2 and all("perceptual_textures" in row and "perceptual_objects" not in row for row in rows)


def test_a_run_without_objects_is_measured_by_its_textures(start: Path, tmp_path: Path) -> None:
    found = read_perceptual_measures(tmp_path / "before")
    assert found is not None and list(found.tasks) == ["textures"] and found.num_images == 6
    assert not (tmp_path / "before" / "evaluation.json").exists()
    card = load(tmp_path / "before" / "last.safetensors").card
    assert card is not None and card.measured == {"textures_accuracy": round(found.score, 4)}
    assert card.measured_on == "6 images of val"


class TwoParts(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.heads = nn.ModuleList([nn.ModuleDict({"texture": nn.Linear(2, 2), "textures": nn.Linear(2, 2)})])
        self.norm = nn.BatchNorm2d(2)
        self.counted = nn.Parameter(torch.zeros(1), requires_grad=False)


def test_names_end_where_parts_end() -> None:
    parser, objective = TwoParts(), nn.BatchNorm2d(3)
    train_only(parser, objective, ["heads.0.texture"])
    learning = [name for name, parameter in parser.named_parameters() if parameter.requires_grad]
    assert learning == ["heads.0.texture.weight", "heads.0.texture.bias"]
    parser.train()
    objective.train()
    in_training = {name for name, module in parser.named_modules() if module.training}
    assert in_training == {"heads.0.texture"} and not objective.training
    assert not any(parameter.requires_grad for parameter in objective.parameters())
    assert not any(module.training for module in parser.eval().modules())


def test_a_whole_branch_and_a_single_parameter() -> None:
    parser = TwoParts()
    train_only(parser, nn.Identity(), ["heads.0", "norm.weight"])
    learning = {name for name, parameter in parser.named_parameters() if parameter.requires_grad}
    assert learning == {name for name, _ in parser.named_parameters() if name.startswith("heads")} | {"norm.weight"}
    parser.train()
    assert not parser.norm.training and parser.heads[0].training


def test_no_names_is_everything() -> None:
    parser = TwoParts()
    train_only(parser, nn.Identity(), [])
    parser.train()
    assert all(module.training for module in parser.modules()) and parser.norm.weight.requires_grad


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("heads.0.textur", "parts of the parser that learn, but got 'heads.0.textur'; did you mean 'heads.0.texture'?"),
        ("backbones", r"but got 'backbones'; e\.g\. heads, heads\.0, heads\.0\.texture\."),
        ("heads.0.texture.", r"but got 'heads\.0\.texture\.'; did you mean 'heads\.0\.texture'"),
        ("counted", "training.only must name parts of the parser that learn, but got 'counted'; "),
    ],
)
def test_unknown_names(name: str, message: str) -> None:
    with pytest.raises(BadInput, match=message):
        require_parts(TwoParts(), [name])


def test_unknown_names_are_found_before_anything_is_written(tmp_path: Path) -> None:
    recipe = write_recipe(tmp_path, small_recipe(only=["head.0"]))
    with pytest.raises(BadInput, match=r"but got 'head\.0'; did you mean 'heads\.0'"):
        run(recipe, tmp_path / "run")
    assert not (tmp_path / "run" / "recipe.yaml").exists()


def test_frozen_norms_keep_their_statistics_and_learn_all_else(start: Path, tmp_path: Path) -> None:
    settings = ("start_from=before/last.safetensors", "training.only=[]", "training.frozen_norms=true")
    run(start, tmp_path / "frozen", *settings)
    changed = changed_names(start, tmp_path / "frozen", *settings)
    assert not {name for name in changed if name.endswith(("running_mean", "running_var", "num_batches_tracked"))}
    assert "heads.0.texture.weight" in changed and any(name.startswith("backbone") for name in changed)


def test_frozen_norms_answer_in_training_as_in_parsing() -> None:
    """Whatever else is in the batch."""
    parser, map_BCHW = TwoParts(), 5 * torch.randn(3, 2, 4, 4) + 7
    train_only(parser, nn.Identity(), [], frozen_norms=True)
    in_training = parser.train().norm(map_BCHW)
    assert parser.training and torch.equal(in_training[:1], parser.norm(map_BCHW[:1]))
    assert torch.equal(in_training, parser.eval().norm(map_BCHW))
