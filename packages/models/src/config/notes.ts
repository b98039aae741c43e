/** Fields of config.json that do not change the forward pass of any family. */
export const NOTES: readonly string[] = [
  ...['_name_or_path', '_attn_implementation_autoset', 'architectures', 'auto_map', 'dtype', 'torch_dtype'],
  ...['transformers_version', 'transformers.js_config', 'model_type', 'is_llama_config', 'use_cache'],
  ...['bos_token_id', 'eos_token_id', 'pad_token_id', 'initializer_range', 'attention_dropout'],
  ...[
    'output_attentions',
    'output_hidden_states',
    'return_dict',
    'chunk_size_feed_forward',
    'id2label',
    'label2id',
  ],
  ...['is_decoder', 'is_encoder_decoder', 'task_specific_params', 'problem_type'],
];
