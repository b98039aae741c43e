"""Dumps attention and whole blocks of models of transformers and timm, small and random, with their state dicts as their files
have them: inputs, outputs, and frequencies of rotary embeddings.

    pip install torch numpy transformers timm
    python scripts/dump_models.py > cases/transformers.json
"""

import tempfile

import safetensors.torch
import timm
import torch
import transformers
from encoding import dump, encode, encode_all
from transformers.modeling_rope_utils import ROPE_INIT_FUNCTIONS

torch.manual_seed(0)
COMMON = {"attn_implementation": "eager"}
TRAINED = {"hidden_size": 16, "intermediate_size": 24, "num_attention_heads": 4, "num_hidden_layers": 1, "vocab_size": 11}


def randomize(model):
    for name, parameter in model.named_parameters():
        torch.nn.init.normal_(parameter, mean=1.0 if "norm" in name.lower() and name.endswith("weight") else 0.0, std=0.3)
    return model.eval()


def of_file(model, prefix):
    """The state dict as save_pretrained writes it, which may rename."""
    with tempfile.TemporaryDirectory() as folder:
        model.save_pretrained(folder)
        tensors = safetensors.torch.load_file(f"{folder}/model.safetensors")
    found = {name.removeprefix(prefix): tensor for name, tensor in tensors.items() if name.startswith(prefix)}
    assert found, f"{prefix} among {list(tensors)[:20]}"
    return found


@torch.no_grad()
def capture(name, layer, options, state_dict, inputs, run, **more):
    """layer: what of ours computes it. run: from named inputs to the output."""
    output = run(**inputs)
    return {
        "name": name,
        "layer": layer,
        "options": options,
        "stateDict": encode_all({k: v.float() for k, v in state_dict.items()}),
        "inputs": encode_all(inputs),
        "output": encode(output),
        **more,
    }


def hidden(length=5, width=16):
    return torch.randn(2, length, width)


def causal_mask(length, window=None):
    i, j = torch.arange(length)[:, None], torch.arange(length)[None]
    allowed = j <= i if window is None else (j <= i) & (j > i - window)
    return torch.where(allowed, 0.0, torch.finfo(torch.float32).min)[None, None]


def first(result):
    return result[0] if isinstance(result, tuple) else result


def decoder(name, config, model_class, options, prefix="layers.0.", block=None, window=None, layer_type=None):
    """A causal decoder with rotary positions: its attention, and the whole block where ours has the same one."""
    model = randomize(model_class(config))
    layer = model.layers[0]
    positions = torch.arange(5)[None]

    def rotary(x):
        arguments = () if layer_type is None else (layer_type,)
        return model.rotary_emb(x, positions, *arguments)

    attention = capture(
        name,
        "MultiHeadAttention",
        {"embedDim": 16, "heads": 4, **options},
        of_file(model, f"{prefix}self_attn."),
        {"query": hidden()},
        lambda query: first(
            layer.self_attn(
                hidden_states=query,
                position_embeddings=rotary(query),
                attention_mask=causal_mask(5, window),
            )
        ),
        causal=True,
        **({} if window is None else {"window": window}),
    )
    if block is None:
        return [attention]
    whole = capture(
        f"{name}, the block",
        "TransformerBlock",
        {"embedDim": 16, "heads": 4, "hiddenDim": 24, **block, "attention": options},
        of_file(model, prefix),
        {"input": hidden()},
        lambda input: first(
            layer(
                hidden_states=input,
                position_embeddings=rotary(input),
                attention_mask=causal_mask(5),
                position_ids=positions,
            )
        ),
        causal=True,
    )
    return [attention, whole]


