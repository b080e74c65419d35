"""Recipes that are no recipes. `BAD_TEXTS` maps a name to what makes the file's bytes from a sound recipe's text, and
to what must be said; `BAD_OVERRIDES` maps a command-line override to what must be said.
"""

from collections.abc import Callable

import numpy as np

from mereo.strict_yaml import dump_yaml, load_yaml

Change = Callable[[str, np.random.Generator], str | bytes]
PLAIN = "YAML must be plain data, but got: "
VALID = "recipe .*recipe.yaml must be valid, but got: "


def _with(line: str) -> Change:
    """The sound recipe and a line more."""
    return lambda text, random: f"{text}\n{line}\n"


def _put(path: str, value: str) -> Change:
    """Another value, written as it is, at one place."""

    def change(text: str, random: np.random.Generator) -> str:
        content = load_yaml(text, source="the sound recipe")
        *above, last = [int(step) if step.isdecimal() else step for step in path.split(".")]
        at = content
        for step in above:
            at = at[step]
        at[last] = "HERE"
        return dump_yaml(content).replace("HERE", value)

    return change


def _without(key: str) -> Change:
    """A top-level section left out."""

    def change(text: str, random: np.random.Generator) -> str:
        kept, is_inside = [], False
        for line in text.splitlines():
            is_inside = line.startswith(f"{key}:") or (is_inside and line[:1] in (" ", "-"))
            kept += [] if is_inside else [line]
        return "\n".join(kept)

    return change


def _laughs(text: str, random: np.random.Generator) -> str:
    """Ten aliases of ten aliases of ...: a billion words in two hundred bytes."""
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 10)]
    return "\n".join(lines)


def _cut_mark(text: str, random: np.random.Generator) -> str:
    """A quotation that nobody closes, at a place by chance."""
    at = int(random.integers(0, text.count("\n")))
    lines = text.splitlines()
    lines[at] += ' "'
    return "\n".join(lines)


