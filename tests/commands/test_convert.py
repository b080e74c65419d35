"""mereo convert: a checkpoint in, a parser file out that answers as the model does."""

import sys
from pathlib import Path

import numpy as np
import pytest
import torch

sys.path.insert(0, str(Path(__file__).parents[1] / "parser"))
from tiny_checkpoints import mask2former, saved, swin
from tiny_parser import random_image

import mereo
from mereo.commands.main import run


def test_round_trip(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model, out = mask2former(swin()), tmp_path / "tiny.safetensors"
    folder = saved(model, tmp_path / "checkpoint")
    assert run(["convert", str(folder), "--out", str(out)]) == 0
    told = capsys.readouterr().out
    assert "3 classes" in told and "own licence applies" in told
    parser, image_HWC = mereo.load(out), random_image(64, 96)
    with torch.no_grad():
        pixels_BCHW = torch.from_numpy(image_HWC).permute(2, 0, 1)[None].float()
        output = model((pixels_BCHW - parser.mean_311) / parser.std_311)
    probability_QK = output.class_queries_logits[0].softmax(dim=1)[:, :-1]
    scores_Khw = torch.einsum("qk,qhw->khw", probability_QK, output.masks_queries_logits[0].sigmoid())
    semantic = parser.parse(image_HWC).semantic
    centre_hw = semantic[2::4, 2::4]  # Next to where the scores stand; between them they are interpolated.
    assert np.mean(centre_hw == scores_Khw.argmax(dim=0).numpy()) > 0.95
    assert str(tmp_path) not in out.read_bytes()[:20000].decode("latin-1"), "no path of this machine in the file"
    assert run(["models", str(out)]) == 0
    assert "swin_tiny_patch4_window7_224 -> mask2former" in capsys.readouterr().out


def test_things(tmp_path: Path) -> None:
    folder, out = saved(mask2former(swin()), tmp_path / "checkpoint"), tmp_path / "tiny.safetensors"
    assert run(["convert", str(folder), "--out", str(out), "--things", "car, road"]) == 0
    parser = mereo.load(out)
    assert parser.taxonomy.is_thing == (False, True, True)
    assert parser.parse(random_image(40, 56)).instances is not None


def test_wrong_places(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["convert", str(tmp_path / "nothing"), "--out", str(tmp_path / "a.safetensors")]) == 2
    assert "a checkpoint must be a folder or hf:OWNER/NAME" in capsys.readouterr().err
    assert run(["convert", str(tmp_path), "--out", str(tmp_path)]) == 2
    assert "--out must be a file, but got a folder" in capsys.readouterr().err