def llamas():
    swiglu = {"norm": "rms", "epsilon": 1e-6, "activation": "silu", "gated": True, "bias": False}
    common = {**TRAINED, **COMMON, "num_key_value_heads": 2, "rms_norm_eps": 1e-6}
    t = transformers
    return [
        *decoder(
            "Llama",
            t.LlamaConfig(**common),
            t.LlamaModel,
            {"kvHeads": 2, "bias": False, "rotary": {}},
            block=swiglu,
        ),
        *decoder(
            "Qwen2",
            t.Qwen2Config(**common),
            t.Qwen2Model,
            {"kvHeads": 2, "bias": {"output": False}, "rotary": {"base": t.Qwen2Config(**common).rope_parameters["rope_theta"]}},
            block=swiglu,
        ),
        *decoder(
            "Qwen3",
            t.Qwen3Config(**common, head_dim=6),
            t.Qwen3Model,
            {
                "kvHeads": 2,
                "headDim": 6,
                "bias": False,
                "queryKeyNorm": {},
                "rotary": {"base": t.Qwen3Config(**common).rope_parameters["rope_theta"]},
            },
            block=swiglu,
        ),
        *decoder(
            "Phi-3",
            t.Phi3Config(**common, pad_token_id=0, resid_pdrop=0.0),
            t.Phi3Model,
            {"kvHeads": 2, "bias": False, "rotary": {}},
            block=swiglu,
        ),
    ]


def gpt_oss():
    config = transformers.GptOssConfig(
        **{**TRAINED, **COMMON, "num_key_value_heads": 2},
        head_dim=8,
        num_local_experts=2,
        num_experts_per_tok=1,
        sliding_window=2,
        layer_types=["sliding_attention"],
    )
    rope = config.rope_parameters
    assert rope["rope_type"] == "yarn"
    return decoder(
        "gpt-oss",
        config,
        transformers.GptOssModel,
        {
            "kvHeads": 2,
            "headDim": 8,
            "sinks": True,
            "rotary": {
                "base": rope["rope_theta"],
                "scaling": {
                    "kind": "yarn",
                    "factor": rope["factor"],
                    "trainedLength": rope["original_max_position_embeddings"],
                    "betaFast": rope["beta_fast"],
                    "betaSlow": rope["beta_slow"],
                    "truncate": rope["truncate"],
                },
            },
        },
        window=2,
    )


def gemma3():
    config = transformers.Gemma3TextConfig(
        **{**TRAINED, **COMMON, "num_key_value_heads": 2},
        head_dim=8,
        query_pre_attn_scalar=12,
        layer_types=["full_attention"],
    )
    return decoder(
        "Gemma 3",
        config,
        transformers.Gemma3TextModel,
        {
            "kvHeads": 2,
            "headDim": 8,
            "bias": False,
            "scale": 12**-0.5,
            "queryKeyNorm": {"unitOffset": True},
            "rotary": {"base": config.rope_parameters["full_attention"]["rope_theta"]},
        },
        layer_type="full_attention",
    )


def old_llama():
    """Files of 2023 had the frequencies beside the projections."""
    (case, *_) = llamas()[:1]
    frequencies = 10000.0 ** (-torch.arange(0, 4, 2) / 4)
    case["stateDict"]["rotary_emb.inv_freq"] = encode(frequencies)
    return [{**case, "name": "Llama of 2023, with rotary_emb.inv_freq"}]


def neox():
    config = transformers.GPTNeoXConfig(**{**TRAINED, "num_attention_heads": 2}, **COMMON, rotary_pct=0.5)
    model = randomize(transformers.GPTNeoXModel(config))
    attention = model.layers[0].attention
    return [
        capture(
            "GPT-NeoX, stacked head by head",
            "MultiHeadAttention",
            {"embedDim": 16, "heads": 2, "rotary": {"dim": 4}},
            of_file(model, "layers.0.attention."),
            {"query": hidden()},
            lambda query: first(
                attention(
                    hidden_states=query,
                    position_embeddings=model.rotary_emb(query, torch.arange(5)[None]),
                    attention_mask=causal_mask(5),
                )
            ),
            causal=True,
        )
    ]


