// Two equal keys with values of 40000 in float16, one query: the weighted sum, before it is divided by the sum of the
// weights, is 80000, which float16 does not have. GGML_PREC_F32 asks for float32 sums.
#include <math.h>
#include <stdio.h>

#include "ggml-cpu.h"
#include "ggml.h"

int main(void) {
  struct ggml_init_params params = {.mem_size = 64u << 20, .mem_buffer = NULL, .no_alloc = false};
  struct ggml_context *context = ggml_init(params);
  struct ggml_tensor *query = ggml_new_tensor_4d(context, GGML_TYPE_F32, 8, 1, 1, 1);
  struct ggml_tensor *key = ggml_new_tensor_4d(context, GGML_TYPE_F16, 8, 2, 1, 1);
  struct ggml_tensor *value = ggml_new_tensor_4d(context, GGML_TYPE_F16, 8, 2, 1, 1);
  ggml_cpu_init();
  for (int n = 0; n < 8; n++) ((float *)query->data)[n] = 0.0f;
  for (int n = 0; n < 16; n++) {
    ((ggml_fp16_t *)key->data)[n] = ggml_fp32_to_fp16(0.0f);
    ((ggml_fp16_t *)value->data)[n] = ggml_fp32_to_fp16(40000.0f);
  }
  struct ggml_tensor *output = ggml_flash_attn_ext(context, query, key, value, NULL, 1.0f, 0.0f, 0.0f);
  if (!ggml_prec_set_acc(output, GGML_PREC_F32)) return 2;
  struct ggml_cgraph *graph = ggml_new_graph(context);
  ggml_build_forward_expand(graph, output);
  ggml_graph_compute_with_ctx(context, graph, 1);
  const float actual = ((float *)output->data)[0];
  printf("ggml %s: %g, expected 40000\n", ggml_version(), actual);
  return fabsf(actual - 40000.0f) < 1.0f ? 0 : 1;
}
