"""panoptic_quality.json: its counts are read, and the measures beside them must follow from these."""

import json
from pathlib import Path

import numpy as np
import pytest

from mereo.errors import BadInput
from mereo.evaluation.panoptic_files import PanopticEvaluation
from mereo.evaluation.panoptic_quality_file import PANOPTIC_FILE, read_panoptic_quality, write_panoptic_quality
from mereo.metrics.panoptic_quality import PanopticCounts


def made_quality(**changes: object) -> PanopticEvaluation:
    counts = PanopticCounts(np.array([3, 1, 0]), np.array([1, 0, 0]), np.array([1, 2, 0]), np.array([2.4, 0.75, 0.0]))
    options = {"instances": "components", "conditions": {"parser": "mine"}, **changes}
    return PanopticEvaluation(("sky", "car", "tram"), (False, True, True), counts, 4, 0.5, **options)  # type: ignore[arg-type]


def test_what_is_written_is_read(tmp_path: Path) -> None:
    assert read_panoptic_quality(tmp_path) is None
    write_panoptic_quality(made_quality(), tmp_path)
    found = read_panoptic_quality(tmp_path)
    assert found is not None and found.to_dict() == made_quality().to_dict()
    assert (
        found.instances == "components" and found.things.pq == pytest.approx(0.75 / 2) and found.per_class[2].pq is None
    )


def test_files_from_before_the_truth_was_named_are_read(tmp_path: Path) -> None:
    write_panoptic_quality(made_quality(instances=None), tmp_path)
    assert "instances" not in json.loads((tmp_path / PANOPTIC_FILE).read_text(encoding="utf-8"))
    found = read_panoptic_quality(tmp_path)
    assert found is not None and found.instances is None and found.all.pq == made_quality().all.pq


def test_a_number_changed_by_hand_is_refused(tmp_path: Path) -> None:
    content = json.loads(write_panoptic_quality(made_quality(), tmp_path).read_text(encoding="utf-8"))
    content["stuff"]["pq"] = 0.99
    (tmp_path / PANOPTIC_FILE).write_text(json.dumps(content), encoding="utf-8")
    with pytest.raises(BadInput, match="measures must follow from the counts, but got others of stuff"):
        read_panoptic_quality(tmp_path)
    (tmp_path / PANOPTIC_FILE).write_bytes(b"\xff\xfe")
    with pytest.raises(BadInput, match="must be readable JSON, but got"):
        read_panoptic_quality(tmp_path)
