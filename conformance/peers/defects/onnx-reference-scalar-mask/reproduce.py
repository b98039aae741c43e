"""A mask of rank 0 broadcasts to [B, Hq, Lq, Lk] and ends in an IndexError."""
import sys

import numpy as np
import onnx
from onnx import TensorProto, helper
from onnx.reference import ReferenceEvaluator

names = ["Q", "K", "V"]
inputs = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, 1, 3, 4]) for name in names]
inputs.append(helper.make_tensor_value_info("attn_mask", TensorProto.BOOL, []))
output = helper.make_tensor_value_info("Y", TensorProto.FLOAT, [1, 1, 3, 4])
node = helper.make_node("Attention", [*names, "attn_mask"], ["Y"])
model = helper.make_model(
    helper.make_graph([node], "attention", inputs, [output]), opset_imports=[helper.make_opsetid("", 23)]
)
feeds = {name: np.ones([1, 1, 3, 4], np.float32) for name in names}
try:
    (result,) = ReferenceEvaluator(model).run(None, {**feeds, "attn_mask": np.array(True)})
except IndexError as error:
    print(f"onnx {onnx.__version__}: IndexError: {error}")
    sys.exit(1)
print(f"onnx {onnx.__version__}: {result.ravel()[:4]}, expected ones")
sys.exit(0 if np.allclose(result, 1) else 1)
