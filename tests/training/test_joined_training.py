"""A run of two sources with ids of their own: it resumes byte-equal, and several processes lose what one loses."""

import json
from pathlib import Path
from typing import Any

import pytest
from small_run import small_recipe, write_recipe, write_rectangles
from warm_process import WarmProcess

from mereo.recipe.recipe import load_recipe
from mereo.recipe.run_recipe import run_recipe


def joined_recipe(folder: Path, **training: Any) -> Path:
    """The second source calls red what its files call 0 or 2, and labels nothing else."""
    write_rectangles(folder / "data")
    more = write_rectangles(folder / "more", count=3) / "mereo.yaml"
    more.write_text(
        more.read_text().replace("name: rectangles\ntaxonomy", "name: more\ntaxonomy")
        + "tables: {semantic: {ids: {red: [0, 2]}, ignored: [1, 255]}}\n"
    )
    content = small_recipe(**training)
    sources = {name: {"format": "folder", "root": name} for name in ("data", "more")}
    content["train_data"] = {"format": "joined", "sources": sources}
    return write_recipe(folder, content)


def run(recipe: Path, out: Path, *, is_resumed: bool = False) -> None:
    run_recipe(load_recipe(recipe), recipe_folder=recipe.parent, out=out, is_resumed=is_resumed)


def test_a_run_of_joined_sources_resumes_byte_equal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    recipe = joined_recipe(tmp_path)
    run(recipe, tmp_path / "whole")
    from mereo.training import loop

    def stop_at_step_4(self: object, step: int, values: dict[str, float]) -> None:
        original(self, step, values)
        if step == 4:
            raise KeyboardInterrupt

    original = loop.RunFolder.write_metrics
    with monkeypatch.context() as patch:
        patch.setattr(loop.RunFolder, "write_metrics", stop_at_step_4)
        with pytest.raises(KeyboardInterrupt):
            run(recipe, tmp_path / "broken")
    run(recipe, tmp_path / "broken", is_resumed=True)
    for name in ("metrics.jsonl", "last.safetensors"):
        assert (tmp_path / "broken" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()


@pytest.mark.slow
def test_two_processes_draw_the_same_sources(warm: WarmProcess, tmp_path: Path) -> None:
    recipe = joined_recipe(tmp_path, steps=6, optimizer={"kind": "sgd", "learning_rate": 0.002})
    no_dropout = "parser.heads=[{head: pixel_classes}]"
    alone = warm.run("train", recipe, no_dropout, "--out", tmp_path / "one")
    assert alone.code == 0, alone.errors()
    ranks = warm.start_ranks("train", recipe, no_dropout, "--out", tmp_path / "two", setups=[""] * 2)
    assert [rank.wait() for rank in ranks] == [0, 0], [rank.errors() for rank in ranks]
    losses = [
        [json.loads(line)["loss"] for line in (tmp_path / out / "metrics.jsonl").read_text().splitlines()]
        for out in ("one", "two")
    ]
    assert losses[1] == pytest.approx(losses[0], abs=1e-5) and len(losses[0]) == 6