BAD_TEXTS: dict[str, tuple[Change, str]] = {
    "empty": (lambda text, random: "", "recipe must be a mapping of keys, but got NoneType in .*recipe.yaml"),
    "comments only": (lambda text, random: "# nothing\n" * 9, "a mapping of keys, but got NoneType"),
    "a list": (lambda text, random: "- a\n- b\n", "a mapping of keys, but got list"),
    "a word": (lambda text, random: "recipe", "a mapping of keys, but got str"),
    "a number": (lambda text, random: "3", "a mapping of keys, but got int"),
    "JSON cut": (lambda text, random: '{"name": "x", "trai', PLAIN),
    "a billion laughs": (_laughs, PLAIN + "aliases are not allowed in .*recipe.yaml, line 2"),
    "an alias of itself": (lambda text, random: "a: &a [*a]", PLAIN + "aliases are not allowed"),
    "a python object": (
        _with("card: !!python/object/apply:os.system ['touch unpickled']"),
        PLAIN + "tag .*os.system' is not allowed",
    ),
    "a python module": (_with("card: !!python/module:os"), PLAIN + "tag .*module:os' is not allowed"),
    "a tag of one's own": (_with("card: !include other.yaml"), PLAIN + "tag '!include' is not allowed"),
    "binary": (_with("card: !!binary aGVsbG8="), PLAIN + "tag .*binary' is not allowed"),
    "a key twice": (_with("name: again"), PLAIN + "key 'name' stands twice in .*recipe.yaml, line"),
    "a merge key": (_with("<<: {steps: 3}"), VALID + r"\(top\): key must be a known one, but got '<<'"),
    "a list as key": (_with("[1, 2]: 3"), PLAIN + ".*is not a word"),
    "tabs": (lambda text, random: text.replace("  ", "\t"), PLAIN + "found character '.t' that cannot start any token"),
    "nested lists": (lambda text, random: "a: " + "[" * 5000, PLAIN + "nesting too deep"),
    "nested mappings": (lambda text, random: "{a: " * 5000, PLAIN + "nesting too deep"),
    "nested lines": (lambda text, random: "\n".join(" " * n + "a:" for n in range(1000)), PLAIN + "nesting too deep"),
    "a quotation without end": (_cut_mark, PLAIN + "|must be valid"),
    "a huge word": (_with("protocol: " + "x" * 1_100_000), "YAML must have at most 1000000 characters, but got 11"),
    "a huge number": (_put("training.steps", "9" * 5000), PLAIN + "a number of more than 1000 digits"),
    "a huge hexadecimal number": (
        _put("training.steps", "0x" + "f" * 5000),
        PLAIN + "a number of more than 1000 digits",
    ),
    "100 MB": (lambda text, random: b"# comment\n" * 10_000_000, "YAML must have at most 1000000 characters, but got"),
    "null bytes": (lambda text, random: text.replace("sgd", "s\0d") + "\0", PLAIN + ".*special characters"),
    "no UTF-8": (
        lambda text, random: text.encode() + b"\nrow: stra\xdfe\n",
        "YAML must be UTF-8 text, but got .*recipe",
    ),
    "UTF-16": (lambda text, random: text.encode("utf-16"), "YAML must be UTF-8 text, but got .*recipe.yaml"),
    "noise": (lambda text, random: random.bytes(3000), "YAML must be "),
    "a picture": (lambda text, random: b"\x89PNG\r\n\x1a\n" + bytes(99), "YAML must be "),
    "half a surrogate": (_with('row: "\\ud800"'), PLAIN + "half a surrogate pair"),
    "two documents": (_with("---\nname: b"), PLAIN + "found another document|" + PLAIN + "but found another"),
    "no name": (_without("name"), VALID + "name: Field required"),
    "no data": (_without("train_data"), VALID + "train_data: Field required"),
    "no parser": (_without("parser"), VALID + "parser: Field required"),
    "no training": (_without("training"), VALID + "training: Field required"),
    "an unknown section": (
        _with("trainig: {steps: 1}"),
        VALID + ".*key must be a known one, but got 'trainig'; did you",
    ),
    "an unknown key": (_put("training.batch_size", "4\n  batchsize: 4"), VALID + "training.*did you mean 'batch_size'"),
    "steps are yes": (_put("training.steps", "yes"), VALID + "training.steps: .*but got 'yes'"),
    "steps are true": (_put("training.steps", "true"), VALID + "training: steps must not be true or false"),
    "steps are null": (_put("training.steps", "~"), VALID + "training.steps: .*but got None"),
    "steps are a date": (_put("training.steps", "2024-01-01"), VALID + "training.steps: .*but got '2024-01-01'"),
    "steps are a time": (_put("training.steps", "12:30"), VALID + "training.steps: .*but got '12:30'"),
    "steps are a fraction": (_put("training.steps", "1.5"), VALID + "training.steps: .*but got 1.5"),
    "steps are a list": (_put("training.steps", "[1]"), VALID + "training.steps: "),
    "steps are negative": (
        _put("training.steps", "-5"),
        VALID + "training.steps: .*greater than or equal to 1, but got -5",
    ),
    "no steps": (_put("training.steps", "0"), VALID + "training.steps: .*greater than or equal to 1, but got 0"),
    "10^30 steps": (_put("training.steps", "1" + "0" * 30), VALID + "training.steps: .*less than or equal to"),
    "infinitely many steps": (_put("training.steps", ".inf"), VALID + "training.steps: "),
    "NaN steps": (_put("training.steps", ".nan"), VALID + "training.steps: "),
    "a crop of words": (_put("augmentation.crop", "[big, small]"), VALID + "augmentation.crop"),
    "a crop of nothing": (
        _put("augmentation.crop", "[0, 32]"),
        VALID + "augmentation: crop must be a height and a width of at least 1",
    ),
    "a crop of everything": (_put("augmentation.crop", "[100000, 100000]"), VALID + "augmentation: crop must be"),
    "a scale of NaN": (_put("augmentation.scale", "[.nan, 1]"), VALID + "augmentation.scale"),
    "colour as text": (_put("augmentation.colour", "strong"), VALID + "augmentation.colour: .*but got 'strong'"),
    "training is a list": (
        lambda text, random: _without("training")(text, random) + "\ntraining: [1]",
        VALID + "training: ",
    ),
    "an unknown stage": (_put("parser.path.0.stage", "projektion"), VALID + "parser.path.0: Input tag 'projektion'"),
    "an unknown format": (_put("train_data.format", "pickle"), VALID + "train_data: Input tag 'pickle'"),
    "a name that climbs": (_put("name", "../../x"), VALID + "name: String should match pattern"),
    "a name of 100 letters": (_put("name", "x" * 100), VALID + "name: String should match pattern"),
}

