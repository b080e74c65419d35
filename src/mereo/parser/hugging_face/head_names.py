"""Names of transformers' MaskFormer, Mask2Former and UperNet -> those of Mereo's heads and neck."""

import re

from mereo.parser.hugging_face.renaming import Rule, shifted

PIXELS = r"model\.pixel_level_module\."
QUERIES = r"model\.transformer_module\."
_LETTERS = {"q": "query", "k": "key", "v": "value"}


def _attention(theirs: str, ours: str) -> tuple[Rule, ...]:
    """The four projections of a layer's attention, and the norm behind it."""
    return (
        (
            QUERIES + rf"decoder\.layers\.(\d+)\.{theirs}\.([qkv])_proj\.(.*)",
            lambda found: found.expand(rf"layers.\1.{ours}.attention.{_LETTERS[found.group(2)]}.\3"),
        ),
        (
            QUERIES + rf"decoder\.layers\.(\d+)\.{theirs}\.(?:out|o)_proj\.(.*)",
            rf"layers.\1.{ours}.attention.out.\2",
        ),
        (QUERIES + rf"decoder\.layers\.(\d+)\.{theirs}_layer_norm\.(.*)", rf"layers.\1.{ours}.norm.\2"),
    )


def _feed_forward(theirs: str, ours: str) -> tuple[Rule, ...]:
    return (
        (theirs + r"layers\.(\d+)\.(?:mlp\.)?fc1\.(.*)", rf"{ours}layers.\1.think.widen.\2"),
        (theirs + r"layers\.(\d+)\.(?:mlp\.)?fc2\.(.*)", rf"{ours}layers.\1.think.narrow.\2"),
        (theirs + r"layers\.(\d+)\.final_layer_norm\.(.*)", rf"{ours}layers.\1.think.norm.\2"),
    )


_BOTH: tuple[Rule, ...] = (
    (r"class_predictor\.(.*)", r"classify.\1"),
    (
        r"(?:model\.transformer_module\.decoder\.mask_predictor\.)?mask_embedder\.(\d)\.0\.(.*)",
        lambda found: found.expand(rf"mask_vector.{2 * int(found.group(1))}.\2"),
    ),
    (QUERIES + r"queries_embedder\.weight", r"query_places.weight"),
    (QUERIES + r"decoder\.layernorm\.(.*)", r"norm.\1"),
    (PIXELS + r"decoder\.mask_projection\.(.*)", r"pixel_decoder.embed.\1"),
    *_attention("self_attn", "among"),
    *_feed_forward(QUERIES + r"decoder\.", ""),
)
# The pyramid's layers run from the coarse to the fine map; ours are counted as the maps are.
MASKFORMER: tuple[Rule, ...] = (
    *_BOTH,
    *_attention("encoder_attn", "into"),
    (QUERIES + r"input_projection\.(.*)", r"project.\1"),
    (PIXELS + r"decoder\.fpn\.stem\.(.*)", r"pixel_decoder.start.\1"),
    *(
        (PIXELS + rf"decoder\.fpn\.layers\.{layer}\.{theirs}\.(.*)", rf"pixel_decoder.{ours}.{2 - layer}.\1")
        for layer in range(3)
        for theirs, ours in (("proj", "laterals"), ("block", "smooth"))
    ),
)
MASK2FORMER: tuple[Rule, ...] = (
    *_BOTH,
    *_feed_forward(PIXELS + r"decoder\.encoder\.", "pixel_decoder."),
    *(
        (
            PIXELS + rf"decoder\.encoder\.layers\.(\d+)\.self_attn\.{theirs}\.(.*)",
            rf"pixel_decoder.layers.\1.attention.{ours}.\2",
        )
        for theirs, ours in (
            ("sampling_offsets", "offsets"),
            ("attention_weights", "weights"),
            ("value_proj", "value"),
            ("output_proj", "out"),
        )
    ),
    (
        PIXELS + r"decoder\.encoder\.layers\.(\d+)\.self_attn_layer_norm\.(.*)",
        r"pixel_decoder.layers.\1.norm.\2",
    ),
    (PIXELS + r"decoder\.input_projections\.(.*)", r"pixel_decoder.projections.\1"),
    (PIXELS + r"decoder\.level_embed", r"pixel_decoder.scale_positions"),
    (PIXELS + r"decoder\.adapter_(\d)\.(.*)", shifted(r"pixel_decoder.laterals.#.\2", -1)),
    (PIXELS + r"decoder\.layer_(\d)\.(.*)", shifted(r"pixel_decoder.smooth.#.\2", -1)),
    (QUERIES + r"queries_features\.weight", r"queries.weight"),
    (QUERIES + r"level_embed\.weight", r"scale_vectors.weight"),
    (QUERIES + r"decoder\.layers\.(\d+)\.cross_attn\.out_proj\.(.*)", r"layers.\1.into.attention.out.\2"),
    # One tensor that becomes three, cut by `cut_parts`.
    (QUERIES + r"decoder\.layers\.(\d+)\.cross_attn\.in_proj_(weight|bias)", r"layers.\1.into.attention.@.\2"),
    (QUERIES + r"decoder\.layers\.(\d+)\.cross_attn_layer_norm\.(.*)", r"layers.\1.into.norm.\2"),
)


def _conv_norm(theirs: str, ours: str) -> tuple[Rule, ...]:
    """`theirs` may hold one group, the level, which stands in `ours` as \\1."""
    last = re.compile(theirs).groups + 1
    return (
        (rf"decode_head\.{theirs}\.conv\.(.*)", rf"{ours}.0.\{last}"),
        (rf"decode_head\.{theirs}\.batch_norm\.(.*)", rf"{ours}.1.\{last}"),
    )


UPERNET_NECK: tuple[Rule, ...] = (
    *_conv_norm(r"psp_modules\.(\d+)\.1", r"pooling.branches.\1"),
    *_conv_norm(r"bottleneck", r"pooling.project"),
    *_conv_norm(r"lateral_convs\.(\d+)", r"laterals.\1"),
    *_conv_norm(r"fpn_convs\.(\d+)", r"smooth.\1"),
    *_conv_norm(r"fpn_bottleneck", r"fuse"),
)
UPERNET_HEAD: tuple[Rule, ...] = ((r"decode_head\.classifier\.(.*)", r"classify.\1"),)