def gpt2():
    config = transformers.GPT2Config(**COMMON, n_embd=16, n_head=4, n_layer=1, n_positions=8, vocab_size=11)
    model = randomize(transformers.GPT2Model(config))
    block = model.h[0]
    file = of_file(model, "h.0.")
    # Files of the hub have the mask, too.
    mask = {"attn.bias": torch.tril(torch.ones(8, 8))[None, None], "attn.masked_bias": torch.tensor(-1e4)}
    return [
        capture(
            "GPT-2",
            "MultiHeadAttention",
            {"embedDim": 16, "heads": 4},
            {k.removeprefix("attn."): v for k, v in {**file, **mask}.items() if k.startswith("attn.")},
            {"query": hidden()},
            lambda query: first(block.attn(query, attention_mask=causal_mask(5))),
            causal=True,
        ),
        capture(
            "GPT-2, the block",
            "TransformerBlock",
            {"embedDim": 16, "heads": 4, "activation": "geluTanh"},
            {**file, **mask},
            {"input": hidden()},
            lambda input: first(block(input, attention_mask=causal_mask(5))),
            causal=True,
        ),
    ]


def bert():
    config = transformers.BertConfig(**TRAINED, **COMMON)
    model = randomize(transformers.BertModel(config))
    block = model.encoder.layer[0]
    return [
        capture(
            "BERT, the block",
            "TransformerBlock",
            {"embedDim": 16, "heads": 4, "hiddenDim": 24, "normFirst": False, "epsilon": 1e-12},
            of_file(model, "encoder.layer.0."),
            {"input": hidden()},
            lambda input: first(block(input)),
        )
    ]


def distilbert():
    config = transformers.DistilBertConfig(**COMMON, dim=16, hidden_dim=24, n_heads=4, n_layers=1, vocab_size=11)
    model = randomize(transformers.DistilBertModel(config))
    block = model.transformer.layer[0]
    return [
        capture(
            "DistilBERT",
            "MultiHeadAttention",
            {"embedDim": 16, "heads": 4},
            of_file(model, "transformer.layer.0.attention."),
            {"query": hidden()},
            lambda query: first(block.attention(query)),
        ),
        capture(
            "DistilBERT, the block",
            "TransformerBlock",
            {"embedDim": 16, "heads": 4, "hiddenDim": 24, "normFirst": False, "epsilon": 1e-12},
            of_file(model, "transformer.layer.0."),
            {"input": hidden()},
            lambda input: first(block(input)),
        ),
    ]


def whisper():
    config = transformers.WhisperConfig(
        **COMMON,
        d_model=16,
        encoder_layers=1,
        decoder_layers=1,
        encoder_attention_heads=4,
        decoder_attention_heads=4,
        encoder_ffn_dim=24,
        decoder_ffn_dim=24,
        vocab_size=60,
        pad_token_id=0,
        bos_token_id=1,
        eos_token_id=2,
        decoder_start_token_id=1,
    )
    model = randomize(transformers.WhisperModel(config))
    encoder, block = model.encoder.layers[0], model.decoder.layers[0]
    options = {"embedDim": 16, "heads": 4}
    return [
        capture(
            "Whisper, whose key has no bias",
            "MultiHeadAttention",
            {**options, "bias": {"key": False}},
            of_file(model, "encoder.layers.0.self_attn."),
            {"query": hidden()},
            lambda query: first(encoder.self_attn(query)),
        ),
        capture(
            "Whisper, cross-attention, into a layer with all biases",
            "MultiHeadAttention",
            options,
            of_file(model, "decoder.layers.0.encoder_attn."),
            {"query": hidden(), "key": hidden(7)},
            lambda query, key: first(block.encoder_attn(query, key_value_states=key)),
        ),
        capture(
            "Whisper, the decoder's block",
            "TransformerBlock",
            {**options, "hiddenDim": 24, "cross": True, "attention": {"bias": {"key": False}}},
            of_file(model, "decoder.layers.0."),
            {"input": hidden(), "memory": hidden(7)},
            lambda input, memory: first(
                block(input, attention_mask=causal_mask(5), encoder_hidden_states=memory, use_cache=False)
            ),
            causal=True,
        ),
    ]


