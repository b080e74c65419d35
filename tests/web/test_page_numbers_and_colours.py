"""What the page counts and colours itself: things of a class, and the classes of two parsers side by side."""

from page_in_node import answer_of_page


def test_things_are_counted_within_their_class_where_there_are_several() -> None:
    script = """
        import { prepared } from "./maps.js";
        const nothing = { width: 1, height: 1, runs: "" };
        const { segments } = prepared({ ...given.parse, tasks: {}, segment_map: nothing });
        answer(segments.map(({ name, number }) => [name, number]));
    """
    segments = [("car", 7), ("road", 0), ("person", 1), ("car", 2), ("bicycle", 9), ("person", 4)]
    parse = {"segments": [{"name": name, "instance_id": id} for name, id in segments]}
    assert answer_of_page(script, parse=parse) == [
        ["car", 1],
        ["road", 0],
        ["person", 1],
        ["car", 2],
        ["bicycle", 0],
        ["person", 2],
    ]


def test_classes_of_one_name_have_one_colour_and_no_other_has_it() -> None:
    script = """
        import { coloursBeside } from "./layers.js";
        answer(coloursBeside(given.first, given.second));
    """
    palette = [f"#0000{number:02x}" for number in range(5)]
    first = {"classes": ["sky", "road", "car"], "colours": palette[:3]}
    second = {"classes": ["wall", "road", "lamp", "sky", "rug"], "colours": palette}
    found = answer_of_page(script, first=first, second=second)
    assert found[1] == palette[1] and found[3] == palette[0]
    assert found[0] == palette[3] and found[2] == palette[4]
    assert found[4] == palette[4], "more classes than colours: its own"
