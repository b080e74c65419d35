"""What `mereo explain --segments` writes and says."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from mereo.text_lines import printable

if TYPE_CHECKING:
    import numpy as np

    from mereo.assembly.merging_history import Joining, MergingHistory
    from mereo.assembly.segment_merging import Merge
    from mereo.interaction.segment_explanation import SegmentExplanation


def explained_segments(
    parser: Any,
    image_HWC: "np.ndarray",
    *,
    image: Path,
    point: tuple[int, int] | None,
    out: Path,
    notes: list[str],
) -> list[str]:
    """Page, pictures and explanation.json in `out`; the lines for the terminal."""
    from mereo.atomic_files import write_json
    from mereo.drawing import segment_words as words
    from mereo.drawing.segment_page import write_segment_page
    from mereo.drawing.segment_pictures import SegmentPictures
    from mereo.interaction.segment_explanation import explain_segments

    explanation = explain_segments(parser, image_HWC)
    history, taxonomy = explanation.history, explanation.parse.taxonomy
    names = [printable(name) for name in taxonomy.object_names]
    content, told = as_numbers(explanation), [words.way_in_words(history), words.stop_in_words(history)]
    segment = None
    if point is not None:
        segment, joinings = explanation.segment_at(*point)
        content["point"] = point_as_numbers(history, segment, joinings, point)
        told += [f"At {point[0]},{point[1]}: {words.segment_in_words(history, segment, names)}"]
        told += [f"  {words.joining_in_words(joining)}" for joining in joinings]
    pictures = SegmentPictures(explanation.parse, history, explanation.embedding_Dhw)
    page = write_segment_page(out, pictures, name=image.name, point_xy=point, segment=segment, notes=notes)
    write_json(out / "explanation.json", content)
    return [*told, str(page)]


def as_numbers(explanation: "SegmentExplanation") -> dict[str, object]:
    """Segments are counted from 1, as on the page and in segments.png."""
    history, names = explanation.history, explanation.parse.taxonomy.object_names
    segments = [
        {
            "segment": segment + 1,
            "class": names[history.class_S[segment]],
            "probability": round(float(history.probability_S[segment]), 6),
            "share": round(float(history.area_S[segment] / history.area_S.sum()), 6),
            "concentration": round(float(history.concentration_S[segment]), 6),
            "is_thing": bool(history.is_thing_S[segment]),
            **({} if history.is_seed_S is None else {"is_seed": bool(history.is_seed_S[segment])}),
        }
        for segment in range(history.num_segments)
    ]
    answer = [
        {
            "class": names[index],
            "instance_id": int(instance),
            "segments": [segment + 1 for segment in history.members_of(group)],
        }
        for group, (index, instance) in enumerate(zip(history.class_G, history.instance_G))
    ]
    return {
        "segments": segments,
        "threshold": None if history.is_seed_S is not None else history.threshold,
        "merges": [{"step": step, **as_pair(merge)} for step, merge in enumerate(history.merges, start=1)],
        "refused": None if history.refused is None else as_pair(history.refused),
        "answer": answer,
    }


def as_pair(merge: "Merge") -> dict[str, object]:
    return {"kept": merge.kept + 1, "gone": merge.gone + 1, "cosine": round(merge.cosine, 6)}


def point_as_numbers(
    history: "MergingHistory", segment: int, joinings: "tuple[Joining, ...]", point: tuple[int, int]
) -> dict[str, object]:
    return {
        "at": list(point),
        "segment": segment + 1,
        "answer": int(history.group_S[segment]),
        "joined": [
            {
                "step": joining.step,
                "segments": [other + 1 for other in joining.other],
                "cosine": round(joining.cosine, 6),
            }
            for joining in joinings
        ],
    }