def t5():
    config = transformers.T5Config(
        d_model=16, d_kv=4, d_ff=24, num_heads=4, num_layers=1, vocab_size=11, feed_forward_proj="gated-gelu", dropout_rate=0.0
    )
    config._attn_implementation = "eager"
    model = randomize(transformers.T5Model(config))
    cases = []
    for side, bidirectional in [("encoder", True), ("decoder", False)]:
        block = getattr(model, side).block[0]
        attention = block.layer[0].SelfAttention
        relative = {"heads": 4, "buckets": 32, "maxDistance": 128, "bidirectional": bidirectional}
        # Long enough for the buckets that hold several distances.
        cases.append(
            capture(
                f"T5, {side}",
                "MultiHeadAttention",
                {"embedDim": 16, "heads": 4, "bias": False, "scale": 1},
                of_file(model, f"{side}.block.0.layer.0.SelfAttention."),
                {"query": torch.randn(1, 40, 16)},
                lambda query: first(attention(query, mask=None if bidirectional else causal_mask(40))),
                causal=not bidirectional,
                relative=relative,
            )
        )
        memory = {} if bidirectional else {"memory": torch.randn(1, 7, 16)}
        cases.append(
            capture(
                f"T5, {side}, the block",
                "TransformerBlock",
                {
                    "embedDim": 16,
                    "heads": 4,
                    "hiddenDim": 24,
                    "norm": "rms",
                    "activation": "geluTanh",
                    "gated": True,
                    "bias": False,
                    "cross": not bidirectional,
                    "attention": {"scale": 1},
                },
                of_file(model, f"{side}.block.0."),
                {"input": torch.randn(1, 5, 16), **memory},
                lambda input, memory=None: first(
                    block(
                        input,
                        attention_mask=None if bidirectional else causal_mask(5),
                        encoder_hidden_states=memory,
                        use_cache=False,
                    )
                ),
                causal=not bidirectional,
                relative=relative,
            )
        )
    return cases


def vit():
    config = transformers.ViTConfig(**{**TRAINED, **COMMON}, image_size=8, patch_size=4)
    model = randomize(transformers.ViTModel(config, add_pooling_layer=False))
    block = model.layers[0]
    small = timm.models.vision_transformer.VisionTransformer(
        img_size=8, patch_size=4, embed_dim=16, depth=1, num_heads=4, mlp_ratio=1.5
    )
    timm_block = randomize(small).blocks[0]
    options = {"embedDim": 16, "heads": 4}
    return [
        capture(
            "ViT of the hub",
            "MultiHeadAttention",
            options,
            of_file(model, "encoder.layer.0.attention."),
            {"query": hidden()},
            lambda query: first(block.attention(query)),
        ),
        capture(
            "ViT of the hub, the block",
            "TransformerBlock",
            {**options, "hiddenDim": 24, "epsilon": 1e-12},
            of_file(model, "encoder.layer.0."),
            {"input": hidden()},
            lambda input: first(block(input)),
        ),
        capture(
            "ViT of timm",
            "MultiHeadAttention",
            options,
            timm_block.attn.state_dict(),
            {"query": hidden()},
            lambda query: timm_block.attn(query),
        ),
        capture(
            "ViT of timm, the block",
            "TransformerBlock",
            {**options, "hiddenDim": 24, "epsilon": 1e-6},
            timm_block.state_dict(),
            {"input": hidden()},
            lambda input: timm_block(input),
        ),
    ]


@torch.no_grad()
def torch_block(name, layer, options, memory):
    randomize(layer)
    inputs = {"input": hidden(), **({"memory": hidden(7)} if memory else {})}
    mask = torch.triu(torch.full((5, 5), -torch.inf), 1)
    return capture(
        name,
        "TransformerBlock",
        {"embedDim": 16, "heads": 4, "hiddenDim": 24, **options},
        layer.state_dict(),
        inputs,
        (lambda input, memory: layer(input, memory, tgt_mask=mask)) if memory else (lambda input: layer(input)),
        **({"causal": True} if memory else {}),
    )


