"""Names of transformers' Swin, ConvNeXt and ResNet -> those of timm's, as TimmBackbone holds them."""

from mereo.parser.hugging_face.renaming import Rule, shifted

SWIN: tuple[Rule, ...] = (
    (r"embeddings\.patch_embeddings\.projection\.(.*)", r"network.patch_embed.proj.\1"),
    (r"embeddings\.norm\.(.*)", r"network.patch_embed.norm.\1"),
    (r"encoder\.layers\.(\d+)\.downsample\.(.*)", shifted(r"network.layers_#.downsample.\2", 1)),
    (r"encoder\.layers\.(\d+\.blocks\.\d+)\.layernorm_before\.(.*)", r"network.layers_\1.norm1.\2"),
    (r"encoder\.layers\.(\d+\.blocks\.\d+)\.layernorm_after\.(.*)", r"network.layers_\1.norm2.\2"),
    (
        r"encoder\.layers\.(\d+\.blocks\.\d+)\.attention\.(self\.|relative_position_bias\.)relative_position_bias_table",
        r"network.layers_\1.attn.relative_position_bias_table",
    ),
    # Three tensors that become one, joined by `joined_parts`.
    (
        r"encoder\.layers\.(\d+\.blocks\.\d+)\.attention\.(?:self\.)?(query|key|value|[qkv]_proj)\.(.*)",
        lambda found: found.expand(rf"network.layers_\1.attn.qkv.\3#{'qkv'.index(found.group(2)[0])}"),
    ),
    (
        r"encoder\.layers\.(\d+\.blocks\.\d+)\.attention\.(?:output\.dense|o_proj)\.(.*)",
        r"network.layers_\1.attn.proj.\2",
    ),
    (
        r"encoder\.layers\.(\d+\.blocks\.\d+)\.(?:intermediate\.dense|mlp\.fc1)\.(.*)",
        r"network.layers_\1.mlp.fc1.\2",
    ),
    (r"encoder\.layers\.(\d+\.blocks\.\d+)\.(?:output\.dense|mlp\.fc2)\.(.*)", r"network.layers_\1.mlp.fc2.\2"),
    (r"hidden_states_norms\.stage(\d+)\.(.*)", shifted(r"norms.#.\2", -1)),
    (r"hidden_states_norms\.(\d+)\.(.*)", r"norms.\1.\2"),
)
CONVNEXT: tuple[Rule, ...] = (
    (r"embeddings\.patch_embeddings\.(.*)", r"network.stem_0.\1"),
    (r"embeddings\.layernorm\.(.*)", r"network.stem_1.\1"),
    (r"encoder\.stages\.(\d+)\.downsampling_layer\.(.*)", r"network.stages_\1.downsample.\2"),
    (r"encoder\.stages\.(\d+)\.layers\.(\d+)\.dwconv\.(.*)", r"network.stages_\1.blocks.\2.conv_dw.\3"),
    (r"encoder\.stages\.(\d+)\.layers\.(\d+)\.layernorm\.(.*)", r"network.stages_\1.blocks.\2.norm.\3"),
    (r"encoder\.stages\.(\d+)\.layers\.(\d+)\.pwconv([12])\.(.*)", r"network.stages_\1.blocks.\2.mlp.fc\3.\4"),
    (r"encoder\.stages\.(\d+)\.layers\.(\d+)\.layer_scale_parameter", r"network.stages_\1.blocks.\2.gamma"),
    (r"hidden_states_norms\.stage(\d+)\.(.*)", shifted(r"norms.#.\2", -1)),
)
_STAGE = r"encoder\.stages\.(\d+)\.layers\.(\d+)\."
RESNET: tuple[Rule, ...] = (
    (r"embedder\.embedder\.convolution\.(.*)", r"network.conv1.\1"),
    (r"embedder\.embedder\.normalization\.(.*)", r"network.bn1.\1"),
    (_STAGE + r"shortcut\.convolution\.(.*)", shifted(r"network.layer#.\2.downsample.0.\3", 1)),
    (_STAGE + r"shortcut\.normalization\.(.*)", shifted(r"network.layer#.\2.downsample.1.\3", 1)),
    *(
        (_STAGE + rf"layer\.{index}\.{theirs}\.(.*)", shifted(rf"network.layer#.\2.{ours}{index + 1}.\3", 1))
        for index in range(3)
        for theirs, ours in (("convolution", "conv"), ("normalization", "bn"))
    ),
)
BACKBONES = {"swin": SWIN, "maskformer-swin": SWIN, "convnext": CONVNEXT, "resnet": RESNET}
