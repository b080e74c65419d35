"""What the page of a pyramid says in words: how much each level does, and what each says of one point."""

from collections.abc import Sequence

from mereo.assembly.level_answers import LevelAnswers, LevelCell
from mereo.data.taxonomy import Taxonomy
from mereo.drawing.legend import percent
from mereo.drawing.page_parts import escaped


def share_text(share: float) -> str:
    """
    >>> share_text(0.0), share_text(0.0004), share_text(0.25)
    ('0 %', '< 0.1 %', '25 %')
    """
    return "0 %" if share == 0 else percent(share)


def level_facts(answers: LevelAnswers, level: int) -> str:
    """HTML: the level's name, and numbers of the cells that speak, that finer levels answer, that are done."""
    speaks_hw, is_done_hw = answers.speaks_per_level[level], answers.is_done_per_level[level]
    rows, columns = speaks_hw.shape
    speaking, done = int(speaks_hw.sum()), int(is_done_hw.sum())
    left = speaks_hw.size - speaking - done
    facts = [("full", speaking, "speak"), ("pale", left, "left to finer levels"), ("striped", done, "done by coarser")]
    if level == answers.num_levels - 1:  # There is nobody to leave anything to.
        del facts[1]
    listed = "".join(
        f'<li><span class="tile {kind}"></span>{count} {words}'
        f'<span class="number">{share_text(count / speaks_hw.size)}</span></li>'
        for kind, count, words in facts
    )
    name = f'<h3><span class="swatch l{level}"></span>Level {level + 1}: {answers.cell_sizes[level]} px</h3>'
    return f'{name}<p class="quiet">{columns} x {rows} cells</p><ul>{listed}</ul>'


def point_table(point_xy: tuple[int, int], cells: Sequence[LevelCell], taxonomy: Taxonomy) -> str:
    """HTML: one row a level; the one that speaks stands out."""
    rows = "".join(
        f"<tr{' class=chosen' if cell.speaks else ''}><th scope=row>{cell.cell_size} px</th>"
        f'<td><span class="swatch k{cell.class_index}"></span>{escaped(taxonomy.object_names[cell.class_index])}</td>'
        f"<td>{percent(cell.probability)}</td><td>{'' if cell.unity is None else percent(cell.unity)}</td>"
        f"<td>{cell.state}</td></tr>"
        for cell in cells
    )
    head = "".join(f"<th scope=col>{word}</th>" for word in ("cell", "says", "probability", "unity", "what it does"))
    title = f"At {point_xy[0]},{point_xy[1]}"
    table = f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"
    return f'<section id="point"><h2>{title}</h2>{table}</section>'


def cell_in_words(cell: LevelCell, names: Sequence[str]) -> str:
    """One line for the terminal.

    >>> cell_in_words(LevelCell(8, (0, 0, 8, 8), 1, 0.83, 0.91, True, False), ["sky", "road"])
    '8 px: road 83 %, unity 91 %, speaks'
    """
    unity = "" if cell.unity is None else f", unity {percent(cell.unity)}"
    return f"{cell.cell_size} px: {names[cell.class_index]} {percent(cell.probability)}{unity}, {cell.state}"
