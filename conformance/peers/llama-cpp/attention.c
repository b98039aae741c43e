// Attention of ggml, the library of llama.cpp, for the conformance suite: a line and raw bytes in, the same out.
//
// Requests, one line each on standard input:
//   version
//   attend BATCH HEADS KV_HEADS QUERIES KEYS SIZE VALUE_SIZE TYPE LAYOUT SCALE SOFTCAP MASK_HEADS MASK_BATCH SINKS
// TYPE is that of keys and values: f32, f16 or bf16. LAYOUT is bhld or blhd. MASK_HEADS is 0 for no mask. After the
// line come the bytes of the queries (f32), the keys, the values, the mask (f16, [MASK_BATCH, MASK_HEADS, QUERIES,
// KEYS]) and the sinks (f32, one a head). The answer is a line `ok COUNT` and as many f32, [BATCH, QUERIES, HEADS,
// VALUE_SIZE]. An assertion of ggml ends the process.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ggml-cpu.h"
#include "ggml.h"

static void read_into(struct ggml_tensor *tensor) {
  const size_t size = ggml_nbytes(tensor);
  if (size > 0 && fread(tensor->data, 1, size, stdin) != size) exit(1);
}

// [B, H, L, D], or [B, L, H, D] with the axes exchanged by strides; ggml names lengths from the last axis on.
static struct ggml_tensor *tensor_of(struct ggml_context *context, enum ggml_type type, int is_blhd, int64_t size,
                                     int64_t length, int64_t heads, int64_t batch) {
  struct ggml_tensor *tensor = is_blhd ? ggml_new_tensor_4d(context, type, size, heads, length, batch)
                                       : ggml_new_tensor_4d(context, type, size, length, heads, batch);
  read_into(tensor);
  return is_blhd ? ggml_permute(context, tensor, 0, 2, 1, 3) : tensor;
}

static void attend(const char *line) {
  long batch, heads, kv_heads, queries, keys, size, value_size, mask_heads, mask_batch, has_sinks;
  char type_name[8], layout[8];
  float scale, softcap;
  if (sscanf(line, "attend %ld %ld %ld %ld %ld %ld %ld %7s %7s %f %f %ld %ld %ld", &batch, &heads, &kv_heads, &queries,
             &keys, &size, &value_size, type_name, layout, &scale, &softcap, &mask_heads, &mask_batch,
             &has_sinks) != 14) {
    exit(2);
  }
  const enum ggml_type type = strcmp(type_name, "f32") == 0   ? GGML_TYPE_F32
                              : strcmp(type_name, "f16") == 0 ? GGML_TYPE_F16
                                                              : GGML_TYPE_BF16;
  const int is_blhd = strcmp(layout, "blhd") == 0;
  const size_t numbers = batch * (heads * queries * (size + value_size + 2) + kv_heads * keys * (size + value_size)) +
                         mask_batch * mask_heads * queries * keys + heads;
  struct ggml_init_params params = {.mem_size = (64u << 20) + 8 * numbers, .mem_buffer = NULL, .no_alloc = false};
  struct ggml_context *context = ggml_init(params);

  struct ggml_tensor *query = tensor_of(context, GGML_TYPE_F32, is_blhd, size, queries, heads, batch);
  struct ggml_tensor *key = tensor_of(context, type, is_blhd, size, keys, kv_heads, batch);
  struct ggml_tensor *value = tensor_of(context, type, is_blhd, value_size, keys, kv_heads, batch);
  struct ggml_tensor *mask = NULL;
  if (mask_heads > 0) {
    mask = ggml_new_tensor_4d(context, GGML_TYPE_F16, keys, queries, mask_heads, mask_batch);
    read_into(mask);
  }
  struct ggml_tensor *sinks = NULL;
  if (has_sinks) {
    sinks = ggml_new_tensor_1d(context, GGML_TYPE_F32, heads);
    read_into(sinks);
  }
  struct ggml_tensor *output = ggml_flash_attn_ext(context, query, key, value, mask, scale, 0.0f, softcap);
  if (sinks != NULL) ggml_flash_attn_ext_add_sinks(output, sinks);
  ggml_prec_set_acc(output, GGML_PREC_F32);  // as llama.cpp asks for
  struct ggml_cgraph *graph = ggml_new_graph(context);
  ggml_build_forward_expand(graph, output);
  const enum ggml_status status = ggml_graph_compute_with_ctx(context, graph, 1);
  if (status != GGML_STATUS_SUCCESS) {
    printf("error ggml status %d\n", status);
  } else {
    printf("ok %ld\n", (long)ggml_nelements(output));
    fwrite(output->data, sizeof(float), ggml_nelements(output), stdout);
  }
  fflush(stdout);
  ggml_free(context);
}

int main(void) {
  char line[512];
  ggml_cpu_init();
  while (fgets(line, sizeof line, stdin) != NULL) {
    if (strncmp(line, "attend ", 7) == 0) {
      attend(line);
    } else {
      printf("%s\n", ggml_version());
      fflush(stdout);
    }
  }
  return 0;
}
