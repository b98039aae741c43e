"""A mask with one row for all queries, as padding has it, beside is_causal: every query gets the keys of the first."""
import sys

import numpy as np
import onnx
from onnx import TensorProto, helper
from onnx.reference import ReferenceEvaluator

shapes = {"Q": [1, 1, 2, 4], "K": [1, 1, 2, 4], "V": [1, 1, 2, 4]}
inputs = [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in shapes.items()]
inputs.append(helper.make_tensor_value_info("attn_mask", TensorProto.BOOL, [1, 1, 1, 2]))
output = helper.make_tensor_value_info("Y", TensorProto.FLOAT, [1, 1, 2, 4])
node = helper.make_node("Attention", ["Q", "K", "V", "attn_mask"], ["Y"], is_causal=1)
model = helper.make_model(
    helper.make_graph([node], "attention", inputs, [output]), opset_imports=[helper.make_opsetid("", 24)]
)
feeds = {name: np.zeros(shape, np.float32) for name, shape in shapes.items()}
feeds["V"][0, 0, 1] = 1
(result,) = ReferenceEvaluator(model).run(None, {**feeds, "attn_mask": np.ones([1, 1, 1, 2], bool)})
rows = result[0, 0, :, 0]
print(f"onnx {onnx.__version__}: {rows}, expected [0, 0.5]")
sys.exit(0 if np.allclose(rows, [0, 0.5]) else 1)