def torch_blocks():
    cases = []
    for first_norm in [True, False]:
        common = {"dropout": 0.0, "batch_first": True, "norm_first": first_norm}
        where = "pre-norm" if first_norm else "post-norm"
        options = {"normFirst": first_norm, "activation": "relu"}
        encoder = torch.nn.TransformerEncoderLayer(16, 4, 24, **common)
        decoder_layer = torch.nn.TransformerDecoderLayer(16, 4, 24, **common)
        cases.append(torch_block(f"torch.nn.TransformerEncoderLayer, {where}", encoder, options, False))
        cases.append(
            torch_block(f"torch.nn.TransformerDecoderLayer, {where}", decoder_layer, {**options, "cross": True}, True)
        )
    return cases


def frequencies(name, ours, length=None, partial=1.0, **parameters):
    config = transformers.LlamaConfig(
        hidden_size=128,
        num_attention_heads=2,
        head_dim=64,
        max_position_embeddings=2048,
        rope_parameters={"rope_theta": 10000.0, "partial_rotary_factor": partial, **parameters},
    )
    table, factor = ROPE_INIT_FUNCTIONS[parameters["rope_type"]](config, torch.device("cpu"), seq_len=length)
    return {
        "name": name,
        "options": {"dim": int(64 * partial), **ours},
        "length": length or 0,
        "frequencies": table.tolist(),
        "factor": factor,
    }


def rotary_tables():
    old = {"original_max_position_embeddings": 2048}
    yarn = {"kind": "yarn", "factor": 8.0, "trainedLength": 2048}
    llama3 = {"factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0}
    return [
        frequencies("linear", {"scaling": {"kind": "linear", "factor": 4.0}}, rope_type="linear", factor=4.0),
        frequencies(
            "dynamic NTK, longer",
            {"scaling": {"kind": "dynamic", "factor": 2.0, "trainedLength": 2048}},
            length=5000,
            rope_type="dynamic",
            factor=2.0,
        ),
        frequencies(
            "dynamic NTK, no longer than in training",
            {"scaling": {"kind": "dynamic", "factor": 2.0, "trainedLength": 2048}},
            length=100,
            rope_type="dynamic",
            factor=2.0,
        ),
        # Twice the trained length with factor 2 is a base for 2 · 2 − 1.
        frequencies(
            "NTK", {"scaling": {"kind": "ntk", "factor": 3.0}}, length=4096, rope_type="dynamic", factor=2.0
        ),
        frequencies("YaRN", {"scaling": yarn}, rope_type="yarn", factor=8.0, **old),
        frequencies("YaRN of part of the head", {"scaling": yarn}, partial=0.5, rope_type="yarn", factor=8.0, **old),
        frequencies(
            "YaRN of gpt-oss",
            {"base": 150000.0, "scaling": {**yarn, "factor": 32.0, "truncate": False, "betaFast": 32, "betaSlow": 1}},
            rope_type="yarn",
            factor=32.0,
            truncate=False,
            beta_fast=32.0,
            beta_slow=1.0,
            **{**old, "rope_theta": 150000.0},
        ),
        frequencies(
            "YaRN of DeepSeek",
            {"scaling": {**yarn, "factor": 40.0, "mscale": 1.0, "mscaleAllDim": 0.8}},
            rope_type="yarn",
            factor=40.0,
            mscale=1.0,
            mscale_all_dim=0.8,
            **old,
        ),
        frequencies(
            "Llama 3",
            {
                "base": 500000.0,
                "scaling": {
                    "kind": "llama3",
                    "factor": 8.0,
                    "lowFrequencyFactor": 1.0,
                    "highFrequencyFactor": 4.0,
                    "trainedLength": 2048,
                },
            },
            rope_type="llama3",
            **{**llama3, **old, "rope_theta": 500000.0},
        ),
    ]


dump(
    transformers=transformers.__version__,
    timm=timm.__version__,
    cases=[
        *torch_blocks(),
        *llamas(),
        *old_llama(),
        *gpt_oss(),
        *gemma3(),
        *neox(),
        *gpt2(),
        *bert(),
        *distilbert(),
        *whisper(),
        *t5(),
        *vit(),
    ],
    rotary=rotary_tables(),
)