GOOD_TEXTS: dict[str, Change] = {
    "a byte order mark": lambda text, random: b"\xef\xbb\xbf" + text.encode(),
    "Windows line ends": lambda text, random: text.replace("\n", "\r\n"),
    "a document mark": lambda text, random: "---\n" + text + "\n...\n",
    "numbers in words": _put("training.steps", "1e1"),
    "octal is decimal": _put("training.steps", "010"),
}

BAD_OVERRIDES: dict[str, str] = {
    "training": "an override must be key.path=value, but got 'training'",
    "training.steps": "an override must be key.path=value",
    "=3": "an override must be key.path=value",
    ".=3": "an override must be key.path=value",
    "training.=3": "an override must be key.path=value",
    "training..steps=3": "an override must be key.path=value",
    ".".join(["a"] * 20_000) + "=3": "an override must be key.path=value",
    "training.stepz=3": "training.*key must be a known one, but got 'stepz'; did you mean 'steps'",
    "TRAINING.steps=3": r"\(top\): key must be a known one, but got 'TRAINING'; did you mean 'training'|known keys",
    "__class__=3": "key must be a known one, but got '__class__'",
    "model_config={}": "key must be a known one, but got 'model_config'",
    "training.steps=": "training.steps: .*but got None",
    "training.steps=[": "YAML must be plain data, but got: .* in override 'training.steps=.'",
    "training.steps=*a": "aliases are not allowed in override",
    "training.steps=!!int 3": "tag .* is not allowed in override",
    "training.steps=\0": "special characters are not allowed in override|YAML must be",
    "training.steps=3=4": "training.steps: .*but got '3=4'",
    "training.steps=three": "training.steps: .*but got 'three'",
    "training.steps=-1": "training.steps: .*but got -1",
    "training.steps.deep=3": "an override must reach into a mapping, but got a value before 'deep'",
    "training.seed=-1": "training.seed: .*but got -1",
    "training.seed=1" + "0" * 30: "training.seed: ",
    "training.seed=" + "9" * 5000: "a number of more than 1000 digits in override",
    "training.num_workers=100000": "training.num_workers: .*but got 100000",
    "training.num_threads=100000": "training.num_threads: .*but got 100000",
    "training.num_devices=100000": "training.num_devices: .*but got 100000",
    "training.optimizer.learning_rate=.inf": "training.optimizer.learning_rate: ",
    "training.device=toaster": "training.device: .*but got 'toaster'",
    "parser.path.9.width=3": "a list place must be a number below 1, but got '9'",
    "parser.path.-1.width=3": "a list place must be a number below 1, but got '-1'",
    "parser.path." + "9" * 5000 + ".width=3": "a list place must be a number below 1, but got '9",
    "parser.path.0.width=1000000000": "parser.path.0.width: .*but got 1000000000",
    "parser.path=[{}]": "parser.path.0: Unable to extract tag",
    "parser.backbone.name=hf-hub:someone/something": "must be a timm model, but got 'hf-hub:someone/something'",
    "parser.backbone.weights=/dev/zero": "backbone weights must be 'hub' or a safetensors file, but got '/dev/zero'",
    "parser.backbone.output_stride=7": "parser.backbone.output_stride: .*but got 7",
    "parser.heads=[]": "a parser must have at least one head, but got none",
    "losses=[{loss: auxiliary_pixels, width: 1000000000}]": "losses.0.width: .*but got 1000000000",
    "losses=[{loss: auxiliary_pixels, level: 99}]": "level",
    "evaluation.scales=[1000]": "evaluation.scales.0: .*but got 1000",
    "train_data=null": "train_data: ",
    "train_data.root=nowhere": "a data root must be a folder, but got 'nowhere'",
    "train_data.root=/dev/null": "a data root must be a folder, but got '/dev/null'",
    "train_data.split=..": "split must be one of train, val, but got '..'",
    "train_data.split=nope": "split must be one of train, val, but got 'nope'",
    "train_data.description=/dev/zero": "a description must be a readable YAML file",
    "train_data={format: drawn_scenes, count: 1000000000000}": "train_data.count: .*but got 1000000000000",
    "train_data={format: drawn_scenes, count: 5, size: [0, 9]}": "size of drawn scenes must lie between",
    "start_from=/dev/zero": "parser must be a built-in name, a parser file or a run folder, but got '/dev/zero'",
    'card.title="\\e[2J"': "card: title must be printable",
}
