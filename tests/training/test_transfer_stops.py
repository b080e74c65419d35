"""A transfer that is signalled goes on where it stopped; several processes train one detector together."""

import json
import sys
from pathlib import Path

import pytest
from small_transfer import small_transfer, write_transfer
from warm_process import WarmProcess

sys.path.insert(0, str(Path(__file__).parents[1] / "parser"))
from tiny_instance_parser import AFFINITY, PROJECTION, tiny_source

from mereo.parser.weights import save_parser

pytestmark = pytest.mark.slow


def test_a_signalled_transfer_ends_byte_equal(warm: WarmProcess, tmp_path: Path) -> None:
    recipe = write_transfer(tmp_path, small_transfer(steps=40, checkpoint_every=1000))
    whole = warm.run("transfer", recipe, "--out", tmp_path / "whole")
    assert whole.code == 0, whole.errors()
    started = warm.start("transfer", recipe, "--out", tmp_path / "run")
    started.wait_until(lambda: started.err.read_text().count("step ") > 0)
    started.kill(15)
    assert started.wait() == 130, started.errors()
    (checkpoint,) = (tmp_path / "run" / "checkpoints").iterdir()
    step = int(checkpoint.name.removeprefix("step_"))
    assert 0 < step < 40 and f"stopped after step {step}; go on with: mereo transfer" in started.out.read_text()
    assert not (tmp_path / "run" / "last.safetensors").exists()
    resumed = warm.run("transfer", tmp_path / "run", "--resume")
    assert resumed.code == 0, resumed.errors()
    for name in ("metrics.jsonl", "last.safetensors"):
        assert (tmp_path / "run" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()


def test_two_processes_train_one_detector(warm: WarmProcess, tmp_path: Path) -> None:
    """A reasoner's coarse answer gets no gradient here, for which data-parallel processes must look."""
    save_parser(tiny_source(PROJECTION, AFFINITY), tmp_path / "source.safetensors")
    content = small_transfer(steps=3) | {"transfer": {"parser": "source.safetensors"}}
    recipe = write_transfer(tmp_path, content)
    ranks = warm.start_ranks("transfer", recipe, "--out", tmp_path / "run", setups=[""] * 2)
    assert [rank.wait() for rank in ranks] == [0, 0], [rank.errors() for rank in ranks]
    facts = json.loads((tmp_path / "run" / "run.json").read_text())
    assert facts["processes"] == 2 and facts["is_finished"]
    assert "AP50" in ranks[0].out.read_text() and not ranks[1].out.read_text()
